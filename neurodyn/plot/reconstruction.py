"""How well a trained model reproduces a system: over training, and by its size."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.only import takes
from neurodyn.labels.values import is_words, plain
from neurodyn.plot.style import BLUE, GREY, ORANGE, label, styled, subplots, whole_ticks

__all__ = ["checkpoints", "elbow"]


@styled
def checkpoints(history: xr.Dataset, *, measure: str, bar: float | None = None) -> Any:
    """A measure at every evaluation, lower being better, with the best and the last one marked.

    Parameters
    ----------
    history
        ``fit(...).history``, of one model or of an ensemble.
    measure
        Which evaluation.
    bar
        A value to compare with, drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no such measure, or it was never a number.
    """
    if measure not in history:
        raise ValueError(f"there is no {measure!r}: the history has {list(history.data_vars)}.")
    found = history[measure].transpose("seed", ..., missing_dims="ignore")
    steps, values = history[found.dims[-1]].values, np.atleast_2d(found.values)
    if not np.isfinite(values).any():
        raise ValueError(f"{measure!r} was never a finite number: there is nothing to draw.")
    figure, axes = subplots(1, 1, size=(4.6, 2.9))
    ax = axes[0, 0]
    for i, row in enumerate(values):
        finite = np.isfinite(row)
        ax.plot(steps, row, color=GREY, lw=0.6, alpha=0.7)
        if finite.any():
            best = int(np.nanargmin(row))
            ax.plot(
                steps[best], row[best], "o", color=BLUE, ms=4, label=None if i else "best", zorder=4
            )
        if finite[-1]:
            ax.plot(
                steps[-1], row[-1], "s", color=ORANGE, ms=3.5, label=None if i else "last", zorder=3
            )
    if bar is not None:
        ax.axhline(bar, color="black", ls=":", lw=0.9)
    whole_ticks(ax.xaxis)
    ax.set(xlabel="training step", ylabel=label(history[measure]))
    ax.legend()
    return figure


@takes(scores=["sweep", "seed"])
@styled
def elbow(scores: xr.DataArray, *, by: str) -> Any:
    """A score against a setting: every seed as a dot, their median as a line.

    Parameters
    ----------
    scores
        Dims ``sweep`` and ``seed``, with the setting as a coordinate on ``sweep``; NaN where a
        member failed, which is marked by a cross at the top.
    by
        Name of that coordinate.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the dims or the coordinate are missing.
    """
    if set(scores.dims) != {"sweep", "seed"} or by not in scores.coords:
        raise ValueError(f"elbow draws (sweep, seed) by the coordinate {by!r}, got {scores.dims}.")
    scores = scores.transpose("sweep", "seed").sortby(by)
    words = is_words(scores[by].values)
    x, y = np.arange(scores.sizes["sweep"]) if words else scores[by].values, scores.values
    figure, axes = subplots(1, 1, size=(3.6, 2.7))
    ax = axes[0, 0]
    spread = np.linspace(-0.12, 0.12, y.shape[1]) if y.shape[1] > 1 else np.zeros(1)
    ax.plot(x[:, None] + spread[None], y, ".", color=GREY, ms=4, zorder=2)
    median = [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in y]
    failed = np.nonzero(~np.isfinite(y))
    if failed[0].size:
        height = np.full(failed[0].size, 0.97)
        upright = ax.get_xaxis_transform()
        at = x[failed[0]] + spread[failed[1]]
        ax.plot(at, height, "x", color=ORANGE, ms=4, transform=upright, label="failed")
        ax.legend(loc="upper right")
    ax.plot(x, median, "o-", color=BLUE, ms=4, zorder=3)
    ax.set_xticks(x, plain(scores[by].values) if words else None)
    ax.set(xlabel=label(scores[by]), ylabel=label(scores))
    return figure
