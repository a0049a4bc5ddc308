"""Initial values of the published code, as functions ``(key, shape, dtype)``.

Leading axes beyond those of one parameter (one for each subject) get draws of their own.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.arrays import as_array


def _stable(key: PRNGKeyArray, n: int, dtype: Any) -> Float[Array, "unit unit"]:
    """``R' R / M + I`` with normal R, divided by its largest eigenvalue."""
    R = jax.random.normal(key, (n, n), dtype)
    K = R.T @ R / n + as_array(np.eye(n), dtype)  # by NumPy, which compiles nothing
    return K / jnp.linalg.eigvalsh(K)[-1]


def _each(draw, key, lead: tuple[int, ...]):
    """One draw, or one for each entry of the leading axes."""
    if not lead:
        return draw(key)
    return jax.vmap(lambda k: _each(draw, k, lead[1:]))(jax.random.split(key, lead[0]))


def stable_diagonal(key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any) -> Array:
    """The diagonal of a random positive definite matrix of spectral radius 1."""
    return _each(lambda k: jnp.diagonal(_stable(k, shape[-1], dtype)), key, shape[:-1])


def stable_off_diagonal(key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any) -> Array:
    """The rest of the matrix whose diagonal `stable_diagonal` gives for the same key."""

    def draw(k):
        K = _stable(k, shape[-1], dtype)
        return jnp.where(np.eye(len(K), dtype=bool), jnp.zeros_like(K), K)

    return _each(draw, key, shape[:-2])


def narrow_normal(key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any) -> Array:
    """Normal with standard deviation 0.01."""
    return 0.01 * jax.random.normal(key, shape, dtype)


def kaiming_normal(key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any) -> Array:
    """Normal with variance ``2 / fan_in`` of a matrix ``(post, pre)``."""
    return (2 / shape[-1]) ** 0.5 * jax.random.normal(key, shape, dtype)


def fan_in_uniform_rows(key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any) -> Array:
    """``U(-k, k)`` with ``k = fan_in**-0.5`` of a matrix ``(post, pre)``."""
    return uniform(shape[-1])(key, shape, dtype)


def turned(draw: Callable) -> Callable:
    """Weights ``(pre, post)`` from a draw of the ``(post, pre)`` of the papers.

    The draw has the shape of the papers, so that a seed gives the same network as in 0.1.
    """

    def drawn(key, shape, dtype):
        *lead, pre, post = shape
        return jnp.swapaxes(draw(key, (*lead, post, pre), dtype), -1, -2)

    return drawn


def uniform(fan_in: int):
    """``U(-k, k)`` with ``k = fan_in**-0.5``."""

    def draw(key, shape, dtype):
        k = max(fan_in, 1) ** -0.5
        return jax.random.uniform(key, shape, dtype, -k, k)

    return draw
