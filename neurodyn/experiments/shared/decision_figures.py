"""Figures and summary of the decision experiments."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.experiments.running.experiment import settings_in
from neurodyn.experiments.shared.decision import marginal
from neurodyn.experiments.shared.ensembles import spread

RANGES = "Values are means over networks; in brackets the smallest and the largest of them."
#: Captions of figures that are alike in every decision experiment.
CAPTIONS = {
    "training": "Loss and accuracy over training, a line for each network.",
    "time_constants": "Time constants of the units after training; a line marks the initial value.",
    "trajectories": (
        "Means of conditions on their first principal components: the first network, and the "
        "recording."
    ),
    "comparison": (
        "Scores of every network by each measure, with the ceiling of the recording and the range "
        "of the shuffled null."
    ),
}


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure of a decision experiment, by name."""
    model, recording = (tree[side].to_dataset() for side in ("model", "recording"))
    behaviour = tree["model/behaviour"].to_dataset()
    training = tree["model/training"].to_dataset()
    recorded = tree["recording"].children.get("behaviour")
    first = model.isel(seed=0)
    seed = int(first["seed"])
    evidence, style = _labels(model)
    drawn = {"training": plot.history(training)}
    if evidence == "coherence":
        drawn["psychometric"] = plot.psychometric(
            behaviour, None if recorded is None else recorded.to_dataset()
        )
    else:
        for context in ("motion", "colour"):
            inside = [
                ds.isel(trial=np.flatnonzero(ds["context"].values == context))
                for ds in (behaviour, recorded.to_dataset())
            ]
            drawn[f"psychometric_{context}"] = plot.psychometric(*inside, evidence=context)
    for side, means in (("model", first), ("recording", recording)):
        drawn[f"psth_{side}"] = plot.psth(
            marginal(means, evidence, style), by=evidence, style=style
        )
    drawn["time_constants"] = plot.time_constants(model, initial=settings_in(tree)["tau"][2])
    drawn["trajectories"] = plot.trajectories(
        {
            f"model (network {seed})": tree["analysis/trajectories/model"].to_dataset(),
            "recording": tree["analysis/trajectories/recording"].to_dataset(),
        },
        by=evidence,
    )
    drawn["comparison"] = plot.comparison(tree["analysis/comparison"].to_dataset())
    return drawn


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    behaviour = tree["model/behaviour"].to_dataset()
    model = tree["model"].to_dataset()
    score = tree["analysis/comparison"].to_dataset()
    tau = model["tau"].values
    rows = {
        "networks": f"{model.sizes['seed']} of {model.sizes['unit']} units",
        "conditions compared": _conditions(score, model),
    }
    rows |= _accuracy(behaviour)
    rows["time constants"] = (
        f"{np.median(tau):.0f} ms median, {np.quantile(tau, 0.05):.0f} to "
        f"{np.quantile(tau, 0.95):.0f} ms (5 to 95 %)"
    )
    sizes = tree["analysis/dimensionality"].to_dataset()
    rows["participation ratio"] = (
        f"{spread(sizes['model'].values)} model, {float(sizes['recording']):.2f} recording"
    )
    for metric in score["metric"].values:
        one = score.sel(metric=metric)
        text = spread(one["score"].values)
        if np.isfinite(one["ceiling"]):
            text += f", ceiling {float(one['ceiling']):.2f}"
        if "null" in one:
            text += f", shuffled {float(one['null'].mean()):.2f}"
            text += f", p {'<=' if _smallest(one) else '='} {float(one['p_value'].max()):.3g}"
        rows[str(one["title"].values)] = text
    return rows


def _smallest(one: xr.Dataset) -> bool:
    """Whether no shuffle scores as well, so that p has its smallest value."""
    return bool(np.isclose(one["p_value"].max(), 1 / (1 + one.sizes["draw"])))


def _conditions(score: xr.Dataset, model: xr.Dataset) -> str:
    text = f"{model.sizes['condition']}"
    left = str(score.attrs.get("left_out", ""))
    if left:
        text += f" ({left.count(';') + 1} left out: too few trials in the recording or a network)"
    return text


def _accuracy(behaviour: xr.Dataset) -> dict[str, str]:
    """Accuracy in each context, or at the two strongest coherences."""
    if "context" in behaviour:
        contexts = behaviour["context"].values
        chosen = {f"correct, {c} context": contexts == c for c in np.unique(contexts)}
    else:
        strength = np.abs(behaviour["coherence"].values)
        chosen = {
            f"correct at {100 * level:.3g} % coherence": np.isclose(strength, level)
            for level in np.unique(strength)[:-3:-1]
        }
    correct = 100 * behaviour["correct"]
    return {
        name: spread(correct.isel(trial=np.flatnonzero(here)).mean("trial").values, ".1f", " %")
        for name, here in chosen.items()
    }


def _labels(model: xr.Dataset) -> tuple[str, str]:
    """The signed evidence that sets colours in figures, and the label that sets line styles."""
    if "coherence" in model.coords:
        return "coherence", "choice"
    return "motion", "context"
