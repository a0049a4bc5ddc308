"""Error regression on a recorded population: conditions that the network has never seen."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np
import xarray as xr

from neurodyn import datasets, labels, plot
from neurodyn.analysis import forecast_error, ridge_forecast
from neurodyn.common.intervals import interval
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.forecasters import ForecastSettings, train_pvrnn
from neurodyn.experiments.shared.layers import Taus, check_layers
from neurodyn.experiments.shared.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.shared.seeds import result, seeds_of, shared_key
from neurodyn.models import PVRNN
from neurodyn.models.pvrnn import ErrorRegression, error_regression
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import Sequences

__all__ = ["EXPERIMENT", "Settings", "run"]


@dataclasses.dataclass(frozen=True)
class Settings(ForecastSettings):
    """Settings; see :class:`ForecastSettings` too.

    Attributes
    ----------
    recording
        Name of a dataset, or a file, with ``rate`` ``(condition, time, unit)``.
    seed
        Seed of the first network of each fold; the next ones count on.
    n_networks
        Networks for each fold.
    n_folds
        Every fold holds out conditions that are ``n_folds`` apart.
    n_components
        Principal components of the training conditions that are modelled.
    every
        Time bins that are averaged into one step.
    softening
        Rates are divided by their range in the training conditions plus this [Hz] (soft
        normalisation).
    w
        Meta-prior.
    learning_rate
        Step size of Adam.
    window
        Window of error regression [steps] (the line of Idei et al. 2022, which keeps posteriors
        with their steps).
    n_free
        Freely generated sequences.
    """

    recording: str = "hatsopoulos2007"
    n_folds: Annotated[int, Limits(2)] = 4
    n_components: Count = 6
    every: Count = 2
    softening: NotNegative = 5.0
    tau: Taus = (3.0, 12.0)
    w: Positive = 0.01
    epochs: Count = 4000
    learning_rate: Positive = 3e-3
    window: Count = 10
    iterations: Count = 30
    n_horizons: Count = 10
    n_free: Count = 32


class Fold(NamedTuple):
    """Components ``(condition, time, component)`` of one fold.

    Attributes
    ----------
    train, held_out
        Conditions that are trained on, and that are followed.
    """

    train: np.ndarray
    held_out: np.ndarray


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train on all but some conditions, follow those."""
    rates, step = _rates(settings)
    n = len(rates)
    if n < 2 * settings.n_folds:
        raise ValueError(
            f"n_folds={settings.n_folds} leaves fewer than two of {n} conditions in a fold."
        )
    scores: dict[str, list[np.ndarray]] = {
        name: [] for name in ("pvrnn", "ridge", "persistence", "posterior", "target", "free")
    }
    examples = []
    for fold in range(settings.n_folds):
        held = np.arange(n) % settings.n_folds == fold
        data = _components(rates, held, settings)
        sequences = Sequences(data.train, dt=step)
        trained = train_pvrnn(
            _network(settings, sequences),
            sequences,
            seeds=seeds_of(settings, settings.n_networks),
            steps=settings.epochs,
            learning_rate=settings.learning_rate,
            run=run,
            name=f"fold_{fold}",
            key=shared_key(1),
        )
        for name, value in _predictions(settings, data, list(trained.model), step).items():
            scores[name].append(value)
        for name, value in _generation(settings, data, sequences, list(trained.model)).items():
            scores[name].append(value)
        if fold == 0:
            followed = _follow(settings, trained.model[0], data.held_out, step, windows=True)
            examples = [followed, _observed(data.held_out, step)]
    tree = {
        "/model": examples[0],
        "/recording": examples[1],
        "/analysis/error": _errors(scores),
        "/analysis/generation": _generated(scores),
    }
    return result(tree, settings, step=step)


def _rates(settings: Settings) -> tuple[np.ndarray, float]:
    """Rates [Hz] ``(condition, time, unit)``, and the step [ms]."""
    name = settings.recording
    ds = datasets.open(name)
    if not isinstance(ds, xr.Dataset) or "rate" not in ds or "condition" not in ds["rate"].dims:
        raise ValueError(f"{name}: `rate` with dims (condition, time, unit) is needed.")
    x = ds["rate"].transpose("condition", "time", "unit").values.astype(np.float64)
    n = x.shape[1] // settings.every * settings.every
    x = x[:, :n].reshape(x.shape[0], -1, settings.every, x.shape[2]).mean(2)
    return x, labels.clock(ds, what=name).step * settings.every


def _components(rates: np.ndarray, held: np.ndarray, settings: Settings) -> Fold:
    """Principal components of soft-normalised rates.

    Ranges, means and axes are those of the training conditions; nothing of the others is used.
    """
    spread = np.ptp(rates[~held], axis=(0, 1))
    rates = rates / (spread + settings.softening)
    train = rates[~held]
    mean = train.mean((0, 1))
    _, _, axes = np.linalg.svd((train - mean).reshape(-1, rates.shape[2]), full_matrices=False)
    axes = axes[: settings.n_components].T
    scale = 0.8 / np.abs((train - mean) @ axes).max()
    return Fold((train - mean) @ axes * scale, (rates[held] - mean) @ axes * scale)


def _network(settings: Settings, sequences: Sequences):
    def make(key):
        return PVRNN(
            sequences.n_outputs,
            settings.n_units,
            settings.n_latents,
            settings.tau,
            sequences=(sequences.n_items, sequences.n_steps),
            w=settings.w,
            head="linear",
            key=key,
        )

    return make


def _follow(settings: Settings, model: Any, observed: np.ndarray, step: float, **options):
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


def _predictions(
    settings: Settings, data: Fold, members: list[Any], step: float
) -> dict[str, np.ndarray]:
    """Error by horizon ``(network, horizon)``, relative to the variance of the held-out data."""
    x, h = data.held_out, settings.n_horizons
    linear = ridge_forecast(data.train, x, n_horizons=h, n_lags=settings.window, dt=step)
    last = linear["prediction"].copy(data=np.repeat(x[:, :, None], h, axis=2))
    power = _spread(data.held_out)
    followed = [_follow(settings, m, x, step) for m in members]
    return {
        "pvrnn": np.stack([forecast_error(f, x).values.mean(0) for f in followed]) / power,
        "ridge": forecast_error(linear, x).values.mean(0)[None] / power,
        "persistence": forecast_error(last, x).values.mean(0)[None] / power,
    }


def _generation(
    settings: Settings, data: Fold, sequences: Sequences, members: list[Any]
) -> dict[str, np.ndarray]:
    """Error relative to the variance of the training data ``(network, sequence)``."""
    out: dict[str, list[np.ndarray]] = {"posterior": [], "target": [], "free": []}
    power = _spread(data.train)
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


def _spread(x: np.ndarray) -> float:
    return float(((x - x.mean((0, 1))) ** 2).mean())


def _errors(scores: dict[str, list[np.ndarray]]) -> xr.Dataset:
    """Networks of the same number in all folds are one seed."""
    names = {
        "pvrnn": "PV-RNN, error regression",
        "ridge": "ridge autoregression",
        "persistence": "last value",
    }
    found: dict[str, Any] = {}
    for name, long_name in names.items():
        values = np.stack(scores[name], 1)  # (network, fold, horizon)
        attrs = {"units": "1", "long_name": long_name}
        dims = ("seed", "fold", "horizon") if len(values) > 1 else ("fold", "horizon")
        found[name] = (dims, values if len(values) > 1 else values[0], attrs)
    n = scores["ridge"][0].shape[1]
    horizon = ("horizon", np.arange(1, n + 1), {"units": "1", "long_name": "steps ahead"})
    return xr.Dataset(found, {"horizon": horizon}, {"source": "analysis"})


def _generated(scores: dict[str, list[np.ndarray]]) -> xr.Dataset:
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


def _observed(x: np.ndarray, step: float) -> xr.Dataset:
    return labels.dataset(
        {"targets": (("trial", "time", "output"), x, "1", "component of the rates", "target")},
        {"time": labels.time_axis(x.shape[1], step)},
        source="recording",
    )


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Errors by horizon, and one held-out condition with windows and predictions."""
    errors = tree["analysis/error"].to_dataset()
    return {
        "prediction_error": plot.prediction_error(
            errors, reference=("ridge", "persistence"), what="error relative to the variance"
        ),
        "stream": plot.error_regression(tree["model"].to_dataset(), tree["recording"].to_dataset()),
    }


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Errors relative to the variance, with intervals over networks."""
    errors = tree["analysis/error"].to_dataset()
    step, rows = float(tree.attrs["step"]), {}
    for curve in errors.data_vars.values():
        mean, half = interval(curve)
        n = curve.sizes["horizon"]
        text = []
        for h in sorted({1, max(n // 2, 1), n}):
            number = f"{mean[h - 1]:.3f}" + ("" if half is None else f" ± {half[h - 1]:.3f}")
            text.append(f"{h * step:g} ms: {number}")
        rows[f"relative error of {curve.attrs['long_name']}"] = ", ".join(text)
    for curve in tree["analysis/generation"].to_dataset().data_vars.values():
        each = curve.mean([d for d in curve.dims if d != "seed"]).values
        rows[curve.attrs["long_name"]] = (
            f"{each.mean():.3f} ({each.min():.3f} to {each.max():.3f} over networks)"
        )
    return rows


EXPERIMENT = Experiment(
    name="neural_prediction",
    title="Does error regression predict conditions of a recorded population that it never saw?",
    reference=("ahmadi2019", "hatsopoulos2007"),
    presets={"quick": Settings(), "paper": Settings(n_networks=10, epochs=50_000, n_samples=64)},
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "PV-RNNs learnt the first {n_components} principal components of the rates in "
        "'{recording}' in {epochs} updates, {n_networks} networks for each of {n_folds} folds "
        "of conditions. The conditions that a fold leaves out were followed by error "
        "regression and predicted {n_horizons} steps ahead."
    ),
    ranges=(
        "Errors are relative to the variance of the data: means over networks, plus or minus "
        "half of the 95 % interval of the mean (Student's t), or in brackets the smallest and "
        "the largest network."
    ),
    captions={
        "prediction_error": (
            "Error relative to the variance against the number of steps ahead, with 95 % "
            "intervals over networks; linear prediction and the last value for reference."
        ),
        "stream": (
            "One condition that was held out, with its windows of error regression and the "
            "predictions made from them."
        ),
    },
    check=check_layers,
)
