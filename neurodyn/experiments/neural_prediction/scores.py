"""Recorded rates in folds of conditions, and errors of predictions and of generated sequences."""

from typing import Any, NamedTuple

import jax
import numpy as np
import xarray as xr

from neurodyn import datasets, labels
from neurodyn.analysis import forecast_error, ridge_forecast
from neurodyn.experiments.neural_prediction.settings import Settings
from neurodyn.experiments.running.seeds import seeds_of, shared_key
from neurodyn.models.pvrnn import ErrorRegression, error_regression
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import Sequences

#: Predictors.
NAMES = {
    "pvrnn": "PV-RNN, error regression",
    "ridge": "ridge autoregression",
    "persistence": "last value",
}


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
