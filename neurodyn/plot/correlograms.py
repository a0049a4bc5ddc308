"""Correlograms of pairs of units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import place
from neurodyn.plot.style import BLUE, GREY, ORANGE, label, styled, subplots, timeline


@styled
def correlogram(found: xr.Dataset, *, pairs: int | Sequence[tuple[Any, Any]] = 6) -> Any:
    """Correlograms of some pairs of units, with their control where there is one.

    Parameters
    ----------
    found
        Of :func:`neurodyn.analysis.correlogram`.
    pairs
        Labels of pairs ``(unit, unit_to)``; or how many to choose: the cross-correlograms that rise
        most above their control, or vary most where there is none.

    Returns
    -------
    matplotlib.figure.Figure
        Bars: the correlogram; orange: the control and its interval.

    Raises
    ------
    ValueError
        If there is no such unit, or no pair with a correlogram.
    """
    value = found["correlogram"].transpose("lag", "unit", "unit_to")
    chosen = _telling(found, pairs) if isinstance(pairs, int) else _named(value, pairs)
    if not chosen:
        raise ValueError("there are no pairs to draw: no two units have spikes.")
    lag, text = timeline(value, dim="lag")
    columns = min(3, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure, axes = subplots(rows, columns, size=(2.4, 1.8), sharex=True)
    width = lag[1] - lag[0] if lag.size > 1 else 1.0
    for ax, (i, j) in zip(axes.flat, chosen, strict=False):
        one = {"unit": i, "unit_to": j}
        ax.bar(lag, value.isel(one), width, color=BLUE, alpha=0.6, lw=0)
        if "control" in found:
            low, high = (found[n].transpose(*value.dims).isel(one) for n in ("low", "high"))
            ax.fill_between(lag, low, high, color=ORANGE, alpha=0.3, lw=0)
            control = found["control"].transpose(*value.dims).isel(one)
            ax.plot(lag, control, color=ORANGE, lw=1)
        ax.axvline(0, color=GREY, lw=0.6, ls=":")
        names = [str(found[d].values[k]) for d, k in one.items()]
        ax.set(ylim=(0, None))
        ax.set_title(" \N{RIGHTWARDS ARROW} ".join(dict.fromkeys(names)))
    for ax in axes.flat[len(chosen) :]:
        ax.set_visible(False)
    figure.supylabel(label(value), fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel(text)
    return figure


def _named(value: xr.DataArray, pairs: Sequence[tuple[Any, Any]]) -> list[tuple[int, int]]:
    return [(place(value, "unit", a), place(value, "unit_to", b)) for a, b in pairs]


def _telling(found: xr.Dataset, n: int) -> list[tuple[int, int]]:
    """Pairs of two units, each once, whose correlogram tells most."""
    name = "corrected" if "corrected" in found else "correlogram"
    value = found[name].transpose("lag", "unit", "unit_to").values
    known = np.isfinite(value).all(0)
    filled = np.where(known, value, 0)
    height = filled.max(0) if name == "corrected" else np.ptp(filled, axis=0)
    labels = found["unit"].values
    # Each pair from the unit whose label comes first, in whatever order the units are.
    first = labels[:, None] < found["unit_to"].values[None, :]
    rows, columns = np.nonzero(known & first)
    names = labels[rows], found["unit_to"].values[columns]
    order = np.lexsort([names[1], names[0], -height[rows, columns]])[:n]
    return [(int(rows[k]), int(columns[k])) for k in order]
