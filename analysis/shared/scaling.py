"""Scale and offset of data, taken out before products are formed.

Most measures ignore the unit of measurement and the offset of their data, but float32 does not: it
loses a small signal on a large offset, and the squares of large and small numbers.
"""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

#: Samples whose products are summed at once.
BLOCK = 4096
#: Scores in float32 that differ by less are taken as equal.
ROUNDING = 4e-6


def balanced(values: ArrayLike) -> np.ndarray:
    """Centre each unit (last axis) on its mean, and divide all by one scale, in float64.

    JAX computes in float32, which loses a small signal on a large offset, and fourth powers of
    large or small numbers. Measures that ignore offsets and the overall scale are computed from the
    result. Units that do not vary become exactly 0; NaN stays NaN.
    """
    return balanced_by(values)[0]


def balanced_by(values: ArrayLike) -> tuple[np.ndarray, float]:
    """Return the result of `balanced`, and the scale that it divided by."""
    x = np.asarray(values, np.float64)
    x = _around_mean(x, tuple(range(x.ndim - 1)))
    scale = float(np.nan_to_num(np.abs(x)).max(initial=0)) or 1.0
    return x / scale, scale


def standardised(values: ArrayLike, over: int | tuple[int, ...]) -> np.ndarray:
    """Deviations from the mean over some axes, divided by the largest of them, in float64.

    Each unit (bin, channel) has its own scale, so that those of small numbers beside large ones
    keep squares that float32 can hold. What does not vary becomes exactly 0; NaN stays NaN.
    """
    x = _around_mean(np.asarray(values, np.float64), over)
    size = np.nan_to_num(np.abs(x)).max(axis=over, keepdims=True, initial=0)
    return x / np.where(size > 0, size, 1)


def soft_normalised(
    x: Float[np.ndarray, "row time unit"], soft: float
) -> Float[np.ndarray, "row time unit"]:
    """Each unit divided by its range plus a constant, so that weak units count less.

    Raises
    ------
    ValueError
        If the constant is negative or not finite, or 0 while units are constant.
    """
    span = np.ptp(x, axis=(0, 1)) + soft
    if not np.isfinite(soft) or soft < 0 or (span == 0).any():
        raise ValueError(
            f"soft must be at least 0, and above 0 where units are constant; got {soft}, and "
            f"{int((span == 0).sum())} constant units."
        )
    return x / span


def _around_mean(x: np.ndarray, over: int | tuple[int, ...]) -> np.ndarray:
    there = ~np.isnan(x)
    # Subtract a value that occurs first, because the rounded mean of a constant would not leave 0.
    low = np.where(there, x, np.inf).min(axis=over, keepdims=True, initial=np.inf)
    x = x - np.where(np.isfinite(low), low, 0)
    number = np.maximum(there.sum(axis=over, keepdims=True), 1)
    return x - np.where(there, x, 0).sum(axis=over, keepdims=True) / number


def warn_if_lost(values: ArrayLike, *, what: str, stacklevel: int = 3) -> None:
    """Warn where the precision of JAX holds less than three digits of what varies in each unit."""
    x = np.asarray(values)
    apart = np.ptp(np.nan_to_num(x), axis=tuple(range(x.ndim - 1)))
    step = np.spacing(np.abs(np.nan_to_num(x)).astype(jnp.result_type(float)))
    coarse = (apart > 0) & (step.max(axis=tuple(range(x.ndim - 1))) > 1e-3 * apart)
    if coarse.any():
        warnings.warn(
            f"{coarse.sum()} units of {what} vary little around large values, of which "
            f"{jnp.result_type(float)} keeps less than three digits: subtract their mean first, or "
            "compute in double precision (jax.config.update('jax_enable_x64', True)).",
            stacklevel=stacklevel,
        )


def centred(x: Float[Array, "sample unit"]) -> Float[Array, "sample unit"]:
    """Subtract the mean over samples; constant units become exactly 0."""
    x = x - x[:1]
    return x - x.mean(axis=0, keepdims=True)


def normed(x: Float[Array, "sample unit"]) -> Float[Array, "sample unit"]:
    """Centred samples, divided by the largest, for measures that do not depend on the scale.

    Their fourth powers neither overflow nor underflow float32. The gradient of the scale is left
    out, because a measure that ignores the scale has none along it.
    """
    return normed_by(x)[0]


def normed_by(x: Float[Array, "sample unit"]) -> tuple[Float[Array, "sample unit"], Array]:
    """Return the result of `normed`, and the scale that it divided by (1 where nothing varies)."""
    x = centred(x)
    size = jax.lax.stop_gradient(jnp.abs(x).max())
    size = jnp.where(size > 0, size, 1)
    return x / size, size


def products(
    x: Float[Array, "sample unit"], y: Float[Array, "sample other"]
) -> Float[Array, "unit other"]:
    """``x'y`` of any number of samples, summed in blocks.

    A sum of a million products, one after the other, is off by 1e-3 in float32.
    """
    n = x.shape[0] // BLOCK
    if n < 2:
        return x.T @ y
    blocks = (v[: n * BLOCK].reshape(n, BLOCK, v.shape[1]) for v in (x, y))
    return jnp.einsum("nsu,nso->nuo", *blocks).sum(axis=0) + x[n * BLOCK :].T @ y[n * BLOCK :]
