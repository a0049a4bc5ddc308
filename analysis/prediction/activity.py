"""Two populations of the same conditions and times, as arrays."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import matrix, same_rows

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


def _activity(x: ArrayLike, what: str) -> Activity:
    shape = np.shape(x)
    if len(shape) != 3:
        raise ValueError(f"{what} must be (condition, time, unit), got shape {shape}.")
    flat = x if isinstance(x, jax.core.Tracer) else np.asarray(x)
    return matrix(flat.reshape(-1, shape[2]), what=what).reshape(shape)
