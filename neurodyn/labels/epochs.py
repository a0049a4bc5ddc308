"""Epochs of trials: the named intervals that a task consists of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodyn.labels.numbers import exact


def epoch_times(
    epochs: Mapping[str, Any], dt: float, t0: float
) -> dict[str, tuple[Float[np.ndarray, " trial"], Float[np.ndarray, " trial"]]]:
    """Start and stop of each epoch in every trial.

    Parameters
    ----------
    epochs
        Intervals ``(trial, 2)`` from the start of the trial, by name.
    dt, t0
        Step, and time of the start of the trial.
    """
    times = {name: exact(np.asarray(interval), dt).T + t0 for name, interval in epochs.items()}
    return {name: (start, stop) for name, (start, stop) in times.items()}


def epoch_coords(
    epochs: Mapping[str, Any], dt: float, t0: float, unit: str = "ms"
) -> dict[str, tuple]:
    """The coordinates ``NAME_start`` and ``NAME_stop`` on `trial`, as `labels.dataset` takes them.

    Parameters
    ----------
    epochs, dt, t0
        As for `epoch_times`.
    unit
        Unit of times: "ms", or "1" for steps.
    """
    return {
        f"{name}_{edge}": ("trial", times, unit, f"{edge} of the epoch '{name}'")
        for name, both in epoch_times(epochs, dt, t0).items()
        for edge, times in zip(("start", "stop"), both, strict=True)
    }
