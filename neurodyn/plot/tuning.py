"""Tuning of units to conditions of trials, and to variables over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import place
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.values import is_words
from neurodyn.plot.style import BLUE, label, styled, subplots


@takes(found=DATASET)
@styled
def tuning(found: xr.Dataset, *, units: int | Sequence[Any] = 6) -> Any:
    """Tuning curves or maps of some units.

    Parameters
    ----------
    found
        Of :func:`neurodyn.analysis.tuning_curve` or :func:`neurodyn.analysis.tuning_map` with one
        or two variables.
    units
        Labels of units; or how many to choose: those with the smallest p values, the deepest first
        among equals.

    Returns
    -------
    matplotlib.figure.Figure
        Curves with their standard errors, or the map of each unit.

    Raises
    ------
    ValueError
        If there is no such unit, or the map has more than two variables.
    """
    rate = found["rate"].transpose(..., "unit")
    dims = [str(d) for d in rate.dims if d != "unit"]
    if len(dims) > 2:
        raise ValueError(f"tuning draws one or two variables, got {dims}: select along others.")
    chosen = _telling(found, units) if isinstance(units, int) else [
        place(found, "unit", u) for u in units
    ]  # fmt: skip
    if not chosen:
        raise ValueError("tuning: there are no units to draw.")
    columns = min(3, len(chosen))
    figure, axes = subplots(math.ceil(len(chosen) / columns), columns, size=(2.4, 1.9))
    for ax, unit in zip(axes.flat, chosen, strict=False):
        if len(dims) == 1:
            _curve(ax, found, rate.isel(unit=unit), dims[0], unit)
        else:
            _map(figure, ax, rate.isel(unit=unit).transpose(*dims), dims)
        ax.set_title(_title(found, unit))
    for ax in axes.flat[len(chosen) :]:
        ax.set_visible(False)
    if len(dims) == 1:
        for ax in axes[:, 0]:
            ax.set_ylabel(label(rate))
        figure.supxlabel(_across(rate, dims[0]), fontsize=9)
    return figure


def _across(rate: xr.DataArray, dim: str) -> str:
    """The variable, or the label that makes conditions; nothing where several do."""
    of = _made_of(rate) if dim == "condition" else [dim]
    return label(rate[of[0]]) if len(of) == 1 else ""


def _made_of(rate: xr.DataArray) -> list[str]:
    return [str(n) for n, c in rate.coords.items() if c.dims == ("condition",) and n != "condition"]


def _curve(ax: Any, found: xr.Dataset, rate: xr.DataArray, dim: str, unit: int) -> None:
    """Rate along a variable, or over conditions: by their label where one label makes them."""
    if dim != "condition":
        order = np.argsort(rate[dim].values, kind="stable")
        ax.plot(rate[dim].values[order], rate.values[order], color=BLUE)
        ax.set(ylim=(0, None))
        return
    of = _made_of(rate)
    x, names = np.arange(rate.size), rate["condition"].values.astype(str)
    order = np.argsort(names, kind="stable")
    if len(of) == 1 and not is_words(rate[of[0]].values):
        order = np.argsort(rate[of[0]].values, kind="stable")
        x = rate[of[0]].values[order]
    else:
        ax.set_xticks(x, names[order], rotation=40, ha="right", rotation_mode="anchor", fontsize=6)
    values = rate.values[order]
    ax.plot(x, values, "o-", color=BLUE, ms=3)
    if "sem" in found:
        error = found["sem"].transpose("condition", "unit").values[order, unit]
        ax.fill_between(x, values - error, values + error, color=BLUE, alpha=0.2, lw=0)
    ax.set(ylim=(0, None))


def _map(figure: Any, ax: Any, rate: xr.DataArray, dims: list[str]) -> None:
    rate = rate.sortby(dims)
    image = ax.pcolormesh(
        rate[dims[0]].values, rate[dims[1]].values, rate.values.T, cmap="viridis", rasterized=True
    )
    ax.set(xlabel=label(rate[dims[0]]), ylabel=label(rate[dims[1]]))
    figure.colorbar(image, ax=ax, label="Hz")


def _telling(found: xr.Dataset, n: int) -> list[int]:
    """Units with a known depth, by p value and depth; equal ones by label."""
    depth = found["depth"].values
    p = found["p_value"].values if "p_value" in found else np.zeros(depth.size)
    rank = np.argsort(np.argsort(found["unit"].values))
    order = np.lexsort([rank, -np.nan_to_num(depth, nan=-1), np.nan_to_num(p, nan=2.0)])
    return [int(k) for k in order if np.isfinite(depth[k])][:n]


def _title(found: xr.Dataset, unit: int) -> str:
    name = str(found["unit"].values[unit])
    name = f"unit {name}" if name.lstrip("-").isdigit() else name
    if "p_value" not in found or not np.isfinite(p := float(found["p_value"][unit])):
        return name
    return f"{name}, p = {p:.2g}"
