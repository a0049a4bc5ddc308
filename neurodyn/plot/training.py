"""Training: loss and measures, time constants, and scores by the size of a model."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.engine.units import unit_coord
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.values import is_words, plain
from neurodyn.params import with_values
from neurodyn.plot.style import BLUE, GREY, ORANGE, label, panel, styled, subplots, whole_ticks
from neurodyn.system import AbstractSystem


@styled
def history(ds: xr.Dataset, *, measure: str = "validation_correct") -> Any:
    """Loss at every step, and a measure at every evaluation.

    Parameters
    ----------
    ds
        ``fit(...).history``, or what `fit` returned.
    measure
        Which evaluation to draw, where there is one.

    Returns
    -------
    matplotlib.figure.Figure
        One thin line per network, and their mean.
    """
    ds = getattr(ds, "history", ds)
    panels = ["loss"] + ([measure] if measure in ds else [])
    figure, axes = subplots(1, len(panels), size=(3.4, 2.5))
    for ax, name in zip(axes.flat, panels, strict=True):
        found = ds[name].transpose("seed", ..., missing_dims="ignore")
        dim, values = found.dims[-1], np.atleast_2d(found.values)
        colour = BLUE if name == "loss" else ORANGE
        if len(values) > 1:
            ax.plot(ds[dim], values.T, color=colour, lw=0.5, alpha=0.35)
        ax.plot(ds[dim], values.mean(0), color=colour)
        ax.set_xlabel("training step")
        whole_ticks(ax.xaxis)
        ax.set_title(ds[name].attrs.get("long_name", name))
    if np.nanmin(ds["loss"].values) > 0:
        axes[0, 0].set_yscale("log")
    return figure


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
    figure, ax = panel(size=(4.6, 2.9))
    for row in values:
        finite = np.isfinite(row)
        ax.plot(steps, row, color=GREY, lw=0.6, alpha=0.7)
        if finite.any():
            best = int(np.nanargmin(row))
            ax.plot(steps[best], row[best], "o", color=BLUE, ms=4, label="best", zorder=4)
        if finite[-1]:
            ax.plot(steps[-1], row[-1], "s", color=ORANGE, ms=3.5, label="last", zorder=3)
    if bar is not None:
        ax.axhline(bar, color="black", ls=":", lw=0.9)
    whole_ticks(ax.xaxis)
    ax.set(xlabel="training step", ylabel=label(history[measure]))
    handles, names = ax.get_legend_handles_labels()
    once = dict(zip(names, handles, strict=True))  # one mark for all members
    ax.legend(once.values(), once.keys())
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
    figure, ax = panel(size=(3.6, 2.7))
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


@takes(run=DATASET)
@styled
def time_constants(
    run: xr.Dataset | xr.DataArray | AbstractSystem, *, initial: float | None = None
) -> Any:
    """Distribution of the time constants of all units.

    Parameters
    ----------
    run
        With the coordinate ``tau`` [ms, or steps] on ``unit``, also with ``seed``; or a model.
    initial
        Where they started, in the same unit, drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the units have no time constants.
    """
    if isinstance(run, AbstractSystem):
        tau = with_values(run).unit_coords().get("tau")
        known = {} if tau is None else {"tau": unit_coord(tau, "ms")}
        run = xr.Dataset({n: (dim, x, {"units": unit}) for n, (dim, x, unit) in known.items()})
    if "tau" not in run:
        raise ValueError("These units have no time constants: there is no coordinate 'tau'.")
    tau = run["tau"]
    members = tau.values.reshape(-1, tau.sizes["unit"])
    low, high = members.min(), members.max()
    pad = max(0.05 * (high - low), 1e-3 * high)
    edges = np.linspace(low - pad, high + pad, 31)
    figure, ax = panel(size=(3.6, 2.7))
    counts = np.stack([np.histogram(m, edges)[0] for m in members]) / members.shape[1]
    for one in counts:
        ax.stairs(one, edges, color=BLUE, lw=0.5, alpha=0.4)
    name = f"mean of {len(members)} networks" if len(members) > 1 else "network"
    ax.stairs(counts.mean(0), edges, color=BLUE, fill=True, alpha=0.35, label=name)
    if initial is not None:
        ax.axvline(initial, color=GREY, ls="--", lw=1, label="before training")
    ax.set(xlabel=f"time constant ({tau.attrs.get('units', 'ms')})", ylabel="fraction of units")
    ax.legend()
    return figure
