"""Colours, line styles and names of networks in figures."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.experiments.timescales.summary import NAMES, is_trained
from neurodyn.plot.style import BLUE, GREY, ORANGE

__all__ = ["COLOURS", "called", "each", "lines"]

_STYLES = "-", "--", ":", "-."
COLOURS = {"single": BLUE, "cumulative": ORANGE, "sliding": "#3f8f5b", "no_curriculum": GREY}


def lines(ax: Any, ds: xr.DataArray, colour: Any, label: str, dim: str, style: str = "-") -> None:
    """Draw a thin line for each seed, and their mean where all seeds have values."""
    values = ds.transpose("seed", dim).values
    values = values[np.isfinite(values).any(1)]  # without empty seeds
    there = np.isfinite(values).any(0)
    if not there.any():
        return
    x = ds[dim].values[there] if dim in ds.coords else np.arange(values.shape[1])[there]
    values = values[:, there]
    if len(values) > 1:
        ax.plot(x, values.T, color=colour, lw=0.6, alpha=0.45, ls=style)
    mean = values.mean(0)  # NaN, which is not drawn, if a seed has no value
    marker = "o" if len(x) < 15 else None
    ax.plot(x, mean, color=colour, label=label, marker=marker, ms=3, ls=style)


def each(ds: xr.Dataset) -> list[tuple[str, Any, str, xr.Dataset]]:
    """Name, colour, line style and data of every curriculum and treatment with data.

    If there are treatments with trained time constants, those with fixed ones are left out; the
    figure of the largest N shows them.
    """
    treatments = ds["treatment"].values.tolist()
    chosen = [name for name in treatments if is_trained(name)] or treatments
    found = []
    for i, treatment in enumerate(chosen):
        for name in ds["curriculum"].values.tolist():
            own = ds.sel(treatment=treatment, curriculum=name)
            if not any(own[v].notnull().any() for v in own if "seed" in own[v].dims):
                continue
            label = NAMES[name] if len(chosen) == 1 else f"{NAMES[name]}, {called(treatment)}"
            found.append((label, COLOURS[name], _STYLES[i % len(_STYLES)], own))
    return found


def called(treatment: str) -> str:
    """Name of a treatment."""
    return f"fixed at {treatment}" if treatment[0].isdigit() else treatment
