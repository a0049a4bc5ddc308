"""Rasters: spikes of units, or of the trials of one unit, in bands above each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import between, clock, entry
from neurodyn.labels import place as find
from neurodyn.labels.convention import Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.values import classes, names_of
from neurodyn.plot.spikes import BANDS, band_name, draw_rates
from neurodyn.plot.style import STROKES, colours_of, sign_or_word, styled, subplots
from neurodyn.spikes import positions
from neurodyn.spikes.build import step_middles, window_edges
from neurodyn.spikes.gaps import gaps_of

#: Above so many units or spikes, marks shrink to points.
_MANY_UNITS, _MANY_SPIKES = 150, 5_000
_MOST_TICKS = 24


@takes(ds=DATASET)
@styled
def raster(
    ds: xr.Dataset,
    *,
    trial: Any = None,
    unit: Any = None,
    by: str | None = None,
    window: Window | None = None,
    rate: xr.Dataset | None = None,
) -> Any:
    """Spikes of all units in one trial, or of one unit in all trials, in bands above each other.

    Parameters
    ----------
    ds
        A spike Dataset (dim ``spike``), of a run or a recording; or a session that holds one.
    trial
        Label of the trial, where spikes are cut into trials; default: the first.
    unit
        Label of a unit, to draw all its trials as rows instead.
    by
        Coordinate of the rows that colours them and sorts them into bands. None: of units the first
        of ``population``, ``area``, ``cell_type`` and ``ei`` that tells them apart.
    window
        Start and stop of what is drawn [ms], half-open; default: all.
    rate
        Rates to draw below, from :func:`neurodyn.analysis.population_rate`: those of this trial.

    Returns
    -------
    matplotlib.figure.Figure
        A line marks the event that trials are aligned to. What was not observed is grey: gaps of
        units, and what follows the end of a trial.

    Raises
    ------
    ValueError
        If `ds` holds no spikes arrays, there is no such trial, unit or coordinate; or both a trial
        and a unit are named.
    """
    if "spike_time" not in ds:
        raise ValueError(f"raster draws a spike Dataset, got {list(ds.data_vars)}.")
    if unit is not None and (trial is not None or rate is not None or "trial" not in ds.dims):
        raise ValueError(
            "raster draws one trial of all units (trial=) or all trials of one unit (unit=), which "
            f"needs spikes in trials and takes no rates; got trial={trial!r}, unit={unit!r}."
        )
    dim = "unit" if unit is None else "trial"
    ds = entry(ds, "trial", trial) if unit is None else ds
    t, rows = _marks(ds, unit)
    low, high = _span(ds, t) if window is None else window_edges(window)
    if window is not None:
        inside = (step_middles(ds, t) >= low) & (step_middles(ds, t) < high)
        t, rows = t[inside], rows[inside]
    names, place, edges = _bands(ds, by, dim)
    colours = _colours(ds, by, names)
    sizes: dict[str, Any] = {} if rate is None else {"height_ratios": [3, 1], "sharex": True}
    figure, axes = subplots(1 if rate is None else 2, 1, size=(5.4, 3.2), **sizes)
    if rate is not None:
        figure.set_figheight(4.2)
    ax = axes[0, 0]
    if (event := ds.attrs.get("align_event")) and low < 0 < high:
        ax.axvline(0.0, color="0.6", lw=0.8, zorder=0)
    row, left, right = _unobserved(ds, unit, low, high)
    ax.barh(place[row], right - left, 1.0, left, color="0.92", lw=0, zorder=0)
    few = ds.sizes[dim] <= _MANY_UNITS and t.size <= _MANY_SPIKES
    mark = {"marker": "|", "ms": 4, "mew": 0.8} if few else {"marker": ".", "ms": 1.4, "mew": 0}
    for k, name in enumerate(names):
        at = place[rows]
        mine = (at >= edges[k]) & (at < edges[k + 1])
        ax.plot(t[mine], at[mine], ls="", color=colours[k], rasterized=not few, **mark)
        if len(names) > 1:
            ax.axhspan(edges[k] - 0.5, edges[k + 1] - 0.5, color=colours[k], alpha=0.06, lw=0)
            middle = (edges[k] + edges[k + 1] - 1) / 2
            across = ax.get_yaxis_transform()
            ax.annotate(name, (1.01, middle), xycoords=across, color=colours[k], va="center")
    ax.set(xlim=(low, high), ylim=(-0.5, ds.sizes[dim] - 0.5), ylabel=dim)
    _name_rows(ax, ds, dim, place)
    if unit is not None:
        ax.set_title(f"unit {unit}" if isinstance(unit, int | np.integer) else str(unit))
    if rate is not None:
        clock(rate, what="the rates", even=False)
        if "trial" in ds.coords and "trial" in rate.coords:
            rate = entry(rate, "trial", ds["trial"].item())
        draw_rates(axes[1, 0], between(rate, window, what="the rates"))
    axes[-1, 0].set_xlabel(f"time from {event} (ms)" if event else "time (ms)")
    return figure


def _marks(ds: xr.Dataset, unit: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times of the spikes, and which unit (of one unit: which trial) each is of."""
    time, of, trial = positions(ds)
    if unit is None:
        return time, of
    mine = of == find(ds, "unit", unit)
    return time[mine], trial[mine]


def _unobserved(ds: xr.Dataset, unit: Any, low: float, high: float) -> tuple[np.ndarray, ...]:
    """Row, start and stop of what was not observed in each unit (of one unit: in each trial)."""
    n_units = ds.sizes["unit"]
    gaps = gaps_of(ds)
    none = np.zeros(0)
    cell, start, stop = (none.astype(int), none, none) if gaps is None else gaps
    trial, of = np.divmod(cell, n_units)
    mine = slice(None) if unit is None else of == find(ds, "unit", unit)
    rows, start, stop = (of if unit is None else trial)[mine], start[mine], stop[mine]
    if "spike_trial" in ds and "valid_until" in ds.coords:
        ends = np.nan_to_num(np.atleast_1d(ds["valid_until"].values), nan=np.inf)
        ends = np.repeat(ends, n_units) if unit is None else ends
        rows = np.r_[rows, np.arange(ends.size)]
        start, stop = np.r_[start, ends], np.r_[stop, np.full(ends.size, np.inf)]
    start, stop = np.maximum(start, low), np.minimum(stop, high)
    seen = stop > start
    return rows[seen], start[seen], stop[seen]


def _name_rows(ax: Any, ds: xr.Dataset, dim: str, place: np.ndarray) -> None:
    """Ticks with the labels of rows; of many rows some."""
    labels = ds[dim].values[np.argsort(place)]
    least = max(1, -(-len(labels) // _MOST_TICKS))
    step = next(n * 10**k for k in range(9) for n in (1, 2, 5) if n * 10**k >= least)
    at = np.arange(0, len(labels), step)
    ax.set_yticks(at, [str(labels[i]) for i in at], fontsize=7 if len(at) > 12 else None)


def _colours(ds: xr.Dataset, by: str | None, names: list[str]) -> list[Any]:
    """A colour for each band: trials by the kind of their label, units as populations."""
    if by is not None and ds[by].dims == ("trial",):
        found = colours_of(ds[by].values, names_of(ds, by))
        if len(found) == len(names):
            return list(found.values())
    return [STROKES[k % len(STROKES)] for k in range(len(names))]


def _span(ds: xr.Dataset, t: np.ndarray) -> tuple[float, float]:
    if "window" in ds.attrs:
        return tuple(float(edge) for edge in ds.attrs["window"])
    return (float(t.min()), float(t.max())) if t.size and t.min() < t.max() else (0.0, 1.0)


def _bands(ds: xr.Dataset, by: str | None, dim: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of bands from bottom to top, the row of each unit (or trial), and the first of each."""
    n = ds.sizes[dim]
    known = [str(name) for name, c in ds.coords.items() if c.dims == (dim,) and name != dim]
    if by is not None and by not in known:
        raise ValueError(f"there is no coordinate {by!r} of {dim}s; there are {known}.")
    if by is None and dim == "unit":
        telling = [b for b in BANDS if b in known and 1 < len(np.unique(ds[b].values)) <= 12]
        by = telling[0] if telling else None
    if by is None:
        return [""], np.arange(n), np.array([0, n])
    values, group = classes(ds[by].values, what=by)
    first = np.array([np.flatnonzero(group == k)[0] for k in range(len(values))])
    if dim == "trial":  # by value; units come as their populations do
        first = np.arange(len(values))
    rank = np.argsort(np.argsort(first))[group]
    place = np.empty(n, int)
    place[np.argsort(rank, kind="stable")] = np.arange(n)
    edges = np.r_[0, np.cumsum(np.bincount(rank))]
    spelt = names_of(ds, by)
    named = [band_name(by, v) if dim == "unit" else sign_or_word(v, values, spelt) for v in values]
    return [named[k] for k in np.argsort(first)], place, edges
