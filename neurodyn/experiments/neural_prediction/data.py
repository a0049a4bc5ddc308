"""Recorded rates, and their principal components in folds of conditions."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from neurodyn import datasets, labels
from neurodyn.experiments.neural_prediction.settings import Settings

__all__ = ["Fold", "components", "recorded_rates"]


class Fold(NamedTuple):
    """Components ``(condition, time, component)`` of one fold.

    Attributes
    ----------
    train, held_out
        Training conditions, and conditions that are predicted.
    """

    train: np.ndarray
    held_out: np.ndarray


def recorded_rates(settings: Settings) -> tuple[np.ndarray, float]:
    """Rates [Hz] ``(condition, time, unit)``, and the step [ms].

    Raises
    ------
    ValueError
        If the recording has no rates of conditions.
    """
    name = settings.recording
    ds = datasets.open(name)
    if not isinstance(ds, xr.Dataset) or "rate" not in ds or "condition" not in ds["rate"].dims:
        raise ValueError(
            f"{name}: the experiment needs a variable `rate` with dims (condition, time, unit); "
            "neurodyn.trials.average makes condition means of trials."
        )
    x = ds["rate"].transpose("condition", "time", "unit").values.astype(np.float64)
    n = x.shape[1] // settings.every * settings.every
    x = x[:, :n].reshape(x.shape[0], -1, settings.every, x.shape[2]).mean(2)
    return x, labels.clock(ds, what=name).step * settings.every


def components(rates: np.ndarray, held: np.ndarray, settings: Settings) -> Fold:
    """Principal components of soft-normalised rates.

    Ranges, means and axes come from the training conditions alone.

    Parameters
    ----------
    rates
        Rates (condition, time, unit).
    held
        Whether a condition is held out (condition).
    settings
        Settings.
    """
    ranges = np.ptp(rates[~held], axis=(0, 1))
    rates = rates / (ranges + settings.softening)
    train = rates[~held]
    mean = train.mean((0, 1))
    _, _, axes = np.linalg.svd((train - mean).reshape(-1, rates.shape[2]), full_matrices=False)
    axes = axes[: settings.n_components].T
    scale = 0.8 / np.abs((train - mean) @ axes).max()
    return Fold((train - mean) @ axes * scale, (rates[held] - mean) @ axes * scale)
