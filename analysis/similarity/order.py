"""Order statistics of many distances without sorting them.

A null has hundreds of matrices of distances, and sorting one takes longer than all else. The bits
of numbers that are not negative have the order of the numbers, so that a statistic can be found bit
by bit, each by counting.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

Square = Float[Array, "n n"]
Count = Callable[[Bool[Array, "n n"]], Int[Array, "*result"]]


def by_counting(values: Square, rank: int, count: Count) -> Float[Array, "*result"]:
    """Find the value that has `rank` values before it in their order.

    Parameters
    ----------
    values
        Not negative; they may be infinite.
    rank
        0: the smallest.
    count
        Number of the values marked, for each of the results; its shape fits to the values.

    Returns
    -------
    As many as `count` gives; without derivative.
    """
    values = jax.lax.stop_gradient(values)
    word = jnp.int64 if values.dtype == jnp.float64 else jnp.int32
    bits = jax.lax.bitcast_convert_type(values, word)
    highest = jnp.iinfo(word).bits - 2  # the one above is the sign

    def next_bit(i, found):
        # The bits below this one are set, so that all numbers are counted that begin like it.
        below = (jnp.ones((), word) << (highest - i.astype(word))) - 1
        enough = count(bits <= (found | below)) > rank
        return jnp.where(enough, found, found | (below + 1))

    start = jnp.zeros(jax.eval_shape(count, values == 0).shape, word)
    found = jax.lax.fori_loop(0, highest + 1, next_bit, start)
    return jax.lax.bitcast_convert_type(found, values.dtype)


def in_columns(marked: Bool[Array, "n n"]) -> Int[Array, "1 n"]:
    """Number of values marked in each column."""
    return jnp.sum(marked, axis=0, keepdims=True, dtype=jnp.int32)


def median_of_pairs(distances: Square) -> Float[Array, ""]:
    """Median of the distances of different samples.

    Parameters
    ----------
    distances
        Symmetric, not negative, 0 on the diagonal.

    Returns
    -------
    The median; its derivative is that of the pairs that have it.
    """
    n = len(distances)
    n_pairs = n * (n - 1) // 2

    def pairs(marked):
        # The diagonal is always marked, and every pair is there twice.
        return (in_columns(marked).sum() - n) // 2

    values = jax.lax.stop_gradient(distances)
    low = by_counting(values, (n_pairs - 1) // 2, pairs)
    above = jnp.min(jnp.where(values > low, values, jnp.inf))
    high = jnp.where(pairs(values <= low) > n_pairs // 2, low, above)
    return sum(_with_derivative(at, values == at, distances) for at in (low, high)) / 2


def _with_derivative(value, where: Bool[Array, "n n"], distances: Square) -> Float[Array, ""]:
    """A value with the mean of the derivatives of the distances that are equal to it."""
    changes = jnp.where(where, distances - jax.lax.stop_gradient(distances), 0)
    return value + changes.sum() / jnp.maximum(where.sum(dtype=value.dtype), 1)
