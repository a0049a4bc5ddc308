"""Figures and numbers of the decision experiments."""

import json
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.experiments.shared.decision import marginal

__all__ = ["CAPTIONS", "RANGES", "decision_figures", "decision_summary"]

RANGES = "Values are means over networks; in brackets the smallest and the largest of them."
#: Captions of the figures that show the same in every decision experiment.
CAPTIONS = {
    "training": "Loss and accuracy over training, a line for each network.",
    "time_constants": "Time constants of the units after training; the line shows where all began.",
    "trajectories": (
        "Means of conditions on their first principal components: the first network, and the "
        "recording."
    ),
    "comparison": (
        "Scores of every network by each measure, with the ceiling of the recording and the range "
        "of the shuffled null."
    ),
}


def decision_figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure of a decision experiment, by name."""
    model, recording = (tree[side].to_dataset() for side in ("model", "recording"))
    behaviour = tree["model/behaviour"].to_dataset()
    training = tree["model/training"].to_dataset()
    recorded = tree["recording"].children.get("behaviour")
    first = model.isel(seed=0)
    seed = int(first["seed"])
    evidence, style = _labels(model)
    settings = _settings(tree)
    figures = {"training": plot.history(training)}
    if evidence == "coherence":
        figures["psychometric"] = plot.psychometric(
            behaviour, None if recorded is None else recorded.to_dataset()
        )
    else:
        for context in ("motion", "colour"):
            inside = [
                ds.isel(trial=np.flatnonzero(ds["context"].values == context))
                for ds in (behaviour, recorded.to_dataset())
            ]
            figures[f"psychometric_{context}"] = plot.psychometric(*inside, evidence=context)
    for side, means in (("model", first), ("recording", recording)):
        figures[f"psth_{side}"] = plot.psth(
            marginal(means, evidence, style), by=evidence, style=style
        )
    figures["time_constants"] = plot.time_constants(model, initial=settings["tau"][2])
    figures["trajectories"] = plot.trajectories(
        {
            f"model (network {seed})": tree["analysis/trajectories/model"].to_dataset(),
            "recording": tree["analysis/trajectories/recording"].to_dataset(),
        },
        by=evidence,
    )
    figures["comparison"] = plot.comparison(tree["analysis/comparison"].to_dataset())
    return figures


def decision_summary(tree: xr.DataTree) -> dict[str, str]:
    """What came out, in the order in which it is told."""
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
        f"{_spread(sizes['model'].values)} model, {float(sizes['recording']):.2f} recording"
    )
    for metric in score["metric"].values:
        one = score.sel(metric=metric)
        text = _spread(one["score"].values)
        if np.isfinite(one["ceiling"]):
            text += f", ceiling {float(one['ceiling']):.2f}"
        if "null" in one:
            text += f", shuffled {float(one['null'].mean()):.2f}"
            text += f", p {'<=' if _smallest(one) else '='} {float(one['p_value'].max()):.3g}"
        rows[str(one["title"].values)] = text
    return rows


def _smallest(one: xr.Dataset) -> bool:
    """Whether no shuffle came as close."""
    return bool(np.isclose(one["p_value"].max(), 1 / (1 + one.sizes["draw"])))


def _conditions(score: xr.Dataset, model: xr.Dataset) -> str:
    text = f"{model.sizes['condition']}"
    left = str(score.attrs.get("left_out", ""))
    if left:
        text += f" ({left.count(';') + 1} left out: too few trials in the recording or a network)"
    return text


def _accuracy(behaviour: xr.Dataset) -> dict[str, str]:
    """Accuracy where the evidence is strong, over networks."""
    correct = behaviour["correct"]
    if "context" in behaviour:
        rows = {}
        for context in np.unique(behaviour["context"].values):
            here = np.flatnonzero(behaviour["context"].values == context)
            by_network = correct.isel(trial=here).mean("trial").values
            rows[f"correct, {context} context"] = _percent(by_network)
        return rows
    levels = np.unique(np.abs(behaviour["coherence"].values))[-2:]
    rows = {}
    for level in levels[::-1]:
        here = np.flatnonzero(np.isclose(np.abs(behaviour["coherence"].values), level))
        by_network = correct.isel(trial=here).mean("trial").values
        rows[f"correct at {100 * level:.3g} % coherence"] = _percent(by_network)
    return rows


def _percent(values: np.ndarray) -> str:
    values = 100 * np.atleast_1d(values)
    return f"{values.mean():.1f} % ({values.min():.1f} to {values.max():.1f} over networks)"


def _spread(values: np.ndarray) -> str:
    values = np.atleast_1d(values)
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{np.mean(values):.2f} ({np.min(values):.2f} to {np.max(values):.2f})"


def _labels(model: xr.Dataset) -> tuple[str, str]:
    """The signed evidence that colours the figures, and the label that styles lines."""
    if "coherence" in model.coords:
        return "coherence", "choice"
    return "motion", "context"


def _settings(tree: xr.DataTree) -> dict[str, Any]:
    return json.loads(tree.attrs["settings"])
