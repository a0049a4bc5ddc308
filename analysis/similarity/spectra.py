"""Functions of eigenvalues and singular values whose derivatives are finite.

Those of JAX divide by differences of eigenvalues, which may be 0: at equal populations all
canonical correlations are 1, and units that repeat each other leave eigenvalues at 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Square = Float[Array, "n n"]
Matrix = Float[Array, "rows columns"]
Values = Float[Array, " n"]


def present(values: Values, size: int) -> Bool[Array, " n"]:
    """Which eigenvalues of a product of data are more than rounding, for data of that size."""
    return values > values.max() * size * jnp.finfo(values.dtype).eps


def rounded(values: Values, size: int) -> Values:
    """Eigenvalues of a product of data of that size, those of rounding set to 0."""
    return jnp.where(present(values, size), values, 0)


def root(values: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The square root, with the derivative 0 where it is 0 (and 0 of rounding below 0)."""
    positive = values > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, values, 1)), jnp.minimum(values, 0) * 0)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def of_spectrum(function: Callable[[Values], Values], matrix: Square) -> Square:
    """The symmetric matrix with the same eigenvectors and the function of the eigenvalues.

    Parameters
    ----------
    function
        Of all eigenvalues, smallest first. Which of them it keeps may depend on all of them; its
        derivative counts each by itself.
    matrix
        Symmetric.
    """
    values, axes = jnp.linalg.eigh(matrix)
    return (axes * function(values)[None, :]) @ axes.T


@of_spectrum.defjvp
def _of_spectrum_jvp(function, primals, tangents):
    values, axes = jnp.linalg.eigh(*primals)
    found, slope = jax.jvp(function, (values,), (jnp.ones_like(values),))
    # The derivative between two eigenvalues is the slope of the line through them; of two that are
    # almost equal it is the mean of their derivatives, with an error of the same order as rounding.
    apart = values[:, None] - values[None, :]
    near = jnp.finfo(values.dtype).eps ** (1 / 3) * (abs(values)[:, None] + abs(values)[None, :])
    close = abs(apart) <= near
    mean = (slope[:, None] + slope[None, :]) / 2
    slopes = jnp.where(close, mean, (found[:, None] - found[None, :]) / jnp.where(close, 1, apart))
    change = axes @ (slopes * (axes.T @ tangents[0] @ axes)) @ axes.T
    return (axes * found[None, :]) @ axes.T, change


@jax.custom_jvp
def nuclear_norm(matrix: Matrix) -> Float[Array, ""]:
    """Sum of the singular values."""
    return jnp.linalg.svd(matrix, compute_uv=False).sum()


@nuclear_norm.defjvp
def _nuclear_norm_jvp(primals, tangents):
    # The orthogonal part of the matrix is a derivative even where singular values are equal or 0.
    u, values, v = jnp.linalg.svd(*primals, full_matrices=False)
    return values.sum(), jnp.sum((u @ v) * tangents[0])


@jax.custom_jvp
def left_singular(matrix: Matrix) -> tuple[Square, Values]:
    """Left singular vectors and singular values of a matrix with no more rows than columns."""
    u, values, _ = jnp.linalg.svd(matrix, full_matrices=False)
    return u, values


@left_singular.defjvp
def _left_singular_jvp(primals, tangents):
    u, values, v = jnp.linalg.svd(*primals, full_matrices=False)
    change = u.T @ tangents[0] @ v.T
    apart = values[None, :] ** 2 - values[:, None] ** 2
    # Vectors of equal singular values are not determined, so their turning is left out.
    close = jnp.abs(apart) <= jnp.sqrt(jnp.finfo(values.dtype).eps) * values.max() ** 2
    rate = jnp.where(close, 0, 1 / jnp.where(close, 1, apart))
    turn = rate * (change * values[None, :] + values[:, None] * change.T)
    return (u, values), (u @ turn, jnp.diagonal(change))
