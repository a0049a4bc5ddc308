"""The nearest rotation to a matrix, and the inverse root of a scatter matrix, with derivatives.

Both take NumPy's arrays (and then compute in NumPy) or JAX's. Derivatives are those of the matrix
functions, which stay finite where singular values are equal, unlike those of singular vectors.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.analysis.similarity.spectra import of_spectrum


def namespace(x: Any) -> Any:
    """NumPy for its own arrays, else `jax.numpy`."""
    return np if isinstance(x, np.ndarray) else jnp


def transposed(x: Any) -> Any:
    """Each matrix of a batch transposed."""
    return namespace(x).swapaxes(x, -1, -2)


def rotation_to(m: Any) -> Any:
    """The matrix Q with orthonormal rows or columns for which ``sum(Q * m)`` is largest.

    Directions in which `m` is 0 have no counterpart, so that Q leaves them out.

    Parameters
    ----------
    m
        Matrices ``(..., p, q)``.
    """
    if isinstance(m, np.ndarray):
        u, present, v = _singular(m)[:3]
        return (u * present[..., None, :]) @ v
    return _rotation_to(m)


@jax.custom_jvp
def _rotation_to(m):
    u, present, v, _ = _singular(m)
    return (u * present[..., None, :]) @ v


@_rotation_to.defjvp
def _rotation_to_jvp(primal, tangent):
    (m,), (change,) = primal, tangent
    u, present, v, sizes = _singular(m)
    u, v = u * present[..., None, :], v * present[..., :, None]
    rotation = u @ v
    inner = transposed(u) @ change @ transposed(v)
    turn = (inner - transposed(inner)) * _inverse(sizes[..., :, None] + sizes[..., None, :])
    inverse = _inverse(sizes)
    left = change @ transposed(v) - u @ inner
    right = transposed(u) @ change - inner @ v
    moved = u @ turn @ v + (left * inverse[..., None, :]) @ v + (u * inverse[..., None, :]) @ right
    return rotation, moved


def _singular(m: Any) -> tuple[Any, Any, Any, Any]:
    """Singular vectors and values, and which values are more than rounding (1, else 0)."""
    xp = namespace(m)
    u, sizes, v = xp.linalg.svd(m, full_matrices=False)
    present = sizes > sizes[..., :1] * max(m.shape[-2:]) * xp.finfo(m.dtype).eps
    present = present.astype(m.dtype)
    return u, present, v, sizes * present


def _inverse(x: Any) -> Any:
    """One over each number, 0 for 0."""
    xp = namespace(x)
    there = x > 0
    return xp.where(there, 1 / xp.where(there, x, 1), 0)


def inverse_root(scatter: Any) -> Any:
    """``scatter^(-1/2)`` of matrices ``(..., p, p)``; 0 along axes without variance."""
    if isinstance(scatter, np.ndarray):
        values, axes = np.linalg.eigh(scatter)
        return (axes * _inverse_roots(values)[..., None, :]) @ transposed(axes)
    return jnp.vectorize(partial(of_spectrum, _inverse_roots), signature="(n,n)->(n,n)")(scatter)


def _inverse_roots(values: Any) -> Any:
    """One over the roots of variances, smallest first; 0 for those that are rounding."""
    xp = namespace(values)
    there = values > values[..., -1:] * values.shape[-1] * xp.finfo(values.dtype).eps
    return xp.where(there, 1 / xp.sqrt(xp.where(there, values, 1)), 0)
