"""State-space divergence by Gaussians around the samples, for many dimensions."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float
from scipy.special import logsumexp

from neurodyn.analysis.reconstructions.trajectories import Runs, as_pair, label_runs
from neurodyn.analysis.shared.draws import generator
from neurodyn.common.checks import check_whole
from neurodyn.common.reprs import brief
from neurodyn.labels.only import takes

#: Draws whose densities are computed at once; fewer where every network of an ensemble does.
_CHUNK, _CHUNK_TRAINING = 200, 50


@takes(generated=["time"], truth=["time"])
def mixture_divergence(
    generated: Any,
    truth: Any,
    *,
    variance: float = 1.0,
    n_components: int = 10_000,
    n_draws: int = 1000,
    key: Any = 0,
) -> xr.Dataset:
    r"""Kullback-Leibler divergence between the states that truth and model visit, by Gaussians.

    For data of many dimensions, where bins stay empty. A Gaussian of the same variance in all
    directions stands around every sample, and the divergence is the mean of
    :math:`\log p(x) - \log q(x)` over draws x from the mixture of the truth.

    Densities are summed as logarithms. The published code drops draws whose density underflows,
    which flatters models that are far off; there, values here are larger.

    Parameters
    ----------
    generated, truth
        As for `state_space_divergence`.
    variance
        Variance of the Gaussians, in squared units of the data; the published value is 1, for
        standardised data.
    n_components
        Samples that carry a Gaussian, at most: of longer trajectories (several true ones are
        pooled), every second, every third, ... sample.
    n_draws
        Draws from the mixture of the truth.
    key
        Seed or JAX key of the draws. Models that are compared under the same key see the same
        draws.

    Returns
    -------
    xr.Dataset
        ``d_stsp`` [nats], ``standard_error`` from the scatter of the draws, and ``status``: "ok" or
        "diverged" (NaN or infinite values in the run; the divergence is NaN).

    Raises
    ------
    ValueError, LabelError
        On other shapes or dims, holes or constant channels in the truth, or numbers out of range.

    References
    ----------
    Koppe, Toutounji, Kirsch, Lis & Durstewitz, PLoS Comput. Biol. 15:e1007263, 2019. Brenner et
    al., NeurIPS 2024 (settings).
    """
    _check(variance, n_components, n_draws)
    runs, true = as_pair(generated, truth)
    # Draws are made channel by channel: in the order of the labels, not in that they came in.
    order = _order(runs)
    points = _thinned(true.reshape(-1, true.shape[2])[:, order], n_components)
    rng = generator(key, needed_for="A mixture")
    draws = points[rng.integers(len(points), size=n_draws)]
    draws = draws + np.sqrt(variance) * rng.standard_normal(draws.shape)
    # In units of the Gaussians, in which squares of distances that count are near 1.
    sd = np.sqrt(variance)
    draws, points = draws / sd, points / sd
    log_p = _log_density(draws, points)
    value = np.full((2, len(runs.values)), np.nan)
    for i in np.flatnonzero(runs.finite):
        own = _thinned(runs.values[i][:, order], n_components) / sd
        ratio = log_p - _log_density(draws, own)
        value[:, i] = ratio.mean(), ratio.std(ddof=1) / np.sqrt(n_draws)
    status = np.where(runs.finite, "ok", "diverged")
    attrs = {
        "protocol": "mixture",
        "variance": variance,
        "n_truth": len(points),
        "n_generated": len(_thinned(runs.values[0], n_components)),
        "n_draws": n_draws,
    }
    variables = {
        "d_stsp": (value[0], "1", "state-space divergence (nats)"),
        "standard_error": (value[1], "1", "standard error of the divergence"),
        "status": (status, "1", "outcome of the run"),
    }
    return label_runs(runs, variables, attrs)


class MixtureDivergence(eqx.Module):
    """Divergence by Gaussians as a function in JAX, to choose among checkpoints in training.

    The measure of `mixture_divergence`, with draws of its own that are the same at every call.

    Parameters
    ----------
    variance, n_components, n_draws
        As for `mixture_divergence`, but fewer Gaussians by default, because it runs at every
        evaluation.
    key
        Seed of the draws: a number, because it is part of the compiled program.

    Raises
    ------
    ValueError
        If numbers are out of range, or, when called, on arrays of different channels.

    Examples
    --------
    >>> import jax
    >>> from neurodyn import analysis
    >>> truth = jax.random.normal(jax.random.key(0), (500, 20))
    >>> float(analysis.MixtureDivergence()(truth, truth))
    0.0
    """

    variance: float = eqx.field(static=True)
    n_components: int = eqx.field(static=True)
    n_draws: int = eqx.field(static=True)
    seed: int = eqx.field(static=True)
    name: ClassVar[str] = "d_stsp"

    __repr__ = brief

    def __init__(
        self, *, variance: float = 1.0, n_components: int = 1000, n_draws: int = 1000, key: int = 0
    ):
        _check(variance, n_components, n_draws)
        self.variance = float(variance)
        self.n_components, self.n_draws, self.seed = int(n_components), int(n_draws), int(key)

    def __call__(
        self, truth: Float[Array, "time channel"], generated: Float[Array, "sample feature"]
    ) -> Float[Array, ""]:
        """Divergence of `generated` from `truth`; NaN where any of it is NaN or infinite."""
        if truth.ndim != 2 or generated.ndim != 2 or truth.shape[1] != generated.shape[1]:
            raise ValueError(
                f"`truth` of shape {truth.shape} and `generated` of shape {generated.shape}: both "
                "must be (time, channel), with the same channels."
            )
        # In units of the Gaussians, so that squares of distances stay in the range of floats.
        sd = np.sqrt(self.variance).item()
        p, q = (_thinned(x, self.n_components) / sd for x in (truth, generated))
        which, noise = jax.random.split(jax.random.key(self.seed))
        draws = p[jax.random.randint(which, (self.n_draws,), 0, p.shape[0])]
        draws += jax.random.normal(noise, draws.shape, p.dtype)

        def log_ratio(x):
            near, far = (((x[None] - c) ** 2).sum(1) / -2 for c in (p, q))
            sizes = jnp.log(jnp.asarray(len(q) / len(p), p.dtype))
            return jax.nn.logsumexp(near) - jax.nn.logsumexp(far) + sizes

        value = jax.lax.map(log_ratio, draws, batch_size=_CHUNK_TRAINING).mean()
        # All of the run counts, not only the samples that carry a Gaussian.
        return jnp.where(jnp.isfinite(generated).all(), value, jnp.nan)


def _check(variance: float, n_components: int, n_draws: int) -> None:
    if not (np.isfinite(variance) and variance > 0):
        raise ValueError(f"`variance` must be a number above 0, got {variance}.")
    check_whole(2, n_components=n_components, n_draws=n_draws)


def _order(runs: Runs) -> Any:
    return slice(None) if runs.channels is None else np.argsort(runs.channels.values, kind="stable")


def _thinned(points: Any, most: int) -> Any:
    """At most so many samples, evenly from all of them."""
    return points[:: -(-len(points) // most)]


def _log_density(
    x: Float[np.ndarray, "draw channel"], centres: Float[np.ndarray, "sample channel"]
) -> Float[np.ndarray, " draw"]:
    """Log density of the mixture of variance 1, but for the constant of a Gaussian."""
    # Distances as products of matrices lose digits far from the origin: centre first.
    middle = centres.mean(0)
    x, centres = x - middle, centres - middle
    norms = (centres**2).sum(1)
    found = []
    for part in np.array_split(x, max(1, len(x) // _CHUNK)):
        square = (part**2).sum(1)[:, None] + norms - 2 * part @ centres.T
        found.append(logsumexp(-np.maximum(square, 0) / 2, axis=1))
    return np.concatenate(found) - np.log(len(centres))
