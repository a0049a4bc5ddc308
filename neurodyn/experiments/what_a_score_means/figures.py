"""Figures and summary."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import analysis, plot
from neurodyn.experiments.what_a_score_means.scores import (
    captured_when,
    component_scores,
    first_score,
)
from neurodyn.plot.style import BLUE, GREY, STROKES, styled, subplots, whole_ticks

#: R2 from which a component counts as read out.
LEVEL = 0.5


def references(tree: xr.DataTree) -> dict[str, dict[str, xr.Dataset]]:
    """Results of every recording and measure."""
    return {
        recording: {
            name: node.to_dataset() for name, node in nodes.children.items() if name != "region"
        }
        for recording, nodes in tree["analysis"].children.items()
    }


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every recording by every measure; components against scores; pairs of scores."""
    found = references(tree)
    drawn = {
        f"{recording}_{name}": plot.score_meaning(reference)
        for recording, measures in found.items()
        for name, reference in measures.items()
    }
    return drawn | {"components": components(found), "region": region(tree)}


@styled
def components(found: dict[str, dict[str, xr.Dataset]]) -> Any:
    """The score at which each component is read out, a panel for each measure."""
    names = list(next(iter(found.values())))
    figure, axes = subplots(1, len(names), size=(2.8, 2.6), sharey=True)
    for ax, name in zip(axes[0], names, strict=True):
        for colour, (recording, measures) in zip(STROKES, found.items(), strict=False):
            line = component_scores(measures[name], LEVEL)[:10]
            ax.plot(np.arange(1, len(line) + 1), line, "o-", ms=4, color=colour, label=recording)
        ax.set(xlabel="principal component", title=analysis.MEASURES[name].title, ylim=(0, 1.02))
        whole_ticks(ax.xaxis)
    axes[0, 0].set_ylabel(f"score at a held-out R2 of {LEVEL}")
    axes[0, 0].legend()
    return figure


@styled
def region(tree: xr.DataTree) -> Any:
    """Pairs of CKA and NBS that data sets reach, a panel for each recording."""
    nodes = {name: node["region"].to_dataset() for name, node in tree["analysis"].children.items()}
    figure, axes = subplots(1, len(nodes), size=(2.9, 2.8))
    for ax, (name, ends) in zip(axes[0], nodes.items(), strict=True):
        for metric, colour in zip(("nbs", "cka"), (BLUE, STROKES[1]), strict=True):
            one = ends.sel(metric=metric).transpose("level", "end")
            for held, other in zip(one["held"].values, one["other"].values, strict=True):
                pair = (held, other) if metric == "nbs" else (other, held)
                ax.plot(*pair, "o-", color=colour, ms=4)
            ax.plot([], [], "o-", color=colour, label=f"{metric.upper()} held")
        ax.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls=":", zorder=0)
        ax.set(xlabel="NBS", ylabel="CKA", title=name, xlim=(0, 1.02), ylim=(0, 1.02))
    axes[0, 0].legend()
    return figure


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, recording by recording."""
    rows = {}
    for recording, measures in references(tree).items():
        for name, reference in measures.items():
            at = component_scores(reference, LEVEL)
            rows[f"{recording}, {name}: score at which components 1, 2, 3, 5 are read out"] = (
                ", ".join(_number(at[k]) for k in (0, 1, 2, 4) if k < len(at))
            )
            rows[f"{recording}, {name}: R2 of component 5 when that of component 1 is 0.9"] = (
                f"{captured_when(reference, min(4, len(at) - 1), 0.9):.2f}"
            )
            for variable in reference["task_variable"].values.tolist():
                one = reference.sel(task_variable=variable)
                level = float(one["decodable"]) / 2
                half = first_score(reference, "decoded", level, task_variable=variable)
                rows[f"{recording}, {name}: {variable}"] = (
                    f"R2 in the recording {float(one['decodable']):.2f}, half of it at the score "
                    f"{_number(half)}; score without it {_number(float(one['without_variable']))}"
                )
        ends = tree[f"analysis/{recording}/region"].to_dataset()
        for metric, other in (("nbs", "CKA"), ("cka", "NBS")):
            one = ends.sel(metric=metric).transpose("level", "end")
            rows[f"{recording}: {other} where {metric.upper()} is held"] = "; ".join(
                f"{level:g}: {low:.2f} to {high:.2f}"
                for level, (low, high) in zip(one["level"].values, one["other"].values, strict=True)
            )
    return rows


def _number(value: float) -> str:
    return "not reached" if not np.isfinite(value) else f"{value:.2f}"
