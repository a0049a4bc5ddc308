"""Variability of spike counts over time."""

from __future__ import annotations

from typing import Any

import xarray as xr

from neurodyn.plot.style import BLUE, GREY, label, styled, subplots, timeline


@styled
def fano(found: xr.Dataset) -> Any:
    """The mean-matched Fano factor over time, and the mean counts that were matched.

    Parameters
    ----------
    found
        Of :func:`neurodyn.analysis.mean_matched_fano`.

    Returns
    -------
    matplotlib.figure.Figure
        Blue: after matching, with its interval; grey: all points.

    """
    time, text = timeline(found)
    figure, axes = subplots(1, 2, size=(3.0, 2.2))
    left, right = axes[0]
    left.fill_between(time, found["low"], found["high"], color=BLUE, alpha=0.2, lw=0)
    for ax, name in ((left, "fano"), (right, "mean_count")):
        ax.plot(time, found[f"{name}_all"], color=GREY, label="all")
        ax.plot(time, found[name], color=BLUE, label="matched")
        ax.set(xlabel=text, ylabel=label(found[name]).split(",")[0])
    right.set(ylim=(0, None), ylabel="mean count")
    right.legend()
    return figure
