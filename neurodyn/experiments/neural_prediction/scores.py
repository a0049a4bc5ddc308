"""Errors of predictions and of generated sequences, relative to the variance of the data."""

from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn.analysis import forecast_error, ridge_forecast
from neurodyn.experiments.neural_prediction.data import Fold
from neurodyn.experiments.neural_prediction.settings import Settings
from neurodyn.experiments.running.seeds import seeds_of, shared_key
from neurodyn.models.pvrnn import ErrorRegression, error_regression
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import Sequences

__all__ = ["NAMES", "follow", "generated", "generation", "predictions"]

#: Predictors.
NAMES = {
    "pvrnn": "PV-RNN, error regression",
    "ridge": "ridge autoregression",
    "persistence": "last value",
}


def follow(
    settings: Settings, model: Any, observed: np.ndarray, step: float, **options: Any
) -> xr.Dataset:
    """Predictions of one network by error regression, which keeps posteriors with their steps."""
    method = ErrorRegression.idei2022(window=settings.window, iterations=settings.iterations)
    return error_regression(
        model,
        observed,
        method,
        n_horizons=settings.n_horizons,
        n_samples=settings.n_samples,
        dt=step,
        key=shared_key(2),
        **options,
    )


def predictions(
    settings: Settings, data: Fold, members: list[Any], step: float
) -> dict[str, np.ndarray]:
    """Error of each predictor ``(network, horizon)``, relative to the variance of held-out data."""
    x, h = data.held_out, settings.n_horizons
    linear = ridge_forecast(data.train, x, n_horizons=h, n_lags=settings.window, dt=step)
    last = linear["prediction"].copy(data=np.repeat(x[:, :, None], h, axis=2))
    power = _variance(data.held_out)
    followed = [follow(settings, m, x, step) for m in members]
    return {
        "pvrnn": np.stack([forecast_error(f, x).values.mean(0) for f in followed]) / power,
        "ridge": forecast_error(linear, x).values.mean(0)[None] / power,
        "persistence": forecast_error(last, x).values.mean(0)[None] / power,
    }


def generation(
    settings: Settings, data: Fold, sequences: Sequences, members: list[Any]
) -> dict[str, np.ndarray]:
    """Error of generated sequences ``(network, sequence)``, relative to the training variance.

    Returns
    -------
    dict
        ``posterior``: reconstruction from posteriors; ``target``: generation from the first
        latents; ``free``: distance of freely generated sequences from the nearest training
        condition.
    """
    out: dict[str, list[np.ndarray]] = {"posterior": [], "target": [], "free": []}
    power = _variance(data.train)
    options: dict[str, Any] = {"dt": sequences.dt, "save": (), "progress": False}
    for seed, model in zip(seeds_of(settings, len(members)), members, strict=True):
        key = jax.random.fold_in(shared_key(3), seed)
        for mode in ("posterior", "target"):
            trials = sequences.validation()
            got = simulate(model.mode(mode), trials, key=key, **options)["outputs"].values
            out[mode].append(((got - data.train) ** 2).mean((1, 2)) / power)
        free = simulate(
            model.mode("free"),
            n_trials=settings.n_free,
            n_steps=sequences.n_steps,
            key=key,
            **options,
        )["outputs"].values
        apart = ((free[:, None] - data.train[None]) ** 2).mean((2, 3))
        out["free"].append(apart.min(1) / power)
    return {name: np.stack(values) for name, values in out.items()}


def _variance(x: np.ndarray) -> float:
    return float(((x - x.mean((0, 1))) ** 2).mean())


def generated(scores: dict[str, list[np.ndarray]]) -> xr.Dataset:
    """Errors of generated sequences of all folds, labelled."""
    names = {
        "posterior": "error of reconstruction",
        "target": "error when generated from the first latents",
        "free": "distance of free generation from the nearest training condition",
    }
    found = {}
    for name, long_name in names.items():
        values = np.stack(scores[name], 1)
        free = name == "free"
        values = values.transpose(0, 2, 1) if free else values
        dims = ("seed", "draw", "fold") if free else ("seed", "fold", "trial")
        attrs = {"units": "1", "long_name": f"{long_name}, relative to the variance"}
        found[name] = (dims, values, attrs)
    return xr.Dataset(found, attrs={"source": "analysis"})
