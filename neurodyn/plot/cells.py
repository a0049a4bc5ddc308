"""Single cells and their connections: membrane potentials, f-I curves, weights."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import numpy as np
import xarray as xr

from neurodyn.labels import clock, entry, place
from neurodyn.labels.convention import Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.params import with_values
from neurodyn.plot.style import GREY, STROKES, label, styled, subplots, whole_ticks
from neurodyn.spikes import positions


@takes(data=DATASET)
@styled
def voltages(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    trial: Any = None,
    units: int | Sequence[Any] = 4,
    variable: str = "v",
    current: str | None = None,
    window: Window | None = None,
) -> Any:
    """Membrane potentials below each other, with spikes marked above them.

    Parameters
    ----------
    data
        Dataset with ``variable`` on (trial | sweep, time, unit), or without any of the first and
        last; or several by name (recorded and fitted), drawn over each other.
    trial
        Label of the trial or sweep; default: the first.
    units
        How many units, or the labels of some.
    variable
        Variable to draw; spikes of the Dataset (``spike_time``) are marked with ticks, since models
        reset within a step and hardly ever show their peak.
    current
        Variable to draw beneath: the injected current.
    window
        Times to draw [ms]; default: all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no such variable, trial or unit, or the variable has other dims.
    """
    given = {"": data} if isinstance(data, xr.Dataset) else data
    sides = {name: _one(ds, trial) for name, ds in given.items()}
    drawn = {name: _trace(ds, variable) for name, ds in sides.items()}
    first = next(iter(drawn.values()))
    chosen = first["unit"].values[:units] if isinstance(units, int) else units
    rows = len(chosen) + (current is not None)
    figure, axes = subplots(rows, 1, size=(5.4, 1.15), sharex=True)
    figure.set_figheight(max(1.15 * rows, 2.0) + 0.3)
    colours = [GREY, *STROKES[1:], STROKES[0]] if len(sides) > 1 else [STROKES[0]]
    for ax, u in zip(axes[:, 0], chosen, strict=False):
        for (name, v), colour in zip(drawn.items(), itertools.cycle(colours), strict=False):
            here = v.isel(unit=place(v, "unit", u))
            at = clock(here, what="what is drawn", even=False).time
            ax.plot(at, here, color=colour, lw=0.8, label=name)
            times = _spike_times(sides[name], u)
            top = float(v.max())
            if times.size:
                ax.plot(times, np.full(times.size, top + 8), "|", color=colour, ms=5, mew=0.9)
        if len(chosen) > 1:
            ax.set_ylabel(f"unit {u}")
    if current is not None:
        source = next(ds for ds in sides.values() if current in ds)
        i = _trace(source, current).isel(unit=0)
        axes[-1, 0].plot(clock(i, what="the current", even=False).time, i, color="black", lw=0.9)
        axes[-1, 0].set_ylabel(f"current ({source[current].attrs.get('units', '1')})")
    if window is not None:
        axes[-1, 0].set_xlim(*window)
    axes[-1, 0].set_xlabel("time (ms)")
    if len(sides) > 1:
        handles = axes[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper right", ncols=len(sides), fontsize=7)
    axes[0, 0].set_title(label(first), loc="left")
    return figure


def _one(ds: xr.Dataset, trial: Any) -> xr.Dataset:
    """One trial or sweep."""
    rows = [d for d in ("trial", "sweep") if d in ds.dims or d in ds.coords] or ["trial"]
    for dim in rows:
        ds = entry(ds, dim, trial)
    return ds


def _trace(ds: xr.Dataset, variable: str) -> xr.DataArray:
    if variable not in ds:
        raise ValueError(f"there is no variable {variable!r}: there are {list(ds.data_vars)}.")
    v = ds[variable]
    v = v.rename(channel="unit") if "channel" in v.dims else v
    v = v if "unit" in v.dims else v.expand_dims(unit=[0])
    if set(v.dims) != {"time", "unit"}:
        raise ValueError(f"'{variable}' has dims {ds[variable].dims}: choose along the others.")
    return v.transpose("time", "unit")


def _spike_times(ds: xr.Dataset, unit: Any) -> np.ndarray:
    if "spike_time" not in ds:
        return np.zeros(0)
    found = positions(ds)
    return found.time[found.unit == place(ds, "unit", unit)]


@styled
def fi_curve(
    curves: xr.Dataset | Mapping[str, xr.Dataset], *, variables: tuple[str, ...] = ("rate",)
) -> Any:
    """Firing against injected current.

    Parameters
    ----------
    curves
        From :func:`neurodyn.analysis.fi_curve`; several by name are drawn over each other. Units
        are lines of one colour.
    variables
        Variables to draw, a panel each: ``rate``, ``initial_rate``, ``final_rate``, ``latency``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a variable is missing.
    """
    sides = {"": curves} if isinstance(curves, xr.Dataset) else dict(curves)
    figure, axes = subplots(1, len(variables), size=(3.0, 2.5))
    for ax, name in zip(axes[0], variables, strict=True):
        for k, (side, ds) in enumerate(sides.items()):
            if name not in ds:
                raise ValueError(f"there is no {name!r} in the curve: {list(ds.data_vars)}.")
            if set(ds[name].dims) != {"sweep", "unit"} or "current" not in ds.coords:
                raise ValueError(
                    f"fi_curve draws {name!r} (sweep, unit) against 'current', got "
                    f"{ds[name].dims}: neurodyn.analysis.fi_curve measures it from the spikes of "
                    "sweeps (of potentials: neurodyn.analysis.detect_spikes)."
                )
            ds = ds.sortby("current")  # a line joins neighbours, whatever the order of the sweeps
            values = ds[name].transpose("sweep", "unit").values
            lines = ax.plot(
                ds["current"], values, "o-", color=STROKES[k % len(STROKES)], ms=3.5, lw=1.1
            )
            lines[0].set_label(side)
        ax.set(xlabel=label(ds["current"]), ylabel=label(ds[name]))
    if len(sides) > 1:
        axes[0, 0].legend()
    return figure


@takes(W=[])
@styled
def weights(
    W: xr.DataArray | Any, *, populations: Mapping[str, int] | None = None, histogram: bool = True
) -> Any:
    """A weight matrix, presynaptic units downwards, with the distribution of nonzero weights.

    Parameters
    ----------
    W
        ``(presynaptic, postsynaptic)``; a DataArray brings its name and units. Of a model its
        recurrent weights ``W``; what is bound (:mod:`neurodyn.params`) is drawn by its value.
    populations
        Sizes of populations by name, in order, where the matrix is square: lines part them.
    histogram
        Whether to draw the distribution beside it.

    Returns
    -------
    matplotlib.figure.Figure
        Colours are symmetric about zero and reach the 99th percentile of the absolute weights.

    Raises
    ------
    ValueError
        If it is no finite matrix, or the sizes do not add up.
    """
    if isinstance(W, xr.DataArray):
        W = W.transpose("presynaptic", ..., missing_dims="ignore")
    values = np.asarray(_matrix(W), float)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"weights draws one finite matrix, got shape {values.shape}.")
    name = label(W) if isinstance(W, xr.DataArray) else "weight"
    there = values[values != 0]
    reach = float(np.quantile(np.abs(there), 0.99)) if there.size else 1.0
    columns = {"width_ratios": [1.25, 1]} if histogram else {}
    figure, axes = subplots(1, 2 if histogram else 1, size=(2.9, 2.6), **columns)
    ax = axes[0, 0]
    image = ax.imshow(
        values, cmap="RdBu_r", vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest"
    )
    figure.colorbar(image, ax=ax, label=name, shrink=0.85, extend="both")
    ax.set(xlabel="postsynaptic unit", ylabel="presynaptic unit")
    for axis in (ax.xaxis, ax.yaxis):
        whole_ticks(axis)
    ax.spines[:].set_visible(False)
    if populations is not None:
        edges = np.cumsum(list(populations.values()))
        if values.shape != (edges[-1], edges[-1]):
            raise ValueError(
                f"populations {dict(populations)} have {edges[-1]} units, the matrix is "
                f"{values.shape}."
            )
        for edge in edges[:-1]:
            ax.axhline(edge - 0.5, color="black", lw=0.6)
            ax.axvline(edge - 0.5, color="black", lw=0.6)
        middles = edges - np.array(list(populations.values())) / 2
        ax.set_xticks(middles, list(populations))
        ax.set_yticks(middles, list(populations))
    if histogram:
        ax = axes[0, 1]
        share = there.size / values.size
        ax.hist(there, 40, color=STROKES[0])
        ax.set(xlabel=name, ylabel="connections", title=f"{100 * share:.3g} % connected")
    return figure


def _matrix(W: Any) -> Any:
    """The weights of a model, or of what is bound; arrays as they are."""
    if isinstance(W, np.ndarray | xr.DataArray) or not isinstance(W, eqx.Module):
        return W
    found = with_values(W)
    while not hasattr(found, "ndim"):
        parts = [n for n in ("W", "weights", "matrix", "recurrent") if hasattr(found, n)]
        if not parts:
            fields = [f.name for f in dataclasses.fields(found)]
            held = [n for n in fields if getattr(getattr(found, n), "ndim", 0) == 2]
            held += [f"projections[{n!r}]" for n in getattr(found, "projections", ())]
            raise ValueError(
                f"{type(found).__name__} has no weights W"
                + (f": pass one of its matrices, out of {held}." if held else " nor others.")
            )
        found = getattr(found, parts[0])
        # A matrix may be computed by a method.
        found = found() if hasattr(found, "__func__") else found
    return found
