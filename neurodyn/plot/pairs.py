"""Matrices of pairs of units or of trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.only import DATASET, takes
from neurodyn.plot.style import label, panel, styled


@takes(found=DATASET)
@styled
def pairs(found: xr.Dataset, *, by: str | None = None) -> Any:
    """A matrix of all pairs of units (or trials): correlations, tiling coefficients, distances.

    Parameters
    ----------
    found
        With one variable on (unit, unit_to) or (trial, trial_to), or an array: of
        :func:`neurodyn.analysis.spike_time_tiling`, of correlations of counts, of distances between
        spike trains (of one unit or one trial, as chosen by ``.sel``, else their mean).
    by
        Coordinate of units (or trials) in whose order they stand, with lines between its values;
        default: their own labels.

    Returns
    -------
    matplotlib.figure.Figure
        Values of either sign diverge from white at 0; others go from dark (0) to light.

    Raises
    ------
    ValueError
        If there is no such matrix, or no such coordinate.
    """
    array, dim = _matrix(found)
    over = [d for d in array.dims if d not in (dim, f"{dim}_to")]
    matrix = array.mean(over, keep_attrs=True).transpose(dim, f"{dim}_to")
    name = dim if by is None else by
    for side in (name, f"{name}_to"):
        if side not in matrix.coords:
            raise ValueError(f"there is no coordinate {side!r}: there are {list(matrix.coords)}.")
    matrix = matrix.sortby([name, dim]).sortby([f"{name}_to", f"{dim}_to"])
    values = matrix.values.copy()
    np.fill_diagonal(values, np.nan)  # each with itself
    known = values[np.isfinite(values)]
    high = float(np.abs(known).max(initial=0)) or 1.0
    signed = bool(known.size) and known.min() < 0
    figure, ax = panel(size=(3.9, 3.1))
    colours = {"cmap": "RdBu_r", "vmin": -high} if signed else {"cmap": "viridis", "vmin": 0.0}
    image = ax.imshow(values, vmax=high, interpolation="nearest", **colours)
    if by is not None:
        groups = matrix[name].values
        for edge in np.flatnonzero(groups[1:] != groups[:-1]) + 0.5:
            ax.axhline(edge, color="black", lw=0.6)
            ax.axvline(edge, color="black", lw=0.6)
    ax.set(xlabel=f"{dim}, sorted by {name}", ylabel=dim)
    ax.set_xticks([])
    ax.set_yticks([])
    figure.colorbar(image, ax=ax, shrink=0.9, label=label(array))
    return figure


def _matrix(found: xr.Dataset) -> tuple[xr.DataArray, str]:
    for dim in ("unit", "trial"):
        for name, v in found.data_vars.items():
            if {dim, f"{dim}_to"} <= {*v.dims} and not str(name).startswith("n_"):
                return v, dim
    raise ValueError(
        f"pairs draws a matrix (unit, unit_to) or (trial, trial_to), got {list(found.data_vars)}."
    )
