"""Error regression on a recorded population: prediction of conditions that were not trained."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.experiments.neural_prediction.scores import (
    NAMES,
    components,
    follow,
    generated,
    generation,
    predictions,
    recorded_rates,
)
from neurodyn.experiments.neural_prediction.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, shared_key
from neurodyn.experiments.shared.ensembles import spread
from neurodyn.experiments.shared.forecasters import train
from neurodyn.experiments.shared.forecasts import (
    by_horizon,
    errors_by_horizon,
    forecast_figures,
    observed,
)
from neurodyn.experiments.shared.layers import check_layers, pvrnn
from neurodyn.tasks import Sequences

__all__ = ["EXPERIMENT"]


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train on all but some conditions, and predict the others, fold by fold.

    Returns
    -------
    xr.DataTree
        ``/recording`` and ``/model``: held-out conditions of the first fold, and their predictions
        by one network; ``/analysis/error`` of each predictor on (seed, fold, horizon);
        ``/analysis/generation``: errors of generated sequences.
    """
    rates, step = recorded_rates(settings)
    n = len(rates)
    if n < 2 * settings.n_folds:
        raise ValueError(
            f"n_folds={settings.n_folds} leaves fewer than two of {n} conditions in a fold; take "
            f"at most {n // 2} folds."
        )
    scores: dict[str, list[np.ndarray]] = {}
    examples = {}
    for fold in range(settings.n_folds):
        held = np.arange(n) % settings.n_folds == fold
        data = components(rates, held, settings)
        sequences = Sequences(data.train, dt=step)
        members = train(
            lambda key, own=sequences: pvrnn(settings, own, w=settings.w, head="linear", key=key),
            sequences,
            settings,
            run,
            name=f"fold_{fold}",
            learning_rate=settings.learning_rate,
            key=shared_key(1),
        )
        found = predictions(settings, data, members, step)
        for name, value in (found | generation(settings, data, sequences, members)).items():
            scores.setdefault(name, []).append(value)
        if fold == 0:
            about = "component of the rates", "recording"
            examples = {
                "/model": follow(settings, members[0], data.held_out, step, windows=True),
                "/recording": observed(data.held_out, *about, dt=step),
            }
    errors = {name: np.stack(scores[name], 1) for name in NAMES}
    tree = {
        **examples,
        "/analysis/error": errors_by_horizon(errors, NAMES, "fold"),
        "/analysis/generation": generated(scores),
    }
    return result(tree, settings, step=step)


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Errors by horizon, and one held-out condition with windows and predictions."""
    what = "error relative to the variance"
    return forecast_figures(tree, reference=("ridge", "persistence"), what=what)


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Errors relative to the variance, with intervals over networks."""
    step, rows = float(tree.attrs["step"]), {}
    for curve in tree["analysis/error"].to_dataset().data_vars.values():
        n = curve.sizes["horizon"]
        rows[f"relative error of {curve.attrs['long_name']}"] = by_horizon(
            curve, (1, max(n // 2, 1), n), ".3f", lambda h: f"{h * step:g} ms"
        )
    for curve in tree["analysis/generation"].to_dataset().data_vars.values():
        each = curve.mean([d for d in curve.dims if d != "seed"]).values
        rows[curve.attrs["long_name"]] = spread(each, ".3f")
    return rows


EXPERIMENT = Experiment(
    name="neural_prediction",
    title="Does error regression predict conditions of a recorded population that it never saw?",
    reference=("ahmadi2019", "hatsopoulos2007"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "PV-RNNs learnt the first {n_components} principal components of the rates in "
        "'{recording}' in {epochs} updates, {n_networks} networks for each of {n_folds} folds "
        "of conditions. The held-out conditions of each fold were inferred by error "
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
            "One held-out condition, with its windows of error regression and the predictions "
            "from them."
        ),
    },
    check=check_layers,
)
