"""Linear dynamics: growth of perturbations, and what slow modes select."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import in_positions
from neurodyn.labels.values import names_of, plain
from neurodyn.plot.style import (
    BLUE,
    GREY,
    STROKES,
    colours_of,
    heading,
    label,
    panel,
    sign_or_word,
    styled,
    timeline,
)


@styled
def transient_growth(growth: xr.Dataset) -> Any:
    """How much perturbations grow at most over time, a line for each state.

    Parameters
    ----------
    growth
        Result of :func:`neurodyn.analysis.transient_growth`; with fixed points each has a line.

    Returns
    -------
    matplotlib.figure.Figure
        A dot marks the maximum of each line.
    """
    lines = growth["growth"]
    rest = [d for d in lines.dims if d != "lag"]
    lines = lines.sortby("lag").transpose("lag", *rest)
    time, text = timeline(lines, dim="lag")
    values = lines.values.reshape(len(time), -1)
    figure, ax = panel(size=(4.0, 2.8))
    ax.axhline(1, color=GREY, lw=0.8, zorder=0)
    when, most = (growth[name].transpose(*rest).values.ravel() for name in ("when", "largest"))
    for i, line in enumerate(values.T):
        colour = BLUE if values.shape[1] == 1 else STROKES[i % len(STROKES)]
        ax.plot(time, line, color=colour)
        ax.plot(when[i], most[i], "o", color=colour, ms=4)
    ax.set(xlabel=text, ylabel=label(lines), ylim=(0, None))
    return figure


@styled
def selection(selected: xr.Dataset, *, by: str) -> Any:
    """How much of each input the slowest mode takes up, beside each other for each context.

    Parameters
    ----------
    selected
        Result of :func:`neurodyn.analysis.selection` for several points.
    by
        Label of the points, such as the context; bars are means over the points with the same one,
        and dots are points.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no such label of points, or the system has no input.
    """
    part = selected["selected_fraction"]
    (point,) = (d for d in part.dims if d != "input")
    if by not in selected.coords or selected[by].dims != (point,):
        known = [n for n, c in selected.coords.items() if c.dims == (point,) and n != point]
        raise ValueError(f"there is no label {by!r} of points; there are {known}.")
    part = in_positions(part.transpose(point, "input"), "input", what="selected")
    values, names = plain(selected[by].values), names_of(selected, by)
    colours = colours_of(values, names)
    levels = sorted(colours)
    figure, ax = panel(size=(1.2 + 0.75 * part.sizes["input"] * max(len(levels), 2) / 2, 2.8))
    width = 0.8 / len(levels)
    across = np.arange(part.sizes["input"])
    for k, level in enumerate(levels):
        here = part.values[values == level]
        here = here[np.isfinite(here).all(1)]
        at = across + (k - (len(levels) - 1) / 2) * width
        mean = here.mean(0) if len(here) else np.full(len(across), np.nan)
        text = sign_or_word(level, values, names)
        ax.bar(at, mean, width, color=colours[level], alpha=0.55, label=text)
        for one in here:
            ax.plot(at, one, ".", color=colours[level], ms=4)
    ax.set_xticks(across, [str(name) for name in part["input"].values], rotation=30, ha="right")
    ax.set_ylabel(label(part))
    figure.legend(title=heading(selected[by]), loc="outside right upper", fontsize=7)
    return figure
