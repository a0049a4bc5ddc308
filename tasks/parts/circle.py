"""Directions: what a ring of units shows and says, and how far two directions are apart."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

__all__ = ["apart", "bump", "degrees_apart", "direction_of"]


def direction_of(ring: Float[Array, "*trial channel"]) -> Float[Array, "*trial"]:
    """Direction of the population vector of a ring, or of cosine and sine [deg], from 0 to 360."""
    n = ring.shape[-1]
    if n == 2:
        cosine, sine = ring[..., 0], ring[..., 1]
    else:
        preferred = np.arange(n) * (2 * np.pi / n)
        cosine, sine = (ring @ jnp.asarray(f(preferred), ring.dtype) for f in (np.cos, np.sin))
    return jnp.arctan2(sine, cosine) * (180 / np.pi) % 360


def bump(away: Float[Array, " unit"], spread: Any, peak: Any) -> Float[Array, " unit"]:
    """Responses of units whose preferred directions are ``away`` from the one shown."""
    return peak * jnp.exp(-jnp.square(away / spread) / 2)


def apart(
    a: Float[Array, "..."], b: Float[Array, "..."], turn: float = 2 * np.pi
) -> Float[Array, "..."]:
    """Angle between two directions, from 0 to half a turn; ``turn`` is 360 for degrees."""
    return jnp.abs((a - b + turn / 2) % turn - turn / 2)


def degrees_apart(a: Float[Array, "..."], b: Float[Array, "..."]) -> Float[Array, "..."]:
    """Angle between two directions [deg], from 0 to 180."""
    return apart(a, b, 360)
