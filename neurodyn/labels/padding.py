"""Trials that end before their buffer does: NaN after the end, and labels of the end."""

from typing import Any

import numpy as np
from jaxtyping import Int

__all__ = ["end_coords", "end_time", "padded"]


def end_time(n_valid: Any, dt: float, t0: float) -> np.ndarray:
    """Time at which trials of `n_valid` steps end [ms], as exact as the labels of `time`."""
    return float(t0) + np.asarray(n_valid, np.float64) * float(dt)


def end_coords(
    n_valid: Any, steps: Int[np.ndarray, " time"], dt: float, t0: float, unit: str = "ms"
) -> dict[str, tuple]:
    """The coordinates ``n_valid`` and ``valid_until`` of trials.

    Parameters
    ----------
    n_valid
        Steps of each trial.
    steps
        Number of the step of every sample; the first step is 1.
    dt, t0
        Step and start.
    unit
        Unit of both: "ms", or "1" for steps.
    """
    samples = np.searchsorted(steps, np.asarray(n_valid), side="right")
    return {
        "n_valid": ("trial", samples),
        "valid_until": ("trial", end_time(n_valid, dt, t0), unit),
    }


def padded(array: Any, n_valid: Any, steps: Int[np.ndarray, " time"]) -> np.ndarray:
    """Set an array ``(trial, time, ...)`` of floats to NaN after the end of each trial.

    Whole numbers are returned unchanged, because they have no NaN.
    """
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array
    inside = steps[None, :] <= np.asarray(n_valid)[:, None]
    inside = inside.reshape(*inside.shape, *(1,) * (array.ndim - 2))
    return np.where(inside, array, np.asarray(np.nan, array.dtype))
