"""Scales of excitatory and inhibitory weights, such that they cancel or fill the unit disc."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# One program each, when they are computed outside of a program.


@partial(jax.jit, static_argnames=("signs", "sizes"), inline=True)
def cancelling(
    magnitudes: Float[Array, "pre post"], signs: tuple[float, ...], sizes: tuple[int, ...]
) -> Float[Array, " pre"]:
    """Factors of rows that make inhibition sum to the same as excitation, whose factors are 1.

    Parameters
    ----------
    magnitudes
        Weights without their signs.
    signs
        +1 or -1 for each row.
    sizes
        Number of rows in each area. Each area cancels by itself, or the whole matrix where one has
        rows of one sign only.
    """
    sign = np.asarray(signs)
    area = np.repeat(np.arange(len(sizes)), sizes)
    if any(len(set(sign[area == a])) == 1 for a in set(area)):
        area = np.zeros_like(area)
    total = jnp.sum(magnitudes, axis=1)
    factor = jnp.ones_like(total)
    for a in sorted(set(area)):
        plus, minus = (jnp.sum(total[(area == a) & (sign == s)]) for s in (1, -1))
        ratio = jnp.where((plus > 0) & (minus > 0), plus / _nonzero(minus), 1)
        factor = jnp.where((area == a) & (sign < 0), ratio, factor)
    return factor


@partial(jax.jit, static_argnames=("signs", "sizes"), inline=True)
def unit_disc(
    magnitudes: Float[Array, "pre post"], signs: tuple[float, ...], sizes: tuple[int, ...]
) -> Float[Array, " pre"]:
    """Factors of rows after which weights cancel and the bulk of their eigenvalues has radius 1.

    Entries are taken as independent draws around the mean of the rows of their sign in their block
    of areas, with the zeros of masks among them. The squared radius is then the largest eigenvalue
    of the matrix of variances. It equals the sum of the variances of the rows where there is one
    area (Rajan & Abbott 2006). Where all rows have one sign nothing cancels, and the single
    outlying eigenvalue, which is that of the means, is brought to 1.

    Parameters
    ----------
    magnitudes, signs, sizes
        As for :func:`cancelling`.
    """
    factor = cancelling(magnitudes, signs, sizes)
    scaled = factor[:, None] * magnitudes
    rows = np.repeat(np.arange(len(sizes)), sizes)
    columns = rows
    if magnitudes.shape[1] != len(rows):  # one block, such as the weights between two areas
        rows, columns = np.zeros_like(rows), np.zeros(magnitudes.shape[1], int)
    if len(set(signs)) == 1:
        return factor / _nonzero(_largest_eigenvalue(scaled, rows, columns))
    group = np.unique(2 * rows + (np.asarray(signs) > 0), return_inverse=True)[1]
    centred = scaled - _block_means(scaled, group, columns)[group][:, columns]
    squared = _largest_eigenvalue(jnp.square(centred), rows, columns)
    # Magnitudes that are all alike have no variance but that of rounding.
    least = 1e-9 * _largest_eigenvalue(jnp.square(scaled), rows, columns)
    return jnp.where(squared > least, factor / jnp.sqrt(_nonzero(squared)), factor)


def _nonzero(x: Float[Array, ""]) -> Float[Array, ""]:
    return jnp.where(x > 0, x, jnp.ones_like(x))


def _block_means(x: Float[Array, "pre post"], rows: np.ndarray, columns: np.ndarray) -> Array:
    """Mean of each block, for rows and columns numbered by their group."""

    def averaging(group):
        member = group == np.arange(group.max() + 1)[:, None]
        return jnp.asarray(member / member.sum(axis=1, keepdims=True), x.dtype)

    return averaging(rows) @ x @ averaging(columns).T


def _largest_eigenvalue(
    x: Float[Array, "pre post"], rows: np.ndarray, columns: np.ndarray
) -> Float[Array, ""]:
    """Largest eigenvalue of a non-negative matrix whose entries are replaced by block means."""
    matrix = _block_means(x, rows, columns) * jnp.asarray(np.bincount(rows), x.dtype)[:, None]
    if len(matrix) == 1:
        return matrix[0, 0]
    # Gelfand's formula, the k-th root of the norm of the k-th power, for k = 2^20.
    log_norm = jnp.zeros((), x.dtype)
    for _ in range(20):
        norm = _nonzero(jnp.max(matrix))
        matrix = matrix / norm
        matrix, log_norm = matrix @ matrix, 2 * (log_norm + jnp.log(norm))
    norm = jnp.max(matrix)
    return jnp.where(norm > 0, jnp.exp((log_norm + jnp.log(_nonzero(norm))) / 2**20), 0)
