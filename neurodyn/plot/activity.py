"""Activity over time."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import entry, place
from neurodyn.labels.only import DATASET, takes
from neurodyn.plot.style import BLUE, GREY, diverging, label, styled, subplots, timeline

__all__ = ["psth", "traces", "trajectories"]


@takes(means=DATASET)
@styled
def psth(
    means: xr.Dataset,
    *,
    by: str,
    units: Sequence[Any] | int = 6,
    style: str | None = None,
    variable: str = "rate",
) -> Any:
    """Condition means of some units.

    Parameters
    ----------
    means
        ``rate`` ``(condition, time, unit)`` and, where known, ``sem``.
    by
        Signed label that sets the colour.
    units
        Labels of the units; or how many to choose: those that differ most between conditions,
        by turns with either preference.
    style
        Binary label; conditions with its smaller value are dashed (e.g. ``"choice"``).
    variable
        What to draw.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If these are no condition means, a label is missing or no number, or there is no such unit.
    """
    da = means[variable]
    if set(da.dims) != {"condition", "time", "unit"}:
        raise ValueError(
            f"psth draws condition means (condition, time, unit), got {da.dims}: average trials "
            "first (neurodyn.trials.average), and choose one network with .isel(seed=...)."
        )
    _check_labels(means, [by] if style is None else [by, style])
    if isinstance(units, int):
        units = _telling(da, np.asarray(means[by].values, float), units)
    else:
        units = [place(da, "unit", u) for u in units]
    if not len(units):
        raise ValueError("psth: there are no units to draw.")
    columns = min(3, len(units))
    figure, axes = subplots(math.ceil(len(units) / columns), columns, size=(2.5, 1.9), sharex=True)
    colours = diverging(means[by].values)
    # Means of several variables keep an error each, under the variable's name.
    sem = means.get(f"{variable}_sem", means.get("sem"))
    sem = None if sem is None or sem.dims != da.dims else sem
    dashed = None if style is None else means[style].values == np.unique(means[style].values)[0]
    time, text = timeline(da)
    for ax, unit in zip(axes.flat, units, strict=False):
        for c, level in enumerate(means[by].values):
            y = da.isel(condition=c, unit=unit)
            line = "--" if dashed is not None and dashed[c] else "-"
            colour = colours[float(level)]
            ax.plot(time, y, line, color=colour, lw=1.1)
            if sem is not None:
                e = sem.isel(condition=c, unit=unit)
                ax.fill_between(time, y - e, y + e, lw=0, alpha=0.12, color=colour)
        ax.set_title(_unit_title(means, unit))
    for ax in axes.flat[len(units) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel(label(da))
    for ax in axes[-1]:
        ax.set_xlabel(text)
    handles = [
        axes[0, 0].plot([], [], color=colour, label=f"{value:+.3g}")[0]
        for value, colour in colours.items()
    ]
    if style is not None:
        first, second = np.unique(means[style].values)[[0, -1]]
        handles += [
            axes[0, 0].plot([], [], line, color=GREY, label=f"{style} {value}")[0]
            for line, value in (("--", first), ("-", second))
        ]
    figure.legend(handles=handles, title=by, loc="outside right upper", fontsize=7)
    return figure


@styled
def trajectories(
    projections: dict[str, xr.Dataset], *, by: str, components: tuple[Any, Any] | None = None
) -> Any:
    """Condition means in the plane of two principal components.

    Parameters
    ----------
    projections
        Title -> result of :func:`neurodyn.analysis.pca` of condition means.
    by
        Signed label that sets the colour.
    components
        Labels of two components, which count from 0; default: the first two.

    Returns
    -------
    matplotlib.figure.Figure
        A dot marks the start of each trajectory.

    Raises
    ------
    ValueError
        If there are no two components, or none with such a label.
    """
    figure, axes = subplots(1, len(projections), size=(3.4, 3.0))
    for ax, (title, ds) in zip(axes.flat, projections.items(), strict=True):
        colours = diverging(ds[by].values)
        scores = ds["scores"].transpose("condition", "time", "component").sortby("time")
        if components is None and ds.sizes["component"] < 2:
            raise ValueError(f"trajectories needs two components, got {ds.sizes['component']}.")
        shown = [0, 1] if components is None else [place(ds, "component", c) for c in components]
        x, y = (scores.isel(component=c).values for c in shown)
        for c in range(ds.sizes["condition"]):
            colour = colours[float(ds[by].values[c])]
            ax.plot(x[c], y[c], color=colour, lw=1.1)
            ax.plot(x[c, 0], y[c, 0], "o", color=colour, ms=3)
        number, share = ds["component"].values, 100 * ds["explained"].values
        across, up = (f"PC {number[c] + 1} ({share[c]:.0f} %)" for c in shown)
        ax.set(title=title, xlabel=across, ylabel=up)
    handles = [
        axes[0, 0].plot([], [], color=colour, label=f"{value:+.3g}")[0]
        for value, colour in colours.items()
    ]
    figure.legend(handles=handles, title=by, loc="outside right upper", fontsize=7)
    return figure


@takes(run=DATASET)
@styled
def traces(run: xr.Dataset, variable: str = "rate", *, trial: Any = None, units: int = 8) -> Any:
    """The first units of one trial over time, below each other.

    Parameters
    ----------
    run
        A run, dims (trial, time, unit).
    variable
        Which of its variables.
    trial
        Label of the trial; default: the first.
    units
        How many units.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is more than one trial, time and one further dim.
    """
    if len(set(run[variable].dims) - {"trial", "time"}) != 1:
        raise ValueError(
            f"traces draws (trial, time, unit), got {run[variable].dims}: choose one network with "
            ".isel(seed=...)."
        )
    da = entry(run[variable], "trial", trial)
    dim = next(d for d in da.dims if d != "time")
    da = da.isel({dim: slice(units)}).transpose("time", dim)
    spread = float(np.ptp(da.values)) or 1.0
    time, text = timeline(da)
    figure, axes = subplots(1, 1, size=(4.5, 0.6 + 0.3 * da.sizes[dim]))
    ax = axes[0, 0]
    for i in range(da.sizes[dim]):
        ax.plot(time, da.isel({dim: i}) / spread - i, color=BLUE, lw=1)
    ax.set_yticks(-np.arange(da.sizes[dim]), [str(v) for v in da[dim].values])
    ax.set(xlabel=text, ylabel=dim, title=label(run[variable]))
    return figure


def _check_labels(means: xr.Dataset, names: Sequence[str]) -> None:
    for name in names:
        if name not in means.coords or means[name].dims != ("condition",):
            known = [n for n, c in means.coords.items() if c.dims == ("condition",)]
            raise ValueError(f"There is no label {name!r} of conditions; there are {known}.")
    if means[names[0]].dtype.kind not in "iufb":
        raise ValueError(f"{names[0]!r} sets the colour, so it must be a signed number.")
    if len(values := np.unique(means[names[-1]].values)) > 2 and len(names) > 1:
        raise ValueError(
            f"Lines are dashed or solid, but {names[-1]!r} has the values {values.tolist()}: leave "
            "some conditions out."
        )


def _telling(da: xr.DataArray, by: np.ndarray, n: int) -> list[int]:
    """Units that differ most between conditions, by turns preferring either sign of the label."""
    mean = da.mean("time").transpose("condition", "unit").values
    spread = mean.std(0) / np.sqrt(np.abs(mean).mean(0) + 1e-9)
    prefers = ((by - by.mean())[:, None] * mean).sum(0)
    order = np.argsort(-spread)
    sides = [order[prefers[order] >= 0], order[prefers[order] < 0]]
    turns = [side[i] for i in range(len(order)) for side in sides if i < len(side)]
    return [int(i) for i in turns[:n]]


def _unit_title(ds: xr.Dataset, unit: int) -> str:
    name = str(ds["unit"].values[unit]) if "unit" in ds.coords else str(unit)
    title = f"unit {name}" if name.lstrip("-").isdigit() else name
    if "tau" in ds.coords and ds["tau"].dims == ("unit",):
        title += rf", $\tau$ = {float(ds['tau'].values[unit]):.0f} ms"
    return title
