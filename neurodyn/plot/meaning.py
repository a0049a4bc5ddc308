"""What a score means: parts of a recording against scores."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.plot.style import (
    GREY,
    ORANGE,
    STROKES,
    colours_of,
    label,
    styled,
    subplots,
    whole_ticks,
)


@styled
def score_meaning(reference: xr.Dataset) -> Any:
    """Scores that a recording has without its parts, and what data hold on their climb to a score.

    Parameters
    ----------
    reference
        Result of :func:`neurodyn.analysis.score_reference`.

    Returns
    -------
    matplotlib.figure.Figure
        Left, the score of the first components alone, and without each of them. Middle, that
        without each task variable. Right, if there are climbs, the held-out R2 of the first
        components and of task variables against the score (means over draws).
    """
    climbs = "climbed" in reference
    figure, axes = subplots(1, 3 if climbs else 2, size=(3.2, 2.9))
    names = reference["task_variable"].values.astype(str)
    _parts(axes[0, 0], reference)
    _variables(axes[0, 1], reference, names)
    if climbs:
        _climbs(axes[0, 2], reference.transpose("draw", "step", ...), names)
    return figure


def _parts(ax: Any, reference: xr.Dataset) -> None:
    one = reference.sortby("component")
    k = one["component"].values + 1
    ax.plot(k, one["leading"].values, "o-", color=STROKES[0], ms=4, label="first k alone")
    ax.plot(k, one["without_component"].values, "o", color=ORANGE, ms=4, label="without the k-th")
    ax.set(xlabel="principal component k", ylabel=label(reference["whole"]))
    whole_ticks(ax.xaxis)
    ax.legend()


def _variables(ax: Any, reference: xr.Dataset, names: np.ndarray) -> None:
    at = np.arange(len(names))
    without, whole = reference["without_variable"].values, float(reference["whole"])
    ax.plot(without, at, "o", color=ORANGE, ms=5)
    ax.axvline(whole, color=GREY, lw=0.8, ls="--")
    ax.set_yticks(at, names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set(xlabel=f"{reference['whole'].attrs['long_name']} without it")
    for i in np.flatnonzero(~np.isfinite(without)):
        ax.text(whole, i, "cannot be taken out ", ha="right", va="center", color=GREY, fontsize=7)


def _climbs(ax: Any, reference: xr.Dataset, names: np.ndarray) -> None:
    ordered = reference.sortby("step")
    score = ordered["climbed"].values.mean(0)
    first = ordered.sortby("component").isel(component=slice(0, 5))
    colours = colours_of(first["component"].values + 1)
    for k, line in zip(
        first["component"].values + 1, first["captured"].values.mean(0).T, strict=True
    ):
        ax.plot(score, line, color=colours[k], lw=1.1, label=f"component {k}")
    styles = ("--", ":", "-.")
    for i, line in enumerate(ordered["decoded"].values.mean(0).T):
        ax.plot(score, line, color=ORANGE, ls=styles[i % 3], label=names[i])
    ax.axhline(0, color=GREY, lw=0.8, zorder=0)
    ax.set(xlabel=label(reference["climbed"]), ylabel="held-out R2", ylim=(-0.3, 1.05))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
