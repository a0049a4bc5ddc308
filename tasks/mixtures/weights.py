"""Relative frequencies, and drawing by them."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import numbers


def frequencies(weights: Any, n: int, of: str) -> Float[Array, " choice"]:
    """Check relative frequencies.

    Parameters
    ----------
    weights
        One number for each choice; None: all are equally frequent.
    n
        How many choices there are.
    of
        What there is one number for, in words.

    Raises
    ------
    ValueError
        If they are not one number for each choice, or none is above 0.
    """
    found = numbers("weights", np.ones(n) if weights is None else weights, low=0)
    if found.shape != (n,) or not np.any(np.asarray(found) > 0):
        raise ValueError(
            f"`weights` must be {n} numbers, one for each {of}, and one of them above 0, got "
            f"{np.asarray(found).tolist()}."
        )
    return found


def drawn(
    weights: Float[Array, "*batch choice"], u: Float[Array, "*batch"]
) -> Int[Array, "*batch"]:
    """The choice that a uniform number in [0, 1) draws; one of weight 0 never is."""
    sums = jnp.cumsum(weights, axis=-1)
    below = sums[..., :-1] <= (u * sums[..., -1])[..., None]
    return jnp.sum(below, axis=-1, dtype=jnp.int32)
