"""Autocovariance and covariance of activity that comes in chunks of time, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from neurodyn.analysis.shared.results import coords_of, described
from neurodyn.analysis.timescales.chunks import Chunk, Reading, Seen, read_chunk
from neurodyn.common.checks import check_whole
from neurodyn.common.reprs import brief
from neurodyn.labels import LabelError

Reference = Float[Array, "trial unit"] | Float[np.ndarray, "trial unit"]


class LagSums(eqx.Module):
    """Running sums from which the autocovariance of every unit follows.

    Exact, not an average over chunks: products reach from one chunk into the next, and each trial's
    mean over the whole run is subtracted at the end. Memory is that of `max_lag` samples and of the
    transform of one chunk.

    Parameters
    ----------
    first
        The first chunk, of `max_lag` samples at least: a DataArray with the dims time, trial and
        unit, or an array in this order. Chunks with labels must follow each other in time; their
        trials and units are paired by label with those of the first.
    max_lag
        Longest lag, in samples.

    Raises
    ------
    LabelError
        If trials, units or step of a chunk differ from the first, or it does not start where the
        one before ended.
    ValueError
        If a chunk is shorter than that, or `max_lag` is no whole number above 0.
    """

    max_lag: int = eqx.field(static=True)
    n: int
    reference: Reference
    scale: Float[np.ndarray, " unit"]
    total: Float[np.ndarray, "trial unit"]
    head: Float[Array, "lag trial unit"]
    tail: Float[Array, "lag trial unit"]
    products: Float[np.ndarray, "lags unit"]
    seen: Seen | None

    __repr__ = brief

    def __init__(self, first: ArrayLike | xr.DataArray, max_lag: int):
        first, self.seen = read_chunk(first)
        check_whole(1, max_lag=max_lag)
        if first.shape[0] < max_lag:
            raise ValueError(
                f"The first chunk holds {first.shape[0]} samples, but max_lag={max_lag} needs "
                "at least as many: pass longer chunks, or fewer lags."
            )
        self.max_lag, self.n = int(max_lag), int(first.shape[0])
        self.reference = _middle(first)
        x, self.scale = _on_scale(first, self.reference, np.zeros(first.shape[2]))
        before = jnp.zeros((self.max_lag, *first.shape[1:]), x.dtype)
        total, self.head, self.tail, products = _sums(x, before)
        self.total, self.products = _summed(total), _summed(products)

    def add(self, chunk: ArrayLike | xr.DataArray) -> LagSums:
        """The sums with the next chunk, of any length."""
        values, seen = read_chunk(chunk, Reading(self.tail[:1], self.seen))
        x, scale = _on_scale(values, self.reference, self.scale)
        shrink = _shrinking(self.scale, scale)
        by = jnp.asarray(shrink, x.dtype)[None, None]
        head, tail = self.head * by, self.tail * by
        total, _, tail, products = _sums(x, tail)
        return eqx.tree_at(
            lambda s: (s.n, s.scale, s.total, s.head, s.tail, s.products, s.seen),
            self,
            (
                self.n + values.shape[0],
                scale,
                self.total * shrink + _summed(total),
                head,
                tail,
                self.products * shrink**2 + _summed(products),
                seen,
            ),
            is_leaf=lambda x: x is None,
        )

    def autocovariance(self) -> Float[np.ndarray, "lags unit"]:
        """Mean product of deviations from each trial's mean, lags 0 to `max_lag`, over trials."""
        return self._on_scale() * self.scale**2

    def autocorrelation(self) -> Float[np.ndarray, "lags unit"]:
        """The autocovariance divided by that at lag 0; NaN for units that do not vary."""
        covariance = self._on_scale()
        varies = covariance[:1] > 0
        return np.where(varies, covariance / np.where(varies, covariance[:1], 1), np.nan)

    def _on_scale(self) -> Float[np.ndarray, "lags unit"]:
        if self.n <= self.max_lag:
            raise ValueError(f"{self.n} samples have no products {self.max_lag} samples apart.")
        head, tail = (np.asarray(part, np.float64) for part in (self.head, self.tail))
        return _autocovariance(self.n, self.total, head, tail, self.products)


def _middle(first: Chunk | Float[np.ndarray, "time trial unit"]) -> Reference:
    """A value near all samples of the first chunk; that of units that are constant, exactly."""
    return first[0] + (first - first[:1]).mean(axis=0)


def _on_scale(chunk: Any, reference: Reference, scale: np.ndarray) -> tuple[Chunk, np.ndarray]:
    """Deviations of a chunk from the reference over a scale of each unit, and this scale.

    The scale is a power of two, so that no digit changes with it, and grows with the chunks (0 as
    long as nothing varies): products neither overflow nor underflow float32. Arrays of NumPy are
    moved in float64, because float32 loses a small signal on a large offset.
    """
    x = chunk - reference[None]
    largest = np.asarray(abs(x).max(axis=(0, 1)), np.float64)
    grown = np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 0)
    scale = np.maximum(scale, grown)
    by = np.where(scale > 0, scale, 1).astype(x.dtype)[None, None]
    return jnp.asarray(x / by, jnp.result_type(float)), scale


def _shrinking(before: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Factor that brings sums on the scale before to the one that has grown."""
    return np.where(scale > 0, before / np.where(scale > 0, scale, 1), 1)


def _summed(part: Array) -> np.ndarray:
    """Sums of one chunk in float64, so that the number of chunks costs no digits."""
    return np.asarray(part, np.float64)


@jax.jit
def _sums(x: Chunk, tail: Chunk):
    """Sums over one chunk; `tail` holds the last samples before it."""
    max_lag = tail.shape[0]
    joined = jnp.concatenate([tail, x])
    size = next_fast_len(joined.shape[0], real=True)
    # Position max_lag - l of the circular correlation holds the products l samples apart.
    spectrum = jnp.conj(jnp.fft.rfft(x, size, axis=0)) * jnp.fft.rfft(joined, size, axis=0)
    products = jnp.fft.irfft(spectrum.sum(axis=1), size, axis=0)[: max_lag + 1][::-1]
    return x.sum(axis=0), x[:max_lag], joined[-max_lag:], products


def _autocovariance(n: int, total, head, tail, products) -> Float[np.ndarray, "lags unit"]:
    n_trials, max_lag = total.shape[0], tail.shape[0]
    mean = total / n

    def left_out(samples):
        """Sums of the first 0, 1, ... samples."""
        return np.concatenate([np.zeros_like(samples[:1]), np.cumsum(samples, axis=0)])

    # Sum over all pairs of their earlier and their later sample.
    pairs = 2 * total[None] - left_out(tail[::-1]) - left_out(head)
    count = np.arange(n, n - max_lag - 1, -1.0)
    correction = (mean[None] * pairs - count[:, None, None] * mean[None] ** 2).sum(axis=1)
    return (products - correction) / (count * n_trials)[:, None]


class CovarianceSums(eqx.Module):
    """Running sums from which each trial's covariance between units follows.

    Parameters
    ----------
    first
        The first chunk, as for `LagSums`.

    Raises
    ------
    LabelError
        As `LagSums`.
    """

    n: int
    reference: Reference
    scale: Float[np.ndarray, " unit"]
    total: Float[np.ndarray, "trial unit"]
    products: Float[np.ndarray, "trial unit unit"]
    seen: Seen | None

    __repr__ = brief

    def __init__(self, first: ArrayLike | xr.DataArray):
        first, self.seen = read_chunk(first)
        self.n, self.reference = int(first.shape[0]), _middle(first)
        x, self.scale = _on_scale(first, self.reference, np.zeros(first.shape[2]))
        self.total, self.products = map(_summed, _moments(x))

    def add(self, chunk: ArrayLike | xr.DataArray) -> CovarianceSums:
        """The sums with the next chunk."""
        values, seen = read_chunk(chunk, Reading(self.total[None], self.seen))
        x, scale = _on_scale(values, self.reference, self.scale)
        total, products = map(_summed, _moments(x))
        shrink = _shrinking(self.scale, scale)
        return eqx.tree_at(
            lambda s: (s.n, s.scale, s.total, s.products, s.seen),
            self,
            (
                self.n + values.shape[0],
                scale,
                self.total * shrink + total,
                self.products * np.outer(shrink, shrink) + products,
                seen,
            ),
            is_leaf=lambda x: x is None,
        )

    def covariance(self) -> Float[np.ndarray, "trial unit unit"]:
        """Covariance over time of each trial (divided by the number of samples)."""
        mean = self.total / self.n
        on_scale = self.products / self.n - mean[:, :, None] * mean[:, None, :]
        return on_scale * np.outer(self.scale, self.scale)


@jax.jit
def _moments(x: Chunk):
    return x.sum(axis=0), jnp.einsum("tij,tik->ijk", x, x)


def streaming_autocorrelation(
    chunks: Iterable[Any], max_lag: int, *, step: float | None = None, units: str | None = None
) -> xr.DataArray:
    """Autocorrelation of activity that is too long to hold.

    Parameters
    ----------
    chunks
        One after the other in time, as for `LagSums`: DataArrays, or arrays
        ``(time, trial, unit)``.
    max_lag
        Longest lag, in samples.
    step
        Time between samples. Default: that of the labels, 1 for arrays.
    units
        Units of `step`: "ms", or "1" for steps of a map. Default: that of the labels, "ms" for
        arrays.

    Returns
    -------
    DataArray ``(lag, unit)``, as `autocorrelation` with ``across="time"`` gives it of the whole:
    each trial's own mean is subtracted, products are averaged over all pairs and trials, and
    divided by their value at lag 0. NaN for units that are constant.

    Raises
    ------
    LabelError
        As `LagSums`; or `step` or `units` contradict the labels.
    ValueError
        If there is no chunk, chunks differ in trials or units, or all are shorter than `max_lag`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> chunks = (rng.standard_normal((1000, 2, 3)) for _ in range(20))
    >>> acf = streaming_autocorrelation(chunks, 30)
    >>> acf.dims, bool((abs(acf[1:]) < 0.03).all())
    (('lag', 'unit'), True)
    """
    sums = None
    for chunk in chunks:
        sums = LagSums(chunk, max_lag) if sums is None else sums.add(chunk)
    if sums is None:
        raise ValueError("`chunks` is empty: there is no activity to correlate.")
    values = np.asarray(sums.autocorrelation())
    if sums.seen is None:
        return label_lags(values, 1.0 if step is None else step, units or "ms")
    clock, first = sums.seen.clock, sums.seen.first
    if (step is not None and not np.isclose(step, clock.step)) or units not in (None, clock.unit):
        raise LabelError(
            f"step={step} and units={units!r} contradict the labels of the chunks, which are "
            f"{clock.step:g} apart in {clock.unit!r}: leave them out."
        )
    return label_lags(values, clock.step, clock.unit, coords_of(first, "unit"))


def label_lags(
    values: np.ndarray, step: float, units: str, coords: Any = None, **attrs: Any
) -> xr.DataArray:
    """Autocorrelations ``(lag, unit)`` with their labels."""
    if not step > 0:
        raise LabelError(f"`step` must be above 0, got {step}.")
    lag = described("lag", np.arange(len(values)) * float(step), units, "lag")
    about = {"units": "1", "long_name": "autocorrelation"} | attrs
    labels = {"lag": lag, **(coords or {})}
    return xr.DataArray(values, labels, ("lag", "unit"), "autocorrelation", about)
