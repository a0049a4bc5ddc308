"""Angles between subspaces, and their values by chance."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float
from scipy.linalg import subspace_angles

from neurodyn import labels
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.labels.only import takes


@takes(a=["unit"], b=["unit"])
def principal_angles(
    a: xr.DataArray | Float[np.ndarray, "unit m"] | Float[Array, "unit m"],
    b: xr.DataArray | Float[np.ndarray, "unit n"] | Float[Array, "unit n"],
) -> Float[np.ndarray, " angle"]:
    """Principal angles between the spans of two sets of vectors [degrees], the smallest first.

    Parameters
    ----------
    a, b
        Vectors as columns, each set linearly independent: arrays, or labelled with the dim `unit`
        and one more.

    Raises
    ------
    ValueError
        If the vectors have different lengths, are not finite or not independent.

    References
    ----------
    Björck & Golub, Math. Comput. 1973.
    """
    if isinstance(a, xr.DataArray) and isinstance(b, xr.DataArray):
        a, b = labels.pair(
            a.transpose("unit", ...),
            b.transpose("unit", ...),
            "unit",
            what=("matrix a", "matrix b"),
        )
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b):
        raise ValueError(f"Vectors must be columns of equal length, got {a.shape} and {b.shape}.")
    for name, vectors in (("a", a), ("b", b)):
        if not np.isfinite(vectors).all():
            raise ValueError(f"`{name}` holds NaN or infinite values.")
    a, b = _directions(a), _directions(b)
    for name, vectors in (("a", a), ("b", b)):
        if np.linalg.matrix_rank(vectors) < vectors.shape[1]:
            raise ValueError(f"The {vectors.shape[1]} vectors of `{name}` are not independent.")
    return np.sort(np.degrees(subspace_angles(a, b)))


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Columns of length 1, because the rank of columns of different lengths is judged wrongly."""
    largest = np.abs(vectors).max(axis=0, keepdims=True)
    vectors = vectors / np.where(largest > 0, largest, 1)
    length = np.linalg.norm(vectors, axis=0, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def random_angles(
    n_units: int, m: int, n: int, *, n_draws: int = 1000, key: Any
) -> Float[np.ndarray, "draw angle"]:
    """Principal angles between random spans, for comparison [degrees].

    In many dimensions random spans are nearly orthogonal, so an angle between two populations means
    something only if it lies outside the range of these.

    Parameters
    ----------
    n_units, m, n
        Dimension of the space and of the two spans.
    n_draws
        Number of pairs.
    key
        Seed or key.
    """
    for name, value in {"n_units": n_units, "m": m, "n": n, "n_draws": n_draws}.items():
        whole(name, value)
    key = as_key(key, needed_for="Random spans")
    # Rotating both spans leaves their angles unchanged, so one of them can be the first axes.
    draws = np.asarray(jax.random.normal(key, (n_draws, n_units, n)), np.float64)
    q = np.linalg.qr(draws)[0][:, :m]
    cosines = np.clip(np.linalg.svd(q, compute_uv=False), 0, 1)
    return np.sort(np.degrees(np.arccos(cosines)), axis=1)
