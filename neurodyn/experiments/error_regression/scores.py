"""Errors of predictions, and the best possible prediction."""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.analysis import forecast_error
from neurodyn.experiments.error_regression.candidates import Candidate
from neurodyn.experiments.error_regression.settings import Settings
from neurodyn.experiments.running.seeds import seeds_of, shared_key
from neurodyn.tasks import Lissajous

__all__ = ["NAMES", "errors", "ideal", "tuning_table"]

NAMES = {
    "pvrnn": "PV-RNN, error regression",
    "vrnn": "VRNN",
    "lstm": "LSTM",
    "ridge": "ridge autoregression",
    "ideal": "generator known",
}


def errors(settings: Settings, candidate: Candidate, observed: np.ndarray) -> np.ndarray:
    """Errors of every network of a candidate ``(seed, trial, horizon)``."""
    seeds = seeds_of(settings, len(candidate.members))
    keys = [jax.random.fold_in(shared_key(5), seed) for seed in seeds]
    return np.stack(
        [
            forecast_error(candidate.predict(m, observed, k), observed).values
            for m, k in zip(candidate.members, keys, strict=True)
        ]
    )


def ideal(task: Lissajous, observed: np.ndarray, n_horizons: int) -> xr.DataArray:
    """Expectation given the curves, the transition probabilities and the current curve."""
    curves = np.asarray(task.curves(), np.float64)
    chances = np.asarray(task.transitions, np.float64)
    order, n_steps = np.asarray(task.order(jnp.asarray(observed))), observed.shape[1]
    expected = np.empty((len(observed), n_steps, n_horizons, observed.shape[2]))
    for t in range(n_steps):
        place, step = divmod(t, task.period)
        known = np.eye(len(chances))[order[:, place]]
        for h in range(1, n_horizons + 1):
            passed, at = divmod(step + h, task.period)
            law = known @ np.linalg.matrix_power(chances, passed)
            expected[:, t, h - 1] = law @ curves[:, at]
    return xr.DataArray(
        expected, {"horizon": np.arange(1, n_horizons + 1)}, ("trial", "time", "horizon", "output")
    )


def tuning_table(name: str, settings: list[str], scores: list[float]) -> xr.Dataset:
    """Validation errors of the candidates of one kind of network."""
    attrs = {"units": "1", "long_name": f"validation error of {NAMES[name]}"}
    about = {"units": "1", "long_name": f"candidates of {NAMES[name]}"}
    found = {
        "error": ("sweep", np.array(scores), attrs),
        "setting": ("sweep", np.array(settings), about),
    }
    return xr.Dataset(found, attrs={"source": "analysis"})
