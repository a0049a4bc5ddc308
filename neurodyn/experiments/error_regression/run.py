"""Error regression: predicting unseen sequences from errors, against networks that read them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn import labels, plot
from neurodyn.analysis import forecast, forecast_error, ridge_forecast
from neurodyn.common.intervals import interval
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.forecasters import (
    ForecastSettings,
    match_size,
    n_parameters,
    train_baseline,
    train_pvrnn,
)
from neurodyn.experiments.shared.layers import check_layers
from neurodyn.experiments.shared.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.shared.seeds import result, seeds_of, shared_key
from neurodyn.models import LSTM, PVRNN, VRNN
from neurodyn.models.pvrnn import ErrorRegression, error_regression
from neurodyn.tasks import Lissajous, Sequences
from neurodyn.training import ELBO, NextStep

__all__ = ["EXPERIMENT", "Settings", "run"]

NAMES = {
    "pvrnn": "PV-RNN, error regression",
    "vrnn": "VRNN",
    "lstm": "LSTM",
    "ridge": "ridge autoregression",
    "ideal": "generator known",
}


@dataclasses.dataclass(frozen=True)
class Settings(ForecastSettings):
    """Settings; see :class:`ForecastSettings` too.

    Attributes
    ----------
    seed
        Seed of the first network of each kind; the next ones count on.
    n_networks
        Networks of each kind and candidate.
    period
        Length of a curve [steps].
    n_curves
        Curves of a sequence.
    sigma
        Standard deviation of the noise on the outputs.
    n_train
        Sequences that are trained on.
    n_validate
        Sequences that candidates are chosen by.
    n_test
        Sequences that are reported.
    n_units
        Units of each layer of the PV-RNN, the fastest first; the other networks get as many
        parameters.
    epochs
        Updates on all training sequences, the same number for every network.
    learning_rates
        Learning rates that are tried for the PV-RNN, at the middle `w`.
    w
        Meta-priors that are tried, at the middle learning rate.
    reading_rates
        Learning rates that are tried for the networks that read.
    input_noise
        Noise on the inputs that is tried for the LSTM.
    min_std
        Least standard deviations of the decoder that are tried for the VRNN.
    """

    period: Annotated[int, Limits(2)] = 12
    n_curves: Count = 6
    sigma: NotNegative = 0.02
    n_train: Count = 24
    n_validate: Count = 12
    n_test: Count = 12
    learning_rates: tuple[Positive, ...] = (1e-3, 3e-3, 1e-2)
    w: tuple[Positive, ...] = (0.0005, 0.005, 0.05)
    reading_rates: tuple[Positive, ...] = (3e-3, 1e-2, 3e-2)
    input_noise: tuple[NotNegative, ...] = (0.02, 0.05, 0.1)
    min_std: tuple[Positive, ...] = (0.05, 0.1, 0.2)


class Candidate(NamedTuple):
    """One way to set a kind of network up.

    Attributes
    ----------
    setting
        What is tried, in words.
    members
        Trained networks.
    predict
        ``(member, observed, key) -> Dataset with prediction``.
    """

    setting: str
    members: list[Any]
    predict: Callable[..., xr.Dataset]


def cross(first: tuple[float, ...], second: tuple[float, ...]) -> list[tuple[float, float]]:
    """All of each at the middle of the other: as many candidates as both have values, less one."""
    a, b = first[len(first) // 2], second[len(second) // 2]
    return [(x, b) for x in first] + [(a, y) for y in second if y != b]


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train all candidates, choose on validation sequences, report test sequences."""
    task = Lissajous(period=settings.period, n_curves=settings.n_curves, noise_std=settings.sigma)
    sizes = (settings.n_train, settings.n_validate, settings.n_test)
    train, validate, test = (
        np.asarray(task.batch(shared_key(i), n).targets) for i, n in enumerate(sizes)
    )
    kinds = {
        "pvrnn": _pvrnns(settings, Sequences(train), run),
        "vrnn": _vrnns(settings, Sequences(train), Sequences(validate), run),
        "lstm": _lstms(settings, Sequences(train), Sequences(validate), run),
    }
    errors, tuning, about, example = {}, {}, {}, None
    for name, candidates in kinds.items():
        scores = [_errors(settings, c, validate).mean() for c in candidates]
        tuning[name] = ([c.setting for c in candidates], scores)
        best = candidates[int(np.argmin(scores))]
        errors[name] = _errors(settings, best, test)
        about[name] = best.setting
        about[f"{name}_parameters"] = n_parameters(best.members[0])
        if name == "pvrnn":
            example = best.predict(best.members[0], test, shared_key(9), windows=True)
    h = settings.n_horizons
    linear = ridge_forecast(train, test, n_horizons=h, n_lags=settings.window)
    errors["ridge"] = forecast_error(linear, test).values[None]
    errors["ideal"] = forecast_error(_ideal(task, test, h), test).values[None]
    tree = {
        "/recording": _observed(test),
        "/model": example,
        "/analysis/error": _labelled(errors),
        **{f"/analysis/tuning/{name}": _tuning(name, *tuned) for name, tuned in tuning.items()},
    }
    return result(tree, settings, chosen=about)


def _pvrnns(settings: Settings, sequences: Sequences, run: Run) -> list[Candidate]:
    shared = {"window": settings.window, "iterations": settings.iterations}
    lines = {
        "soda2023": ErrorRegression.soda2023(**shared),
        "idei2022": ErrorRegression.idei2022(**shared),
    }
    found = []
    for i, (rate, w) in enumerate(cross(settings.learning_rates, settings.w)):
        trained = train_pvrnn(
            lambda key, w=w: _network(settings, sequences, w, key),
            sequences,
            seeds=seeds_of(settings, settings.n_networks),
            steps=settings.epochs,
            learning_rate=rate,
            run=run,
            name=f"pvrnn_{i}",
            key=shared_key(3),
        )
        for line, method in lines.items():
            setting = f"learning rate {rate:g}, w {w:g}, {line}"
            found.append(Candidate(setting, list(trained.model), _regression(settings, method)))
    return found


def _regression(settings: Settings, method: ErrorRegression):
    def predict(model, observed, key, **options):
        return error_regression(
            model,
            observed,
            method,
            n_horizons=settings.n_horizons,
            n_samples=settings.n_samples,
            key=key,
            **options,
        )

    return predict


def _vrnns(settings, sequences: Sequences, held_out: Sequences, run: Run) -> list[Candidate]:
    target, n_latents = pvrnn_size(settings, sequences), sum(settings.n_latents)

    def sized(n, min_std=0.01, key=0):
        return VRNN(sequences.n_outputs, n, n_latents, min_std=min_std, key=key)

    n = match_size(sized, target)

    def predict(model, observed, key):
        return forecast(
            model,
            observed,
            n_horizons=settings.n_horizons,
            n_samples=settings.n_samples,
            key=key,
        )

    return [
        Candidate(
            f"learning rate {rate:g}, least deviation {std:g}",
            _baseline(
                settings,
                lambda key, std=std: sized(n, std, key),
                sequences,
                held_out,
                ELBO(),
                rate,
                run,
                f"vrnn_{i}",
            ),
            predict,
        )
        for i, (rate, std) in enumerate(cross(settings.reading_rates, settings.min_std))
    ]


def _lstms(settings, sequences: Sequences, held_out: Sequences, run: Run) -> list[Candidate]:
    target, n_outputs = pvrnn_size(settings, sequences), sequences.n_outputs
    n = match_size(lambda n: LSTM(n_outputs, n, n_outputs, key=0), target)

    def predict(model, observed, key):
        del key
        return forecast(model, observed, n_horizons=settings.n_horizons)

    return [
        Candidate(
            f"learning rate {rate:g}, input noise {noise:g}",
            _baseline(
                settings,
                lambda key: LSTM(n_outputs, n, n_outputs, key=key),
                sequences,
                held_out,
                NextStep(noise=noise),
                rate,
                run,
                f"lstm_{i}",
            ),
            predict,
        )
        for i, (rate, noise) in enumerate(cross(settings.reading_rates, settings.input_noise))
    ]


def _baseline(settings, make, sequences, held_out, objective, rate, run, name) -> list[Any]:
    trained = train_baseline(
        make,
        sequences,
        held_out,
        objective,
        seeds=seeds_of(settings, settings.n_networks),
        steps=settings.epochs,
        learning_rate=rate,
        run=run,
        name=name,
        key=shared_key(4),
    )
    return list(trained.model)


def pvrnn_size(settings: Settings, sequences: Sequences) -> int:
    """Parameters of the PV-RNN that is trained, which the other networks match."""
    return n_parameters(_network(settings, sequences, settings.w[0], 0))


def _network(settings: Settings, sequences: Sequences, w: float, key: Any) -> PVRNN:
    return PVRNN(
        sequences.n_outputs,
        settings.n_units,
        settings.n_latents,
        settings.tau,
        sequences=(sequences.n_items, sequences.n_steps),
        w=w,
        key=key,
    )


def _errors(settings: Settings, candidate: Candidate, observed: np.ndarray) -> np.ndarray:
    """``(seed, trial, horizon)``."""
    seeds = seeds_of(settings, len(candidate.members))
    keys = [jax.random.fold_in(shared_key(5), seed) for seed in seeds]
    return np.stack(
        [
            forecast_error(candidate.predict(m, observed, k), observed).values
            for m, k in zip(candidate.members, keys, strict=True)
        ]
    )


def _ideal(task: Lissajous, observed: np.ndarray, n_horizons: int) -> xr.DataArray:
    """What one expects who knows the curves, the chances, and which curve is being drawn."""
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
        expected,
        {"horizon": np.arange(1, n_horizons + 1)},
        ("trial", "time", "horizon", "output"),
    )


def _observed(x: np.ndarray) -> xr.Dataset:
    return labels.dataset(
        {"targets": (("trial", "time", "output"), x, "1", "observed sequence", "target")},
        {"time": labels.time_axis(x.shape[1], 1.0), "output": ["x", "y"]},
        source="task",
    )


def _labelled(errors: dict[str, np.ndarray]) -> xr.Dataset:
    n = errors["ideal"].shape[2]
    horizon = xr.Variable(
        "horizon", np.arange(1, n + 1), {"units": "1", "long_name": "steps ahead"}
    )
    found = {}
    for name, values in errors.items():
        attrs = {"units": "1", "long_name": NAMES[name]}
        # What does not depend on a start has no seeds.
        dims = ("seed", "trial", "horizon") if len(values) > 1 else ("trial", "horizon")
        found[name] = (dims, values if len(values) > 1 else values[0], attrs)
    return xr.Dataset(found, {"horizon": horizon}, {"source": "analysis"})


def _tuning(name: str, settings: list[str], scores: list[float]) -> xr.Dataset:
    attrs = {"units": "1", "long_name": f"validation error of {NAMES[name]}"}
    about = {"units": "1", "long_name": f"candidates of {NAMES[name]}"}
    found = {
        "error": ("sweep", np.array(scores), attrs),
        "setting": ("sweep", np.array(settings), about),
    }
    return xr.Dataset(found, attrs={"source": "analysis"})


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Errors by horizon, and one stream with windows and predictions."""
    errors = tree["analysis/error"].to_dataset()
    return {
        "prediction_error": plot.prediction_error(errors, reference=("ridge", "ideal")),
        "stream": plot.error_regression(tree["model"].to_dataset(), tree["recording"].to_dataset()),
    }


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Errors with intervals, and what was chosen."""
    import json

    chosen = json.loads(tree.attrs["chosen"])
    errors = tree["analysis/error"].to_dataset()
    rows = {}
    for name, curve in errors.data_vars.items():
        mean, half = interval(curve)
        n = curve.sizes["horizon"]
        shown = sorted({1, n // 3, 2 * n // 3, n} - {0})
        text = []
        for h in shown:
            number = f"{mean[h - 1]:.4f}"
            text.append(f"{h}: {number}" + ("" if half is None else f" ± {half[h - 1]:.4f}"))
        rows[f"error of {NAMES[str(name)]}, steps ahead"] = ", ".join(text)
    for name in ("pvrnn", "vrnn", "lstm"):
        rows[NAMES[name]] = f"{chosen[f'{name}_parameters']} parameters; {chosen[name]}"
    return rows


EXPERIMENT = Experiment(
    name="error_regression",
    title="Does inference from errors predict unseen sequences better than reading them?",
    reference=("ahmadi2019", "chung2015", "hochreiter1997"),
    presets={
        "quick": Settings(),
        "paper": Settings(n_networks=10, epochs=50_000, n_test=24, n_samples=32),
    },
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "PV-RNNs that infer their latents from prediction errors, and VRNNs and LSTMs of as "
        "many parameters that read what they observe, learnt {n_train} sequences of Lissajous "
        "curves in {epochs} updates, {n_networks} networks for each candidate setting. The "
        "candidate with the smallest error on {n_validate} other sequences was compared on "
        "{n_test} further ones, {n_horizons} steps ahead."
    ),
    ranges=(
        "Errors are means over networks and sequences, plus or minus half of the 95 % interval "
        "of the mean over networks (Student's t)."
    ),
    captions={
        "prediction_error": (
            "Squared error against the number of steps ahead, with 95 % intervals over "
            "networks; linear prediction and the generator itself for reference."
        ),
        "stream": (
            "One test sequence with its windows of error regression and the predictions made "
            "from them."
        ),
    },
    check=check_layers,
)
