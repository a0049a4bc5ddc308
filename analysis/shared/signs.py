"""Signs of axes, which are arbitrary in most decompositions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def positive(axes: Any, along: int) -> Any:
    """The same axes with the largest entry of each positive; entries lie along an array axis."""
    xp = jnp if isinstance(axes, jax.Array) else np
    at = xp.expand_dims(xp.abs(axes).argmax(along), along)
    largest = xp.take_along_axis(axes, at, along)
    return axes * xp.where(largest < 0, -1, 1).astype(axes.dtype)
