"""Two populations of the same conditions and times, as arrays."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import matrix, paired_rows, same_rows
from neurodyn.analysis.shared.moments import streams
from neurodyn.labels.check_values import is_chunked
from neurodyn.signals.chunked import chunked

Activity = Float[Array, "condition time unit"]


def predictor_pair(x: Any, y: Any) -> tuple[Activity, Activity]:
    """Check predictors and what they predict, matched by label where both have labels.

    Raises
    ------
    ValueError
        If they are not ``(condition, time, unit)``, of the same conditions and times, or hold NaN.
    """
    x, y = same_rows(x, y)
    x, y = _activity(x, "x"), _activity(y, "y")
    if x.shape[:2] != y.shape[:2]:
        raise ValueError(
            f"x is {x.shape} and y is {y.shape}: both need the same conditions and times."
        )
    return x, y


def chunked_pair(x: Any, y: Any) -> tuple[xr.DataArray, xr.DataArray] | None:
    """The two populations if they are to be read chunk by chunk, matched by label; else None.

    Raises
    ------
    ValueError
        As `predictor_pair`.
    """
    labelled = isinstance(x, xr.DataArray) and isinstance(y, xr.DataArray)
    x, y = (chunked(v) if isinstance(v, xr.DataArray) else v for v in (x, y))
    if not (is_chunked(x) or is_chunked(y)):
        return None
    x, y = paired_rows(x, y)
    sides = [v if isinstance(v, xr.DataArray) else _by_position(v) for v in (x, y)]
    for side, name in zip(sides, "xy", strict=True):
        if side.ndim != 3:
            raise ValueError(f"{name} must be (condition, time, unit), got shape {side.shape}.")
    if not labelled:
        sides = [xr.DataArray(v.data, dims=("condition", "time", "unit")) for v in sides]
    first, second = sides
    if first.shape[:2] != second.shape[:2]:
        raise ValueError(
            f"x is {first.shape} and y is {second.shape}: both need the same conditions and times."
        )
    return (first, second) if streams(first, second) else None


def _by_position(values: Any) -> xr.DataArray:
    return xr.DataArray(values if is_chunked(values) else np.asarray(values))


def _activity(x: ArrayLike, what: str) -> Activity:
    shape = np.shape(x)
    if len(shape) != 3:
        raise ValueError(f"{what} must be (condition, time, unit), got shape {shape}.")
    flat = x if isinstance(x, jax.core.Tracer) else np.asarray(x)
    return matrix(flat.reshape(-1, shape[2]), what=what).reshape(shape)
