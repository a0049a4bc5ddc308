"""Cross-validated squared distances: products of differences from independent measurements.

The noise of a measurement adds to a squared distance, but not to the product of the differences
that two independent measurements give. The mean of the products over all pairs of different folds
follows from sums over folds, ``sum_fg d_f d_g = (sum_f d_f)^2 - sum_f d_f^2``.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neurodyn.analysis.representations.dissimilarities import of_kernel

Square = Float[Array, "*batch condition condition"]


def of_folds(x: Any) -> Any:
    """Cross-validated squared distances, where each fold has all conditions.

    Parameters
    ----------
    x
        Mean of each condition in each fold ``(..., fold, condition, feature)``, whitened where the
        noise is correlated; of JAX or of NumPy, in which the result is computed.
    """
    n = x.shape[-3]
    # What all conditions of a fold share cancels, but costs digits.
    x = x - x.mean(axis=-2, keepdims=True)
    total = x.sum(axis=-3)
    within = (x @ x.swapaxes(-1, -2)).sum(axis=-3)
    return of_kernel(total @ total.swapaxes(-1, -2) - within) / (n * (n - 1))


def of_some_folds(
    x: Float[Array, "fold condition feature"],
    present: Bool[Array, "fold condition"] | Bool[np.ndarray, "fold condition"],
) -> Square:
    """Cross-validated squared distances, where folds lack conditions.

    For two conditions, products are averaged over the ordered pairs of folds that have both, so
    that offsets of a fold cancel; NaN where there are fewer than two such folds.
    """
    there = jnp.asarray(present, x.dtype)
    number = jnp.maximum(there.sum(axis=1), 1)[:, None, None]
    x = jnp.where(there[..., None] > 0, x, 0)
    x = (x - x.sum(axis=1, keepdims=True) / number) * there[..., None]
    first, second = (jnp.asarray(i) for i in np.triu_indices(x.shape[0], 1))

    def add(total, folds):
        f, g = folds
        both = there[f] * there[g]
        return total + both[:, None] * both[None, :] * of_kernel(x[f] @ x[g].T), None

    zero = jnp.zeros((x.shape[1], x.shape[1]), x.dtype)
    total, _ = jax.lax.scan(add, zero, (first, second))
    shared = there.T @ there
    pairs = shared * (shared - 1) / 2
    found = jnp.where(pairs > 0, total / jnp.where(pairs > 0, pairs, 1), jnp.nan)
    return jnp.where(jnp.eye(x.shape[1], dtype=bool), 0, found)


def of_trials(x: Float[Array, "trial feature"], codes: Int[Array, " trial"], n: int) -> Square:
    """Cross-validated squared distances, where each trial is a fold of its own.

    Parameters
    ----------
    x
        Trials, whitened where the noise is correlated.
    codes
        Condition of each trial, `n` for one that does not count; each condition has two at least.
    n
        Number of conditions.
    """
    x = x - x.mean(axis=0, keepdims=True)
    total = jax.ops.segment_sum(x, codes, num_segments=n + 1)[:-1]
    counts = jax.ops.segment_sum(jnp.ones(codes.shape, x.dtype), codes, num_segments=n + 1)[:-1]
    squares = jax.ops.segment_sum(jnp.sum(x**2, axis=1), codes, num_segments=n + 1)[:-1]
    means = total / counts[:, None]
    kernel = means @ means.T
    # Of its own squared mean, a condition takes the products of different trials only.
    own = (jnp.sum(total**2, axis=1) - squares) / (counts * (counts - 1))
    off = 1 - jnp.eye(n, dtype=x.dtype)
    return of_kernel(kernel * off + jnp.diag(own))
