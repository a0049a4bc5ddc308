"""Sums and means over the entries that a mask counts."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float


def masked_sum(
    x: Float[Array, "..."], mask: Float[Array, "..."], axis: Any = None
) -> Float[Array, "..."]:
    """Sum with weights; entries of weight 0 may be NaN, because targets may be unknown there.

    Parameters
    ----------
    x
        Numbers.
    mask
        Their weights, at least 0, of the same shape.
    axis
        Axis to sum over; None: all.
    """
    return jnp.sum(jnp.where(mask > 0, mask * x, jnp.zeros_like(x)), axis)


def masked_mean(x: Float[Array, "..."], mask: Float[Array, "..."]) -> Float[Array, ""]:
    """Mean over entries of weight 1, as :func:`masked_sum`; 0 where there are none."""
    return masked_sum(x, mask) / jnp.maximum(jnp.sum(mask), 1)


def masked_mean_square(
    difference: Float[Array, "..."], mask: Float[Array, "..."]
) -> Float[Array, ""]:
    """Mean square over entries of weight 1; NaN elsewhere reaches neither it nor its gradient."""
    # Masked before the square: the derivative of a masked square is 0 times NaN.
    counted = jnp.where(mask > 0, difference, jnp.zeros_like(difference))
    return masked_mean(jnp.square(counted), mask)
