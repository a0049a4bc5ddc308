"""Scores against ceiling and null."""

import math
import textwrap
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.plot.style import BLUE, GREY, ORANGE, styled, subplots

#: Panels beside each other, at most.
COLUMNS = 4


@styled
def comparison(score: xr.Dataset) -> Any:
    """The score of every measure, beside its null distribution and its ceiling.

    Parameters
    ----------
    score
        Result of :func:`neurodyn.analysis.compare`.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per measure, at most four in a row: networks as dots with their mean; the shuffled
        null as a violin; the ceiling as a line.
    """
    if "metric" not in score.dims:
        score = score.expand_dims("metric")
    metrics = score["metric"].values
    n_rows = math.ceil(len(metrics) / COLUMNS)
    columns = math.ceil(len(metrics) / n_rows)
    # Room for the legend too, however few the panels are.
    figure, axes = subplots(n_rows, columns, size=(1.6 + 1.3 / columns, 2.7))
    for ax in axes.flat[len(metrics) :]:
        ax.remove()
    for ax, metric in zip(axes.flat, metrics, strict=False):
        one = score.sel(metric=metric)
        values = np.atleast_1d(one["score"].values)
        if "null" in one:
            null = one["null"].values.ravel()
            null = null[np.isfinite(null)]
            if null.size and np.ptp(null) > 0:
                body = ax.violinplot(null, [0], widths=0.7, showextrema=False)["bodies"][0]
                body.set(facecolor=GREY, edgecolor="none", alpha=0.5)
        spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else [0.0]
        ax.plot(1 + np.asarray(spread), values, "o", color=BLUE, ms=4, alpha=0.7)
        if np.isfinite(values).any():
            ax.plot([0.75, 1.25], [np.nanmean(values)] * 2, color=BLUE, lw=2)
        ceiling = float(one["ceiling"]) if "ceiling" in one else np.nan
        if np.isfinite(ceiling):
            ax.plot([-0.4, 1.4], [ceiling] * 2, color=ORANGE, ls="--", lw=1.2)
        arrow = "higher is closer" if int(one["higher_is_better"]) else "lower is closer"
        units = str(one["score_units"].values)
        ax.set(xticks=[0, 1], xlim=(-0.6, 1.6))
        ax.set_xticklabels(["shuffled", "model"])
        title = textwrap.fill(str(one["title"].values), 18, break_on_hyphens=False)
        ax.set_title(f"{title}\n({arrow})", fontsize=8)
        ax.set_ylabel("" if units in ("1", "") else units)
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, 0.0), high + 0.04 * (high - low))
    ax.plot([], [], color=ORANGE, ls="--", label="ceiling: halves\nof the recording")
    figure.legend(loc="outside right upper")
    return figure
