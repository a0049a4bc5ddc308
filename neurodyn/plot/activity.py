"""Activity over time."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import entry, place
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.values import classes, is_words, names_of, plain
from neurodyn.plot.style import (
    BLUE,
    GREY,
    colours_of,
    heading,
    label,
    panel,
    sign_or_word,
    styled,
    subplots,
    timeline,
)


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
    """Condition means of some units, of the channels of a signal, or of a signal without channels.

    Parameters
    ----------
    means
        ``rate`` ``(condition, time, unit)`` and, where known, its interval (``low``, ``high``) or
        ``sem``, as of :func:`neurodyn.analysis.psth` and :func:`neurodyn.trials.psth`; or another
        variable, also on another dim than `unit`, or on none.
    by
        Label that sets the colour: numbers (signed ones diverge from grey) or words.
    units
        Labels of the units (channels); or how many to choose: those that differ most between
        conditions, by turns with either preference.
    style
        Binary label; conditions with its smaller (first) value are dashed (e.g. ``"choice"``).
    variable
        Variable to draw; where there is only one along time, that one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If these are no condition means, a label is missing, or there is no such unit.
    """
    _one_label(by, "psth")
    da = _shown(means, variable, ["condition", "time"])
    dims = [str(d) for d in da.dims if d not in ("condition", "time")]
    if len(dims) > 1 or "condition" not in da.dims:
        raise ValueError(
            f"psth draws condition means (condition, time, unit), got {da.dims}: average trials "
            "first (neurodyn.trials.average), and choose one network with .isel(seed=...)."
        )
    _check_labels(means, [by] if style is None else [by, style])
    dim = dims[0] if dims else "unit"
    da = da if dims else da.expand_dims(unit=[""])
    if isinstance(units, int):
        units = _telling(da, _order(means[by].values), units, dim)
    else:
        units = [place(da, dim, u) for u in units]
    if not len(units):
        raise ValueError("psth: there are no units to draw.")
    columns = min(3, len(units))
    figure, axes = subplots(math.ceil(len(units) / columns), columns, size=(2.5, 1.9), sharex=True)
    values, names = plain(means[by].values), names_of(means, by)
    colours = colours_of(values, names)
    band = _band(means, da, bool(dims))
    looks = None if style is None else classes(means[style].values, what=style)
    dashed = None if looks is None else looks[1] == 0
    time, text = timeline(da)
    for ax, unit in zip(axes.flat, units, strict=False):
        for c, level in enumerate(values.tolist()):
            y = da.isel({"condition": c, dim: unit})
            line = "--" if dashed is not None and dashed[c] else "-"
            colour = colours[level]
            ax.plot(time, y, line, color=colour, lw=1.1)
            if band is not None:
                low, high = (edge.isel({"condition": c, dim: unit}) for edge in band)
                ax.fill_between(time, low, high, lw=0, alpha=0.12, color=colour)
        ax.set_title(_unit_title(means, unit, dim) if dims else "")
    for ax in axes.flat[len(units) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel(label(da))
    for ax in axes[-1]:
        ax.set_xlabel(text)
    handles = _legend(axes[0, 0], colours, values, names)
    if looks is not None:
        spelt = names_of(means, style)
        first, second = (sign_or_word(v, looks[0], spelt) for v in looks[0][[0, -1]].tolist())
        handles += [
            axes[0, 0].plot([], [], line, color=GREY, label=f"{style} {value}")[0]
            for line, value in (("--", first), ("-", second))
        ]
    figure.legend(handles=handles, title=heading(means[by]), loc="outside right upper", fontsize=7)
    return figure


def _band(
    means: xr.Dataset, da: xr.DataArray, channels: bool
) -> tuple[xr.DataArray, xr.DataArray] | None:
    """Where the band around means starts and ends: their interval, else a standard error off."""

    def like(name: str) -> xr.DataArray | None:
        found = means.get(name)
        found = found if channels or found is None else found.expand_dims(unit=[""])
        return None if found is None or set(found.dims) != set(da.dims) else found

    low, high = like("low"), like("high")
    if da.name == "rate" and low is not None and high is not None:
        return low, high
    # Means of several variables keep an error each, under the variable's name.
    sem = like(f"{da.name}_sem" if f"{da.name}_sem" in means else "sem")
    return None if sem is None else (da - sem, da + sem)


@styled
def trajectories(
    projections: xr.Dataset | dict[str, xr.Dataset],
    *,
    by: str,
    components: tuple[Any, Any] | None = None,
) -> Any:
    """Condition means in the plane of two components, or of two task variables.

    Parameters
    ----------
    projections
        Result of :func:`neurodyn.analysis.pca` of condition means, or of
        :func:`neurodyn.analysis.targeted_axes`; or several by title.
    by
        Label that sets the colour: numbers (signed ones diverge from grey) or words.
    components
        Labels of two components, which count from 0; default: the first two.

    Returns
    -------
    matplotlib.figure.Figure
        A dot marks the start of each trajectory.

    Raises
    ------
    ValueError
        If there are no two components, none with such a label, or no such label of conditions.
    """
    if isinstance(projections, xr.Dataset):
        projections = {"": projections}
    _one_label(by, "trajectories")
    figure, axes = subplots(1, len(projections), size=(3.4, 3.0))
    for ds in projections.values():
        if "scores" not in ds or "condition" not in ds["scores"].dims:
            averaged = "condition" in ds.dims
            first = "" if averaged else "average trials first (neurodyn.trials.average), then "
            raise ValueError(
                "trajectories draws scores (condition, time, component) of condition means: "
                f"{first}take neurodyn.analysis.pca of them."
            )
        _check_labels(ds, [by])
    values = np.concatenate([plain(ds[by].values) for ds in projections.values()])
    names = names_of(next(iter(projections.values())), by)
    colours = colours_of(values, names)
    for ax, (title, ds) in zip(axes.flat, projections.items(), strict=True):
        scores = ds["scores"].transpose("condition", "time", "component").sortby("time")
        if components is None and ds.sizes["component"] < 2:
            raise ValueError(f"trajectories needs two components, got {ds.sizes['component']}.")
        shown = [0, 1] if components is None else [place(ds, "component", c) for c in components]
        x, y = (scores.isel(component=c).values for c in shown)
        for c in range(ds.sizes["condition"]):
            colour = colours[plain(ds[by].values)[c].item()]
            ax.plot(x[c], y[c], color=colour, lw=1.1)
            ax.plot(x[c, 0], y[c, 0], "o", color=colour, ms=3)
        number, share = ds["component"].values, 100 * ds["explained"].values
        axis = ds["variable"].values if "variable" in ds.coords else [f"PC {k + 1}" for k in number]
        across, up = (f"{axis[c]} ({share[c]:.0f} %)" for c in shown)
        ax.set(title=title, xlabel=across, ylabel=up)
    handles = _legend(axes[0, 0], colours, values, names)
    figure.legend(handles=handles, title=heading(ds[by]), loc="outside right upper", fontsize=7)
    return figure


@takes(run=DATASET)
@styled
def traces(
    run: xr.Dataset | xr.DataArray, variable: str = "rate", *, trial: Any = None, units: int = 8
) -> Any:
    """The first units of one trial over time, below each other.

    Parameters
    ----------
    run
        A run or a recorded signal, dims (trial, time, unit), or without the first or the last.
    variable
        Which of its variables; where there is only one along time, that one.
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
    da = _shown(run, variable, ["time"])
    if len(set(da.dims) - {"trial", "time"}) > 1 or "time" not in da.dims:
        raise ValueError(
            f"traces draws (trial, time, unit), got {da.dims}: choose one network with "
            ".isel(seed=...)."
        )
    title = label(da)
    da = entry(da, "trial", trial)
    dim = next((str(d) for d in da.dims if d != "time"), "unit")
    da = da if dim in da.dims else da.expand_dims({dim: [""]})
    da = da.isel({dim: slice(units)}).transpose("time", dim)
    alone = da.sizes[dim] == 1
    spread = 1.0 if alone else float(np.nanmax(da) - np.nanmin(da)) or 1.0
    time, text = timeline(da)
    figure, ax = panel(size=(4.5, 1.8 if alone else 0.6 + 0.3 * da.sizes[dim]))
    for i in range(da.sizes[dim]):
        ax.plot(time, da.isel({dim: i}) / spread - i, color=BLUE, lw=1)
    ax.set(xlabel=text, title=title)
    if not alone:
        ax.set_yticks(-np.arange(da.sizes[dim]), [str(v) for v in da[dim].values])
        ax.set_ylabel(dim)
    return figure


def _one_label(by: Any, what: str) -> None:
    if not isinstance(by, str):
        more = ", another one the dashes (style=)" if what == "psth" else ""
        raise ValueError(f"{what}: one label sets the colour, by='coherence'{more}; got {by!r}.")


def _check_labels(means: xr.Dataset, names: Sequence[str]) -> None:
    for name in names:
        if name not in means.coords or means[name].dims != ("condition",):
            known = [n for n, c in means.coords.items() if c.dims == ("condition",)]
            raise ValueError(f"There is no label {name!r} of conditions; there are {known}.")
    if len(names) > 1 and len(found := classes(means[names[-1]].values, what=names[-1])[0]) > 2:
        raise ValueError(
            f"Lines are dashed or solid, but {names[-1]!r} has the values {found.tolist()}: leave "
            "some conditions out."
        )


def _shown(ds: Any, variable: str, dims: Sequence[str]) -> xr.DataArray:
    """The variable asked for, or the only one that has these dims."""
    if variable in ds:
        return ds[variable]
    found = [str(n) for n, v in ds.data_vars.items() if set(dims) <= set(v.dims)]
    beside = ("sem", "low", "high")
    found = [n for n in found if n not in beside and not n.endswith(("_sem", "n_trials"))]
    if len(found) == 1:
        return ds[found[0]]
    raise ValueError(
        f"there is no variable {variable!r}"
        + (f": choose one of {found} by variable=." if found else f", only {list(ds.data_vars)}.")
    )


def _legend(ax: Any, colours: dict[Any, Any], values: Any, names: dict[str, str]) -> list[Any]:
    """Handles of all labels, in their order."""
    return [
        ax.plot([], [], color=colour, label=sign_or_word(value, values, names))[0]
        for value, colour in sorted(colours.items())
    ]


def _order(values: Any) -> np.ndarray:
    """Numbers as they are, words by their place in sorted order."""
    if is_words(values):
        return classes(values, what="by")[1].astype(float)
    return np.asarray(plain(values), float)


def _telling(da: xr.DataArray, by: np.ndarray, n: int, dim: str) -> list[int]:
    """Units that differ most between conditions, by turns preferring either sign of the label."""
    mean = da.mean("time").transpose("condition", dim).values
    spread = mean.std(0) / np.sqrt(np.abs(mean).mean(0) + 1e-9)
    prefers = ((by - by.mean())[:, None] * mean).sum(0)
    order = np.argsort(-spread)
    sides = [order[prefers[order] >= 0], order[prefers[order] < 0]]
    turns = [side[i] for i in range(len(order)) for side in sides if i < len(side)]
    return [int(i) for i in turns[:n]]


def _unit_title(ds: xr.Dataset, unit: int, dim: str) -> str:
    name = str(ds[dim].values[unit]) if dim in ds.coords else str(unit)
    title = f"{dim} {name}" if name.lstrip("-").isdigit() else name
    if "tau" in ds.coords and ds["tau"].dims == (dim,):
        of = ds["tau"].attrs.get("units", "ms")
        title += rf", $\tau$ = {float(ds['tau'].values[unit]):.0f} {of}"
    return title
