"""Correlation of each unit with another version of it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Activity = Float[Array, "condition time unit"]


def pearson(a: Activity, b: Activity) -> Float[Array, " unit"]:
    """Correlation of each unit over conditions and times; NaN where one side is constant."""
    # Compared, not subtracted: a constant minus its rounded mean need not be 0.
    varies = jnp.logical_and(*((v.max(axis=(0, 1)) > v.min(axis=(0, 1))) for v in (a, b)))
    a, b = _deviations(a), _deviations(b)
    power = jnp.sum(a**2, axis=(0, 1)) * jnp.sum(b**2, axis=(0, 1))
    r = jnp.sum(a * b, axis=(0, 1)) / jnp.sqrt(jnp.where(varies, power, 1))
    return jnp.where(varies, r, jnp.nan)


def _deviations(x: Activity) -> Activity:
    """Deviations of each unit from its mean, the largest of size 1: squares stay in float32."""
    x = x - x[:1, :1]
    x = x - x.mean(axis=(0, 1), keepdims=True)
    # A correlation ignores the scale, and so has no derivative along it.
    size = jax.lax.stop_gradient(jnp.abs(x).max(axis=(0, 1), keepdims=True))
    return x / jnp.where(size > 0, size, 1)
