"""Dissimilarities of patterns: functions of arrays in JAX, which can be differentiated.

Patterns are ``(..., condition, feature)``, and the result is ``(..., condition, condition)``. A
dissimilarity is a kernel seen from outside: ``d_ij = k_ii + k_jj - 2 k_ij``.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Patterns = Float[Array, "*batch condition feature"]
Square = Float[Array, "*batch condition condition"]
Dissimilarity = Callable[[Patterns], Square]


def of_kernel(kernel: Square) -> Square:
    """Dissimilarities that belong to a kernel, which need not be symmetric."""
    own = kernel.diagonal(0, -2, -1)
    return own[..., :, None] + own[..., None, :] - kernel - kernel.swapaxes(-1, -2)


def _centred(x: Patterns) -> Patterns:
    """Without what all conditions share, which cancels, but costs digits."""
    return x - x.mean(axis=-2, keepdims=True)


def _products(x: Patterns, y: Patterns) -> Square:
    return x @ y.swapaxes(-1, -2)


def squared_euclidean(x: Patterns) -> Square:
    """Sum of squared differences."""
    x = _centred(x)
    return jnp.maximum(of_kernel(_products(x, x)), 0)


def euclidean(x: Patterns) -> Square:
    """Root of the sum of squared differences, with gradient 0 where patterns are equal."""
    squared = squared_euclidean(x)
    apart = squared > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1)), 0)


def cosine(x: Patterns) -> Square:
    """One minus the cosine of the angle of two patterns; 1 for patterns of zeros."""
    x = x / _positive(jax.lax.stop_gradient(jnp.abs(x).max(axis=-1, keepdims=True)))
    squared = jnp.sum(x**2, axis=-1, keepdims=True)
    x = x / jnp.sqrt(_positive(squared))
    near = _products(x, x)
    same = jnp.broadcast_to(jnp.eye(x.shape[-2], dtype=bool), near.shape)
    return jnp.where(same, 0, 1 - near)


def correlation(x: Patterns) -> Square:
    """One minus the correlation of two patterns over features; 1 for constant patterns."""
    return cosine(x - x.mean(axis=-1, keepdims=True))


def poisson(x: Patterns, rate: float = 1.0, weight: float = 0.1) -> Square:
    """Symmetric divergence of Poisson counts, after adding a prior of some rate and weight."""
    x = (x + rate * weight) / (1 + weight)
    return jnp.maximum(of_kernel(_products(_centred(x), _centred(jnp.log(x)))), 0)


def _positive(x: Array) -> Array:
    return jnp.where(x > 0, x, 1)


#: Dissimilarities of condition means, without noise and without a prior.
OF_MEANS: dict[str, Dissimilarity] = {
    "squared_euclidean": squared_euclidean,
    "euclidean": euclidean,
    "correlation": correlation,
    "cosine": cosine,
}
#: All dissimilarities by name; those that are not in `OF_MEANS` need trials or counts.
KINDS = (*OF_MEANS, "mahalanobis", "crossnobis", "poisson")
#: Those that go with the number of features, by which they may be divided.
SUMS = ("squared_euclidean", "mahalanobis", "crossnobis", "poisson")
