"""Intervals of means over seeds or trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import results
from neurodyn.labels import LabelError
from neurodyn.labels.only import takes

_LEAST = 2


@takes(values=[])
def bootstrap(
    values: xr.DataArray,
    dim: str = "seed",
    *,
    level: float | int = 0.95,
    n_draws: int = 2000,
    key: Any = 0,
) -> xr.Dataset:
    """Mean along a dim and its percentile interval, by drawing members with replacement.

    The same members are drawn for all other labels (paired), so that differences of means can be
    judged from ``draws``.

    Parameters
    ----------
    values
        Numbers; NaN members are left out of the means they belong to.
    dim
        The dim whose members are drawn, such as seeds or trials.
    level
        Coverage of the interval.
    n_draws
        Number of draws.
    key
        Seed or JAX key of the draws.

    Returns
    -------
    Dataset: ``mean``, ``low``, ``high``, and ``draws`` with the dim ``draw`` besides. Intervals
    from few members (5 to 10) are somewhat too narrow.

    Raises
    ------
    LabelError, ValueError
        If there is no such dim or it has fewer than two members, or `level` is not in (0, 1).

    References
    ----------
    Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if dim not in values.dims:
        raise LabelError(f"there is no dim {dim!r} to draw from, only {values.dims}.")
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    if n_draws < 1:
        raise ValueError(f"`n_draws` must be at least 1, got {n_draws}.")
    array = np.moveaxis(values.values.astype(np.float64), values.dims.index(dim), 0)
    n = array.shape[0]
    if n < _LEAST:
        raise ValueError(f"An interval needs at least {_LEAST} members of {dim!r}, got {n}.")
    chosen = generator(key, needed_for="A bootstrap").integers(0, n, (n_draws, n))
    # Number of times each member was drawn, so that means are one product, without copies.
    weight = np.stack([np.bincount(row, minlength=n) for row in chosen]).astype(np.float64)
    flat = array.reshape(n, -1)
    there = np.isfinite(flat)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = (weight @ np.where(there, flat, 0)) / (weight @ there)
        mean = np.where(there, flat, 0).sum(0) / there.sum(0)
    shape = array.shape[1:]
    ends = (1 - level) / 2
    # A draw of NaN members only is NaN, and is left out.
    low, high = known_quantiles(draws, (ends, 1 - ends))
    dims = tuple(str(d) for d in values.dims if d != dim)
    units = str(values.attrs.get("units", "1"))
    name = str(values.attrs.get("long_name", values.name or "value"))
    variables = {
        "mean": (dims, mean.reshape(shape), units, f"{name}, mean"),
        "low": (dims, low.reshape(shape), units, f"{name}, lower end of the interval"),
        "high": (dims, high.reshape(shape), units, f"{name}, upper end of the interval"),
    }
    drawn = xr.Variable(("draw", *dims), draws.reshape(n_draws, *shape))
    drawn = drawn.transpose(*labels.ordered(drawn.dims))
    variables["draws"] = (drawn.dims, drawn.values, units, f"{name}, drawn means")
    coords = {d: values[d] for d in dims if d in values.coords}
    own = [d for d in dims if d not in labels.DIMS]
    return results(variables, coords, dims=own, values=False, level=float(level), n=n, over=dim)


def known_quantiles(draws: np.ndarray, ends: Sequence[float]) -> tuple[np.ndarray, ...]:
    """Quantiles over the first axis without NaN; NaN where there is nothing else."""
    empty = np.isnan(draws).all(0)
    kept = np.where(empty, 0.0, draws)
    return tuple(np.where(empty, np.nan, np.nanquantile(kept, end, axis=0)) for end in ends)


def known_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean over the values that are finite; NaN where there are none."""
    there = np.isfinite(values)
    count = there.sum(axis)
    total = np.where(there, values, 0).sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
