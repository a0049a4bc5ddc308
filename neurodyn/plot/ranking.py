"""Models ranked by how close they are to recordings."""

import textwrap
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.plot.style import BLUE, GREY, ORANGE, styled, subplots

_BAND = (2.5, 97.5)


@styled
def ranking(score: xr.Dataset) -> Any:
    """Every model's score by each measure, the closest model at the top.

    Parameters
    ----------
    score
        Result of :func:`neurodyn.analysis.compare`, of several models.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each measure (and window, where there are several), with the models in the
        order of their means. Filled dots are means over recordings and members; open ones are the
        recordings, where there are several. Bars are bootstrap intervals (averaged over recordings
        and members), or the range of members where there is no bootstrap. The orange band holds
        the ceilings of the recordings. Grey boxes hold 95 % of the scores of each model under its
        null, because a model of few units or of a slow time course has another null than others.
    """
    if "metric" not in score.dims:
        score = score.expand_dims("metric")
    if "model" not in score.dims:
        score = score.expand_dims(model=["model"])
    windows = list(score["window"].values) if "window" in score.dims else [None]
    panels = [(metric, window) for window in windows for metric in score["metric"].values]
    n = score.sizes["model"]
    columns = score.sizes["metric"]
    figure, axes = subplots(len(windows), columns, size=(2.5, 1.3 + 0.28 * n))
    for ax, (metric, window) in zip(axes.flat, panels, strict=True):
        one = score.sel(metric=metric)
        one = one if window is None else one.sel(window=window)
        _panel(ax, one, "" if window is None else f"{window}: ")
    handles = [
        axes.flat[0].plot([], [], "o", color=BLUE, label="model")[0],
        axes.flat[0].fill_between([], [], color=ORANGE, alpha=0.35, label="ceiling"),
        axes.flat[0].fill_between([], [], color=GREY, alpha=0.3, label="null, 95 %"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _panel(ax: Any, one: xr.Dataset, where: str) -> None:
    value = one["score"]
    over = [dim for dim in value.dims if dim != "model"]
    mean = value.mean(over)
    closest = mean if int(one["higher_is_better"]) else -mean
    order = np.argsort(np.where(np.isnan(closest.values), -np.inf, closest.values), kind="stable")
    one, value, mean = one.isel(model=order), value.isel(model=order), mean.isel(model=order)
    places = np.arange(mean.size)
    _bands(ax, one, places)
    if "recording" in value.dims:
        for recording in value["recording"].values:
            mine = value.sel(recording=recording)
            mine = mine.mean([dim for dim in mine.dims if dim != "model"])
            ax.plot(mine.values, places, "o", mfc="none", color=BLUE, ms=3.5, alpha=0.5, mew=0.7)
    low, high = _ends(one)
    ax.hlines(places, low, high, color=BLUE, lw=1.6)
    ax.plot(mean.values, places, "o", color=BLUE, ms=5)
    ax.set_yticks(places, [str(name) for name in mean["model"].values])
    ax.set_ylim(-0.6, mean.size - 0.4)
    title = textwrap.fill(where + str(one["title"].values), 24)
    units = str(one["score_units"].values)
    arrow = "higher is closer" if int(one["higher_is_better"]) else "lower is closer"
    ax.set_title(title)
    ax.set_xlabel(arrow if units in ("1", "") else f"{units}, {arrow}")
    if not int(one["higher_is_better"]):
        ax.invert_xaxis()


def _ends(one: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the bars: of intervals, or the range of members."""
    over = [dim for dim in one["score"].dims if dim != "model"]
    if "low" in one:
        return one["low"].mean(over).values, one["high"].mean(over).values
    members = one["score"].mean([dim for dim in over if dim != "seed"])
    if "seed" in over:
        return members.min("seed").values, members.max("seed").values
    return members.values, members.values


def _bands(ax: Any, one: xr.Dataset, places: np.ndarray) -> None:
    ceiling = np.asarray(one["ceiling"].values if "ceiling" in one else [], float)
    ceiling = ceiling[np.isfinite(ceiling)]
    if ceiling.size:
        ax.axvspan(ceiling.min(), ceiling.max(), color=ORANGE, alpha=0.35, lw=1.5)
    if "null" in one:
        null = one["null"].transpose("model", ...).values.reshape(places.size, -1)
        known = np.isfinite(null).any(1)
        if known.any():
            low, high = np.nanpercentile(null[known], _BAND, axis=1)
            ax.barh(places[known], high - low, 0.8, low, color=GREY, alpha=0.3, lw=0)
