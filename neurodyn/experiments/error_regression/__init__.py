"""Error regression: prediction of new sequences, against networks that read observations."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.analysis import forecast_error, ridge_forecast
from neurodyn.experiments.error_regression.candidates import Candidate, lstms, pvrnns, vrnns
from neurodyn.experiments.error_regression.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, seeds_of, shared_key
from neurodyn.experiments.shared.forecasters import n_parameters
from neurodyn.experiments.shared.forecasts import (
    by_horizon,
    errors_by_horizon,
    forecast_figures,
    observed,
)
from neurodyn.experiments.shared.layers import check_layers
from neurodyn.tasks import Lissajous, Sequences

__all__ = ["EXPERIMENT", "ideal"]

NAMES = {
    "pvrnn": "PV-RNN, error regression",
    "vrnn": "VRNN",
    "lstm": "LSTM",
    "ridge": "ridge autoregression",
    "ideal": "generator known",
}


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train all candidates, choose on validation sequences, report test sequences.

    Returns
    -------
    xr.DataTree
        ``/recording`` (test sequences), ``/model`` (predictions of one PV-RNN),
        ``/analysis/error`` of each kind of network on (seed, trial, horizon), and
        ``/analysis/tuning/NAME``.
    """
    task = Lissajous(
        period=settings.period, n_curves=settings.n_curves, noise_std=settings.noise_std
    )
    sizes = (settings.n_train, settings.n_validate, settings.n_test)
    train, validate, test = (
        np.asarray(task.batch(shared_key(i), n).targets) for i, n in enumerate(sizes)
    )
    sequences, held_out = Sequences(train), Sequences(validate)
    kinds = {
        "pvrnn": pvrnns(settings, sequences, run),
        "vrnn": vrnns(settings, sequences, held_out, run),
        "lstm": lstms(settings, sequences, held_out, run),
    }
    found, tuning, about, example = {}, {}, {}, None
    for name, candidates in kinds.items():
        scores = [errors(settings, c, validate).mean() for c in candidates]
        tuning[f"/analysis/tuning/{name}"] = tuning_table(
            name, [c.setting for c in candidates], scores
        )
        best = candidates[int(np.argmin(scores))]
        found[name] = errors(settings, best, test)
        about |= {name: best.setting, f"{name}_parameters": n_parameters(best.members[0])}
        if name == "pvrnn":
            example = best.predict(best.members[0], test, shared_key(9), windows=True)
    h = settings.n_horizons
    linear = ridge_forecast(train, test, n_horizons=h, n_lags=settings.window)
    found["ridge"] = forecast_error(linear, test).values[None]
    found["ideal"] = forecast_error(ideal(task, test, h), test).values[None]
    recording = observed(test, "observed sequence", "task", output=["x", "y"])
    tree = {
        "/recording": recording,
        "/model": example.assign_coords(output=recording["output"]),  # figures pair by label
        "/analysis/error": errors_by_horizon(found, NAMES, "trial"),
    }
    return result(tree | tuning, settings, chosen=about)


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Errors by horizon, and one sequence with windows and predictions."""
    return forecast_figures(tree, reference=("ridge", "ideal"))


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Errors with intervals, and the chosen candidates."""
    chosen, rows = json.loads(tree.attrs["chosen"]), {}
    for name, curve in tree["analysis/error"].to_dataset().data_vars.items():
        n = curve.sizes["horizon"]
        shown = (1, n // 3, 2 * n // 3, n)
        rows[f"error of {NAMES[str(name)]}, steps ahead"] = by_horizon(curve, shown, ".4f")
    for name in ("pvrnn", "vrnn", "lstm"):
        rows[NAMES[name]] = f"{chosen[f'{name}_parameters']} parameters; {chosen[name]}"
    return rows


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


EXPERIMENT = Experiment(
    name="error_regression",
    title="Does inference from errors predict unseen sequences better than reading them?",
    reference=("ahmadi2019", "chung2015", "hochreiter1997"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "PV-RNNs that infer their latents from prediction errors, and VRNNs and LSTMs of as "
        "many parameters that read observations, learnt {n_train} sequences of Lissajous "
        "curves in {epochs} updates, {n_networks} networks for each candidate setting. The "
        "candidate with the smallest error on {n_validate} validation sequences was compared on "
        "{n_test} test sequences, {n_horizons} steps ahead."
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
            "One test sequence with its windows of error regression and the predictions from them."
        ),
    },
    check=check_layers,
)
