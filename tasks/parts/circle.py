"""Directions: what a ring of units says, and how far two of them are apart."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

__all__ = ["degrees_apart", "direction_of"]


def direction_of(ring: Float[Array, "*trial channel"]) -> Float[Array, "*trial"]:
    """Direction of the population vector of a ring, or of cosine and sine [deg], from 0 to 360."""
    n = ring.shape[-1]
    if n == 2:
        cosine, sine = ring[..., 0], ring[..., 1]
    else:
        preferred = np.arange(n) * (2 * np.pi / n)
        cosine, sine = (ring @ jnp.asarray(f(preferred), ring.dtype) for f in (np.cos, np.sin))
    return jnp.arctan2(sine, cosine) * (180 / np.pi) % 360


def degrees_apart(a: Float[Array, "..."], b: Float[Array, "..."]) -> Float[Array, "..."]:
    """Angle between two directions [deg], from 0 to 180."""
    return jnp.abs((a - b + 180) % 360 - 180)
