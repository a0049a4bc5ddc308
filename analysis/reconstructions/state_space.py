"""Divergence between the states that a model and the truth visit, by bins."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.reconstructions.trajectories import as_pair, label_runs
from neurodyn.common.checks import check_whole
from neurodyn.common.reprs import brief
from neurodyn.labels.only import takes

#: Ranges that are cut into bins, by name; see `state_space_divergence`.
PROTOCOLS = ("margin", "two_sd", "inner")
#: Number added to the count of every bin, as published.
SMOOTHING = 1e-5


@takes(generated=["time"], truth=["time"])
def state_space_divergence(
    generated: Any,
    truth: Any,
    *,
    n_bins: int = 30,
    protocol: str = "margin",
    smoothing: float = SMOOTHING,
) -> xr.Dataset:
    r"""Kullback-Leibler divergence between the states that truth and model visit, by bins.

    State space is cut into ``n_bins`` per dimension and the shares of samples in each bin compared:
    :math:`D_{stsp} = \sum_i p_i \log (p_i / q_i)` with :math:`p_i = (n_i + a) / (\sum n + a K^N)`,
    natural logarithm. Only bins that are visited are ever counted, the many empty ones have the
    same term, so that five dimensions of 30 bins are no trouble.

    The value depends on the number of samples on both sides: a bin that only the truth visits costs
    ``log(n / a)``. State the numbers with it, and compare with the divergence between two runs of
    the truth of the same lengths (:func:`neurodyn.analysis.reconstruction_floor`).

    Parameters
    ----------
    generated
        Trajectories of the model, ``(time, channel)`` or with leading dims (a DataArray with dims
        such as seed and trial), each of which is scored.
    truth
        True trajectories, pooled where there are several. Usually standardised. Where both are
        labelled, channels are matched by their labels, and their dims may have other names.
    n_bins
        Bins per dimension.
    protocol
        Range that is cut into bins, in each dimension:

        ``"margin"``
            From 0.1 standard deviations below the least to 0.1 above the largest true value;
            samples of the model outside are left out. (Published Julia code of AL-RNN and GTF.)
        ``"two_sd"``
            Two standard deviations to both sides of the true mean; samples outside are left out,
            true ones too. (Earlier publications of the same group.)
        ``"inner"``
            From the least to the largest true value, leaving out the lowest bin in every dimension.
            (Published Python code of AL-RNN.)
    smoothing
        Number ``a`` that is added to every count.

    Returns
    -------
    xr.Dataset
        ``d_stsp`` [nats]; ``outside``, the share of the model's samples that lie outside; and
        ``status``: "ok"; "diverged" (NaN or infinite values in the run) or "outside" (all of it),
        where the divergence is NaN.

    Raises
    ------
    ValueError, LabelError
        On other shapes or dims, holes or constant channels in the truth, more bins than can be
        numbered, or an unknown protocol.

    References
    ----------
    Koppe, Toutounji, Kirsch, Lis & Durstewitz, PLoS Comput. Biol. 15:e1007263, 2019. Brenner et
    al., NeurIPS 2024 and Hess et al., ICML 2023 (ranges).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> truth = np.random.default_rng(0).normal(size=(10_000, 2))
    >>> near, far = truth + 0.01, truth + 1.0
    >>> score = analysis.state_space_divergence(np.stack([near, far]), truth)
    >>> bool(score["d_stsp"][0] < score["d_stsp"][1])
    True
    """
    _check_bins(n_bins, protocol)
    if not smoothing > 0:
        raise ValueError(f"`smoothing` must be above 0, got {smoothing}.")
    runs, true = as_pair(generated, truth)
    points = true.reshape(-1, true.shape[2])
    if float(n_bins) ** points.shape[1] >= 2**62:
        raise ValueError(
            f"{n_bins} bins in {points.shape[1]} dimensions are too many to number: use fewer bins "
            "or mixture_divergence."
        )
    low, high = _range(points, protocol, np)
    inner = protocol == "inner"
    total = n_bins ** points.shape[1]
    p_bins, p_counts = np.unique(_numbers(points, low, high, n_bins, inner, np), return_counts=True)
    value = np.full(len(runs.values), np.nan)
    outside, status = value.copy(), np.full(len(value), "diverged", "<U8")
    for i in np.flatnonzero(runs.finite):
        q = _numbers(runs.values[i], low, high, n_bins, inner, np)
        outside[i] = (q == total).mean()
        status[i] = "outside" if outside[i] == 1 else "ok"
        q_bins, q_counts = np.unique(q, return_counts=True)
        bins = np.union1d(p_bins, q_bins)
        n, m = np.zeros((2, len(bins)))
        n[np.searchsorted(bins, p_bins)] = p_counts
        m[np.searchsorted(bins, q_bins)] = q_counts
        inside = bins < total
        value[i] = _divergence(n[inside], m[inside], float(total), smoothing, np)
    attrs = {
        "protocol": protocol,
        "n_bins": n_bins,
        "smoothing": smoothing,
        "n_truth": len(points),
        "n_generated": runs.values.shape[1],
    }
    variables = {
        "d_stsp": (value, "1", "state-space divergence (nats)"),
        "outside": (outside, "1", "share of samples outside the range"),
        "status": (status, "1", "outcome of the run"),
    }
    return label_runs(runs, variables, attrs)


class StateSpaceDivergence(eqx.Module):
    """State-space divergence as a function in JAX, to choose among checkpoints in training.

    Counts by sorting the numbers of bins, so that memory does not grow with their number. The value
    is that of `state_space_divergence`, in the precision of the data.

    Parameters
    ----------
    n_bins, protocol, smoothing
        As for `state_space_divergence`.

    Raises
    ------
    ValueError
        When called, on arrays of other shapes, or with more than 2**31 bins in all.

    Examples
    --------
    >>> import jax
    >>> from neurodyn import analysis
    >>> truth = jax.random.normal(jax.random.key(0), (1000, 3))
    >>> float(analysis.StateSpaceDivergence(n_bins=8)(truth, truth))
    0.0
    """

    n_bins: int = eqx.field(static=True)
    protocol: str = eqx.field(static=True)
    smoothing: float = eqx.field(static=True)
    name: ClassVar[str] = "d_stsp"

    __repr__ = brief

    def __init__(self, n_bins: int = 30, *, protocol: str = "margin", smoothing: float = SMOOTHING):
        _check_bins(n_bins, protocol)
        self.n_bins, self.protocol, self.smoothing = int(n_bins), protocol, float(smoothing)

    def __call__(
        self, truth: Float[Array, "time channel"], generated: Float[Array, "sample feature"]
    ) -> Float[Array, ""]:
        """Divergence of `generated` from `truth`; NaN where it diverged or lies outside."""
        total = self.n_bins ** truth.shape[1]
        if truth.shape[1] != generated.shape[1] or total >= 2**31:
            raise ValueError(
                f"{self.n_bins} bins in each of {truth.shape[1]} dimensions, and {generated.shape} "
                "generated values: both need the same channels, and fewer than 2**31 bins in all."
            )
        low, high = _range(truth, self.protocol, jnp)
        bins = (low, high, self.n_bins, self.protocol == "inner", jnp)
        p, q = (_numbers(x, *bins) for x in (truth, generated))
        smoothing = jnp.asarray(self.smoothing, truth.dtype)
        value = _divergence(*_counts(p, q, total, truth.dtype), float(total), smoothing, jnp)
        return jnp.where(jnp.isfinite(generated).all(), value, jnp.nan)


def _check_bins(n_bins: int, protocol: str) -> None:
    check_whole(2, n_bins=n_bins)
    if protocol not in PROTOCOLS:
        raise ValueError(f"`protocol` must be one of {', '.join(PROTOCOLS)}, got {protocol!r}.")


def _range(points: Any, protocol: str, xp: Any) -> tuple[Any, Any]:
    """Lower and upper end of the bins, in each dimension."""
    if protocol == "inner":
        return points.min(0), points.max(0)
    # The squares of deviations that are not divided by their span may leave the range of floats.
    span = points.max(0) - points.min(0)
    size = xp.where(span > 0, span, 1)
    sd = size * ((points - points[:1]) / size[None]).std(0)
    if protocol == "two_sd":
        return points.mean(0) - 2 * sd, points.mean(0) + 2 * sd
    return points.min(0) - 0.1 * sd, points.max(0) + 0.1 * sd


def _numbers(points: Any, low: Any, high: Any, n_bins: int, inner: bool, xp: Any) -> Any:
    """One number for the bin of each sample, and that of all bins for a sample outside of them.

    `xp` is NumPy, or JAX where this is compiled.
    """
    index = xp.floor(n_bins * (points - low[None]) / (high - low)[None])
    # A sample on the upper end belongs to the last bin, as in a histogram; with "inner", to none.
    # It is compared by itself, because a compiled division may put it to either side.
    index = xp.where(points == high[None], n_bins if inner else n_bins - 1, index)
    inside = ((index >= (1 if inner else 0)) & (index < n_bins)).all(1)
    integer = np.int64 if xp is np else np.int32
    number = xp.zeros(points.shape[0], integer)
    for column in xp.where(inside[:, None], index, 0).astype(integer).T:
        number = number * n_bins + column
    return xp.where(inside, number, n_bins ** points.shape[1])


def _counts(p: Array, q: Array, total: int, dtype: Any) -> tuple[Array, Array]:
    """Counts of both sides in every bin that is visited, padded with 0."""
    numbers = jnp.concatenate([p, q])
    order = jnp.argsort(numbers)
    numbers = numbers[order]
    new = jnp.concatenate([jnp.zeros(1, bool), numbers[1:] != numbers[:-1]])
    place = jnp.cumsum(new, dtype=jnp.int32)
    of_truth, count = order < p.shape[0], (numbers < total).astype(dtype)
    zeros = jnp.zeros_like(count)
    n = zeros.at[place].add(jnp.where(of_truth, count, zeros))
    return n, zeros.at[place].add(jnp.where(of_truth, zeros, count))


def _divergence(n: Any, m: Any, total: float, a: Any, xp: Any) -> Any:
    """Divergence of counts m from counts n; NaN where m holds no sample.

    A sum over the bins that are visited, and one term for all others, which are equal.
    """
    visited = (n + m) > 0
    p_sum, q_sum = n.sum() + a * total, m.sum() + a * total
    terms = (n + a) / p_sum * (xp.log((n + a) / (m + a)) + xp.log(q_sum / p_sum))
    empty = (total - visited.sum().astype(n.dtype)) * a / p_sum * xp.log(q_sum / p_sum)
    value = xp.where(visited, terms, 0).sum() + empty
    return xp.where(m.sum() > 0, value, xp.nan)
