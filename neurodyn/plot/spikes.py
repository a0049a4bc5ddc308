"""Spike trains: rates of populations, intervals, rhythms."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError, clock, entry
from neurodyn.labels.convention import Number
from neurodyn.labels.only import DATASET, takes
from neurodyn.plot.style import GREY, STROKES, label, panel, styled, subplots, timeline, whole_ticks
from neurodyn.spikes.join import places

#: Coordinates on `unit` that bands are taken from when none is named.
BANDS = ("population", "area", "cell_type", "ei")


def band_name(by: str, value: Any) -> str:
    """The population that a label stands for."""
    if by == "ei":
        return {1: "excitatory", -1: "inhibitory"}.get(int(value), "neither")
    return str(value)


@takes(rates=DATASET)
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
    figure, ax = panel(size=(5.2, 2.2))
    draw_rates(ax, rates if trial is None else entry(rates, "trial", trial))
    return figure


def draw_rates(ax: Any, rates: xr.Dataset) -> None:
    """Rates over time, a line for each population."""
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
    for by in BANDS:
        if by in ds.coords and ds[by].dims == ("unit",):
            return [band_name(by, v) for v in ds[by].values]
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
    whole_ticks(ax.yaxis)
    ax.set(xscale="log", xlabel=label(found["interspike_interval"]), ylabel="intervals")
    if statistics is not None:
        ax = axes[0, 1]
        edges = np.linspace(0, max(1.5, float(np.nanmax(statistics["cv"], initial=0))), 31)
        for name, colour, text in (("cv", STROKES[0], "CV"), ("lv", STROKES[1], "LV")):
            values = statistics[name].values[np.isfinite(statistics[name].values)]
            ax.hist(values, edges, histtype="step", color=colour, label=text, lw=1.3)
        ax.axvline(1, color=GREY, ls="--", lw=0.9)
        whole_ticks(ax.yaxis)
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
    figure, ax = panel(size=(3.6, 2.5))
    shown = spectrum.sortby("frequency")
    frequency = clock(shown, dim="frequency", what="the spectrum", even=False).time
    # Power at 0 Hz is a remainder of the mean.
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
