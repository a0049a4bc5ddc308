"""Behaviour that was measured: psychometric curves, reaction times, errors of direction."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.values import names_of
from neurodyn.plot.style import BLUE, ORANGE, styled, subplots

_LOOKS = {"model": (BLUE, "o"), "recorded": (ORANGE, "s")}


def is_fit(data: Any) -> bool:
    """Whether these are fitted psychometric functions."""
    return isinstance(data, xr.Dataset) and {"bias", "slope", "fraction"} <= {*data.data_vars}


def draw_curves(model: xr.Dataset | None, recording: xr.Dataset | None) -> Any:
    """Fitted curves through the fractions that they were fitted to, a panel for each condition."""
    sides = _measured_sides(model, recording, "psychometric")
    first = next(iter(sides.values()))
    every, scale, x_label = _levels(sides, "evidence")
    x = np.linspace(every.min(), every.max(), 201)

    def draw(ax: Any, ds: xr.Dataset, title: str, text: str) -> None:
        colour, mark = _LOOKS[title]
        each = _members(ds)
        curves = np.array([_curve(x, one) for one in each])
        for y in curves if len(each) > 1 else ():
            ax.plot(scale * x, y, color=colour, lw=0.6, alpha=0.4)
        ax.plot(scale * x, mean_of_networks(curves), color=colour)
        points = mean_of_networks(np.array([one["fraction"].values for one in each]))
        at, look = scale * ds["evidence"].values, {"color": colour, "ms": 3.5, "label": text}
        there = np.isfinite(points)
        if len(each) > 1:
            ax.plot(at[there], points[there], mark, **look)
        else:
            error = np.array(wilson(points, each[0]["n"].values))[:, there]
            ax.errorbar(at[there], points[there], error, fmt=mark, capsize=2, **look)

    figure, axes = _panels(sides, draw, size=(3.6, 2.9))
    what, option = str(first.attrs.get("choice", "choice")), str(first.attrs.get("option", ""))
    many = "choices" if what == "choice" else what
    for ax in axes:
        ax.axhline(0.5, color="0.85", lw=0.8, zorder=0)
        if every.min() < 0:
            ax.axvline(0.0, color="0.85", lw=0.8, zorder=0)
        ax.set(xlabel=x_label, ylim=(-0.03, 1.03))
    axes[0].set_ylabel(f"fraction of {many}: {option}")
    return figure


@takes(model=DATASET, recording=DATASET)
@styled
def chronometric(model: xr.Dataset | None = None, recording: xr.Dataset | None = None) -> Any:
    """Reaction times against the strength of evidence: of a model, of a recording, of both.

    Parameters
    ----------
    model
        Of :func:`neurodyn.analysis.chronometric`. What was recorded may stand here, too.
    recording
        The same of the animal that was recorded.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each condition. Medians of correct choices (filled, solid) and of errors (open,
        dashed) with their intervals; of an ensemble the mean over networks, with a thin line for
        the correct choices of each. Strengths are on a logarithmic axis, unless one is 0.

    Raises
    ------
    ValueError
        If there is neither.
    """
    sides = {
        title: ds.sortby("strength")
        for title, ds in _measured_sides(model, recording, "chronometric").items()
    }
    first = next(iter(sides.values()))
    every, scale, x_label = _levels(sides, "strength")

    def draw(ax: Any, ds: xr.Dataset, title: str, text: str) -> None:
        colour, mark = _LOOKS[title]
        each, x = _members(ds), scale * ds["strength"].values
        for outcome, style, face in (("correct", "-", colour), ("error", "--", "white")):
            medians = np.array([one["rt"].sel(outcome=outcome).values for one in each])
            if len(each) > 1 and outcome == "correct":
                for y in medians:
                    ax.plot(x, y, color=colour, lw=0.6, alpha=0.4)
            y, error = mean_of_networks(medians), None
            there = np.isfinite(y)
            if len(each) == 1:
                ends = [each[0][f"rt_{end}"].sel(outcome=outcome).values for end in ("low", "high")]
                error = np.nan_to_num(np.maximum([y - ends[0], ends[1] - y], 0))[:, there]
            look = {"color": colour, "ms": 3.5, "capsize": 2, "markerfacecolor": face}
            label = f"{text}, {outcome}" if there.any() else None
            ax.errorbar(x[there], y[there], error, fmt=f"{mark}{style}", label=label, **look)

    figure, axes = _panels(sides, draw, size=(3.6, 2.9))
    for ax in axes:
        ax.set_xlabel(x_label)
        if every.min() > 0:
            ax.set_xscale("log")
            ticks = np.unique(scale * every) if np.unique(every).size <= 8 else None
            if ticks is not None:
                ax.set_xticks(ticks, [f"{t:.3g}" for t in ticks])
                ax.minorticks_off()
    axes[0].set_ylabel(f"median reaction time ({first['rt'].attrs.get('units', 'ms')})")
    return figure


@takes(model=DATASET, recording=DATASET)
@styled
def direction_errors(model: xr.Dataset | None = None, recording: xr.Dataset | None = None) -> Any:
    """Histogram of errors of direction, with the line of chance: of a model, a recording, or both.

    Parameters
    ----------
    model
        Of :func:`neurodyn.analysis.direction_errors`. What was recorded may stand here, too.
    recording
        The same of the animal that was recorded.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each condition; of an ensemble the mean over networks, with a thin line each.
        The legend says the circular mean and spread.

    Raises
    ------
    ValueError
        If there is neither.
    """
    sides = {
        title: ds.sortby("error")
        for title, ds in _measured_sides(model, recording, "direction_errors").items()
    }
    first = next(iter(sides.values()))
    units = str(first["error"].attrs.get("units", "deg"))
    short = {"deg": "°", "rad": " rad"}.get(units, f" {units}")
    turn = 360.0 if units == "deg" else 2 * np.pi

    def draw(ax: Any, ds: xr.Dataset, title: str, text: str) -> None:
        colour, each = _LOOKS[title][0], _members(ds)
        x, bins = ds["error"].values, np.array([one["fraction"].values for one in each])
        for y in bins if len(each) > 1 else ():
            ax.plot(x, y, color=colour, lw=0.6, alpha=0.4, drawstyle="steps-mid")
        means, spreads = (np.array([float(one[n]) for one in each]) for n in ("mean", "spread"))
        middle = turn * np.angle(mean_of_networks(np.exp(2j * np.pi * means / turn))) / (2 * np.pi)
        said = f"{text}: {middle:+.3g}{short}, spread {mean_of_networks(spreads):.3g}{short}"
        ax.plot(x, mean_of_networks(bins), color=colour, drawstyle="steps-mid", label=said)
        ax.plot(x, each[0]["chance"].values, color="0.5", lw=0.8, ls="--", zorder=0)

    figure, axes = _panels(sides, draw, size=(3.4, 2.5), columns=4)
    for ax in axes:
        ax.axvline(0.0, color="0.85", lw=0.8, zorder=0)
        ax.set_ylim(0, 1.25 * ax.get_ylim()[1])  # room for the legend
        ax.set_xlim(-turn / 2, turn / 2)
        if units == "deg":
            ax.set_xticks([-180, -90, 0, 90, 180])
        ax.set_xlabel(f"error of direction ({units})")
    axes[0].set_ylabel("fraction of trials")
    axes[0].legend(loc="upper left", fontsize=7)
    return figure


def _measured_sides(
    model: xr.Dataset | None, recording: xr.Dataset | None, what: str
) -> dict[str, xr.Dataset]:
    """What is drawn, as a network or as a recording."""
    for ds in (model, recording):
        if ds is not None and ds.attrs.get("measure") != what:
            raise ValueError(f"plot.{what} draws what analysis.{what} gives: measure it first.")
    return sides_of(model, recording, what, lambda ds: ds.attrs.get("observed") == "recording")


def sides_of(
    model: xr.Dataset | None,
    recording: xr.Dataset | None,
    what: str,
    recorded: Callable[[xr.Dataset], bool],
) -> dict[str, xr.Dataset]:
    """The data to draw, by what they are of; a recording may be given in the place of the model."""
    if model is None and recording is None:
        raise ValueError(f"{what} draws a model, a recording, or both: there is neither.")
    if recording is None and model is not None and recorded(model):
        model, recording = None, model
    sides = {"model": model, "recorded": recording}
    return {title: ds for title, ds in sides.items() if ds is not None}


def _levels(sides: dict[str, xr.Dataset], dim: str) -> tuple[np.ndarray, float, str]:
    """Evidence of all sides, by what it is multiplied, and the text of its axis."""
    every = np.concatenate([ds[dim].values for ds in sides.values()])
    about = next(iter(sides.values()))[dim].attrs
    name, units = str(about.get("long_name", dim)), str(about.get("units", "1"))
    return every, *evidence_axis(name, units, every)


def side_names(title: str, called: str, *, alone: bool) -> str:
    """Text of a side in a legend."""
    if title == "model":
        return "network"
    # Beside a network, since the subject of a recording may be called so as well.
    beside = f"recording ({called})" if called else "recording"
    return called if called and alone else beside


def _panels(
    sides: dict[str, xr.Dataset],
    draw: Callable[[Any, xr.Dataset, str, str], None],
    *,
    size: tuple[float, float],
    columns: int = 3,
) -> tuple[Any, list[Any]]:
    """A panel for each condition of either side, and the first legend."""
    parts = {title: _conditions(ds) for title, ds in sides.items()}
    names = sorted({name for held in parts.values() for name in held})
    columns = min(columns, len(names))
    rows = math.ceil(len(names) / columns)
    figure, grid = subplots(rows, columns, size=size, sharey=True)
    for ax, name in zip(grid.flat, names, strict=False):
        for title, held in parts.items():
            if name not in held:
                continue
            text = side_names(title, str(sides[title].attrs.get("name", "")), alone=len(sides) == 1)
            n = len(_members(held[name]))
            draw(ax, held[name], title, f"mean of {n} networks" if n > 1 else text)
        ax.set_title(name)
    for ax in grid.flat[len(names) :]:
        ax.set_visible(False)
    grid[0, 0].legend(fontsize=7)
    return figure, list(grid.flat[: len(names)])


def _conditions(ds: xr.Dataset) -> dict[str, xr.Dataset]:
    """The conditions by their names, codes spelt out; one without a name where there are none."""
    if "condition" not in ds.dims:
        return {"": ds}
    by = [str(n) for n, c in ds.coords.items() if c.dims == ("condition",) and n != "condition"]
    found = {}
    for i in range(ds.sizes["condition"]):
        values = {n: ds[n].values[i] for n in by}
        words = {n: names_of(ds, n).get(str(v), f"{v}") for n, v in values.items()}
        plain = (
            ", ".join(words.values())
            if len(by) == 1
            else ", ".join(f"{n} {w}" for n, w in words.items())
        )
        found[plain or str(ds["condition"].values[i])] = ds.isel(condition=i)
    return found


def _members(ds: xr.Dataset) -> list[xr.Dataset]:
    return [ds.isel(seed=i) for i in range(ds.sizes["seed"])] if "seed" in ds.dims else [ds]


def mean_of_networks(values: np.ndarray) -> np.ndarray:
    """Mean over networks that have a value; NaN where none has."""
    there = np.isfinite(values)
    return np.where(there, values, 0).sum(0) / np.where(there.any(0), there.sum(0), np.nan)


def _curve(x: np.ndarray, fit: xr.Dataset) -> np.ndarray:
    from scipy.special import ndtr

    bias, slope, below, above = (
        float(fit[n]) for n in ("bias", "slope", "lapse_below", "lapse_above")
    )
    return below + (1 - below - above) * ndtr(slope * (x - bias))


def evidence_axis(name: str, units: str, every: np.ndarray) -> tuple[float, str]:
    """By what evidence is multiplied, and the text of its axis."""
    if every.min() < 0 and not name.startswith("signed"):
        name = f"signed {name}"
    if units in ("1", "") and np.abs(every).max() <= 1:
        return 100.0, textwrap.fill(f"{name} (%)", 40)
    return 1.0, textwrap.fill(name if units in ("1", "") else f"{name} ({units})", 40)


def wilson(p: np.ndarray, n: np.ndarray, z: float = 1.96) -> list[np.ndarray]:
    """How far Wilson's interval (1927) of a fraction reaches below and above it."""
    n = np.maximum(n, 1)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return [np.maximum(p - middle + half, 0), np.maximum(middle + half - p, 0)]
