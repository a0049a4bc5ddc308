"""Spike trains: rasters in bands of populations, rates, intervals, rhythms."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError, clock, entry
from neurodyn.labels.convention import Number, Window
from neurodyn.plot.style import GREY, STROKES, label, styled, subplots, timeline
from neurodyn.spikes import positions
from neurodyn.spikes.build import step_middles, window_edges
from neurodyn.spikes.join import places

__all__ = ["intervals", "population_rate", "population_spectrum", "raster"]

#: Above so many units or spikes, marks shrink to points.
_MANY_UNITS, _MANY_SPIKES = 150, 5_000
#: Coordinates on `unit` that bands are taken from when none is named.
_BANDS = ("population", "area", "cell_type", "ei")


@styled
def raster(
    ds: xr.Dataset,
    *,
    trial: Any = None,
    by: str | None = None,
    window: Window | None = None,
    rate: xr.Dataset | None = None,
) -> Any:
    """Spikes of all units in one trial, populations as bands above each other.

    Parameters
    ----------
    ds
        A spike Dataset (dim ``spike``), of a run or a recording.
    trial
        Label of the trial, where spikes are cut into trials; default: the first.
    by
        Coordinate on ``unit`` that colours units and sorts them into bands; None: the first of
        ``population``, ``area``, ``cell_type`` and ``ei`` that tells units apart.
    window
        Start and stop of what is drawn [ms], half-open; default: all.
    rate
        Rates to draw below, from :func:`neurodyn.analysis.population_rate`: those of this trial.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `ds` holds no spikes arrays, there is no such trial or coordinate.
    """
    if "spike_time" not in ds:
        raise ValueError(f"raster draws a spike Dataset, got {list(ds.data_vars)}.")
    ds = entry(ds, "trial", trial)
    t, unit, _ = positions(ds)
    low, high = _span(ds, t) if window is None else window_edges(window)
    if window is not None:
        inside = (step_middles(ds, t) >= low) & (step_middles(ds, t) < high)
        t, unit = t[inside], unit[inside]
    names, row, edges = _bands(ds, by)
    sizes: dict[str, Any] = {} if rate is None else {"height_ratios": [3, 1], "sharex": True}
    figure, axes = subplots(1 if rate is None else 2, 1, size=(5.4, 3.2), **sizes)
    if rate is not None:
        figure.set_figheight(4.2)
    ax = axes[0, 0]
    few = ds.sizes["unit"] <= _MANY_UNITS and t.size <= _MANY_SPIKES
    mark = {"marker": "|", "ms": 4, "mew": 0.8} if few else {"marker": ".", "ms": 1.4, "mew": 0}
    for k, name in enumerate(names):
        rows = row[unit]
        mine = (rows >= edges[k]) & (rows < edges[k + 1])
        colour = STROKES[k % len(STROKES)]
        ax.plot(t[mine], rows[mine], ls="", color=colour, rasterized=not few, **mark)
        if len(names) > 1:
            ax.axhspan(edges[k] - 0.5, edges[k + 1] - 0.5, color=colour, alpha=0.06, lw=0)
            middle = (edges[k] + edges[k + 1] - 1) / 2
            ax.annotate(
                name, (1.01, middle), xycoords=ax.get_yaxis_transform(), color=colour, va="center"
            )
    ax.set(xlim=(low, high), ylim=(-0.5, ds.sizes["unit"] - 0.5), ylabel="unit")
    if rate is not None:
        clock(rate, what="the rates", even=False)
        if "trial" in ds.coords and "trial" in rate.coords:
            rate = entry(rate, "trial", ds["trial"].item())
        _draw_rates(axes[1, 0], labels.between(rate, window, what="the rates"))
    axes[-1, 0].set_xlabel("time (ms)")
    return figure


def _span(ds: xr.Dataset, t: np.ndarray) -> tuple[float, float]:
    if "window" in ds.attrs:
        return tuple(float(edge) for edge in ds.attrs["window"])
    return (float(t.min()), float(t.max())) if t.size and t.min() < t.max() else (0.0, 1.0)


def _bands(ds: xr.Dataset, by: str | None) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of bands from bottom to top, the row of each unit, and the first row of each band."""
    n = ds.sizes["unit"]
    known = [name for name, c in ds.coords.items() if c.dims == ("unit",) and name != "unit"]
    if by is not None and by not in known:
        raise ValueError(f"there is no coordinate {by!r} of units; there are {known}.")
    if by is None:
        telling = [b for b in _BANDS if b in known and 1 < len(np.unique(ds[b].values)) <= 12]
        by = telling[0] if telling else None
    if by is None:
        return [""], np.arange(n), np.array([0, n])
    values, first, group = np.unique(ds[by].values, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))[group]
    place = np.empty(n, int)
    place[np.argsort(rank, kind="stable")] = np.arange(n)
    edges = np.r_[0, np.cumsum(np.bincount(rank))]
    return [_named(by, v) for v in values[np.argsort(first)]], place, edges


def _named(by: str, value: Any) -> str:
    if by == "ei":
        return {1: "excitatory", -1: "inhibitory"}.get(int(value), "neither")
    return str(value)


@styled
def population_rate(rates: xr.Dataset, *, trial: Any = None) -> Any:
    """Rates of populations over time.

    Parameters
    ----------
    rates
        From :func:`neurodyn.analysis.population_rate`.
    trial
        Label of a trial; default: the mean of all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no ``rate`` over ``time``.
    """
    figure, axes = subplots(1, 1, size=(5.2, 2.2))
    _draw_rates(axes[0, 0], rates if trial is None else entry(rates, "trial", trial))
    return figure


def _draw_rates(ax: Any, rates: xr.Dataset) -> None:
    if "rate" not in rates or "time" not in rates["rate"].dims:
        raise ValueError(
            f"rates over time are wanted (analysis.population_rate), got {list(rates.data_vars)}."
        )
    rate = rates["rate"]
    rate = rate.mean("trial") if "trial" in rate.dims else rate
    names = _populations(rates)
    time, text = timeline(rate)
    ax.set_xlabel(text)
    for k, name in enumerate(names):
        colour = STROKES[k % len(STROKES)]
        # The first on top: it is the largest as a rule, so that its rate is the smoothest.
        line = rate.isel(unit=k)
        ax.plot(time, line, color=colour, lw=0.9, label=name, zorder=2.9 - 0.01 * k)
    ax.set(ylabel=label(rates["rate"]), ylim=(0, None))
    if len(names) > 1:
        ax.legend(ncols=len(names), fontsize=7)


def _populations(ds: xr.Dataset) -> list[str]:
    for by in _BANDS:
        if by in ds.coords and ds[by].dims == ("unit",):
            return [_named(by, v) for v in ds[by].values]
    return [f"unit {u}" if ds.sizes["unit"] > 1 else "all" for u in ds["unit"].values]


@styled
def intervals(found: xr.Dataset, statistics: xr.Dataset | None = None, *, bins: int = 50) -> Any:
    """Interspike intervals of all units, and how irregular each unit is.

    Parameters
    ----------
    found
        From :func:`neurodyn.analysis.spike_intervals`; intervals of the units and trials that are
        there count.
    statistics
        From :func:`neurodyn.analysis.interval_statistics`: CVs are drawn beside; lines mark the
        Poisson process.
    bins
        Number of bins, equal on a logarithmic axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no intervals.
    """
    isi, times = found["interspike_interval"].values, _times_there(found)
    isi, times = isi[(isi > 0) & (times > 0)], times[(isi > 0) & (times > 0)]
    if not isi.size:
        raise ValueError("there are no intervals: no unit fired twice in a trial.")
    figure, axes = subplots(1, 1 if statistics is None else 2, size=(3.1, 2.5))
    ax = axes[0, 0]
    edges = np.geomspace(isi.min() * 0.99, isi.max() * 1.01, bins + 1)
    ax.hist(isi, edges, weights=times, color=STROKES[0])
    ax.set(xscale="log", xlabel=label(found["interspike_interval"]), ylabel="intervals")
    if statistics is not None:
        ax = axes[0, 1]
        edges = np.linspace(0, max(1.5, float(np.nanmax(statistics["cv"], initial=0))), 31)
        for name, colour, text in (("cv", STROKES[0], "CV"), ("lv", STROKES[1], "LV")):
            values = statistics[name].values[np.isfinite(statistics[name].values)]
            ax.hist(values, edges, histtype="step", color=colour, label=text, lw=1.3)
        ax.axvline(1, color=GREY, ls="--", lw=0.9)
        ax.set(xlabel="irregularity of a unit", ylabel="units")
        ax.legend()
    return figure


def _times_there(found: xr.Dataset) -> np.ndarray:
    """How often the unit and trial of each interval are there: 0 if they were not selected."""
    times = np.ones(found.sizes["interval"], int)
    for dim in ("unit", "trial"):
        name = f"interval_{dim}"
        if name not in found:
            continue
        if dim not in found.coords:
            raise LabelError(f"'{name}' names a {dim}, but no {dim}s are labelled: keep '{dim}'.")
        known, copies = np.unique(np.atleast_1d(found[dim].values), return_counts=True)
        place = places(found[name].values, known, name=name, dim=dim)
        times *= np.where(place >= 0, copies[place], 0)
    return times


@styled
def population_spectrum(spectrum: xr.Dataset, *, highest: Number = 100.0) -> Any:
    """Power of population rates over frequency.

    Parameters
    ----------
    spectrum
        From :func:`neurodyn.analysis.population_spectrum`.
    highest
        Highest frequency to draw [Hz].

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = subplots(1, 1, size=(3.6, 2.5))
    ax = axes[0, 0]
    shown = spectrum.sortby("frequency")
    frequency = clock(shown, dim="frequency", what="the spectrum", even=False).time
    # At 0 Hz is what the mean left over.
    inside = (frequency > 0) & (frequency <= highest)
    shown, frequency = shown.isel(frequency=inside), frequency[inside]
    names = _populations(spectrum)
    for k, name in enumerate(names):
        power = shown["power"].transpose(..., "frequency", "unit").isel(unit=k)
        lines = power.values.reshape(-1, shown.sizes["frequency"])
        colour = STROKES[k % len(STROKES)]
        for line in lines if len(lines) > 1 else ():
            ax.plot(frequency, line, color=colour, lw=0.5, alpha=0.35)
        ax.plot(frequency, lines.mean(0), color=colour, lw=1.4, label=name)
    units = spectrum["power"].attrs["units"].replace("^2", "²")
    ax.set(yscale="log", xlabel=label(spectrum["frequency"]), ylabel=f"power ({units})")
    if len(names) > 1:
        ax.legend()
    return figure
