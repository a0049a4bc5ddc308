"""Divergence between what truth and model visit, by Gaussians around their samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.special import logsumexp

from neurodyn.analysis.trajectories import as_runs, as_truth, check_channels, label_runs

__all__ = ["mixture_divergence"]

#: Draws whose densities are computed at once.
_CHUNK = 200


def mixture_divergence(
    generated: Any,
    truth: Any,
    *,
    variance: float = 1.0,
    n_components: int = 10_000,
    n_draws: int = 1000,
    seed: int = 0,
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
        Samples from the start of each trajectory that carry a Gaussian, at most.
    n_draws
        Draws from the mixture of the truth.
    seed
        Seed of the draws. Models compared under the same seed see the same draws.

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
    if not (np.isfinite(variance) and variance > 0):
        raise ValueError(f"`variance` must be a number above 0, got {variance}.")
    for name, n in (("n_components", n_components), ("n_draws", n_draws)):
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 2:
            raise ValueError(f"`{name}` must be a whole number of at least 2, got {n!r}.")
    runs, true = as_runs(generated), as_truth(truth)
    check_channels(runs, true)
    points = true.reshape(-1, true.shape[2])[:n_components]
    rng = np.random.default_rng(seed)
    draws = points[rng.integers(len(points), size=n_draws)]
    draws = draws + np.sqrt(variance) * rng.standard_normal(draws.shape)
    log_p = _log_density(draws, points, variance)
    value = np.full((2, len(runs.values)), np.nan)
    for i in np.flatnonzero(runs.finite):
        ratio = log_p - _log_density(draws, runs.values[i, :n_components], variance)
        value[:, i] = ratio.mean(), ratio.std(ddof=1) / np.sqrt(n_draws)
    status = np.where(runs.finite, "ok", "diverged")
    attrs = {
        "protocol": "mixture",
        "variance": variance,
        "n_truth": len(points),
        "n_generated": min(n_components, runs.values.shape[1]),
        "n_draws": n_draws,
        "seed": seed,
    }
    variables = {
        "d_stsp": (value[0], "1", "state-space divergence (nats)"),
        "standard_error": (value[1], "1", "standard error of the divergence"),
        "status": (status, "1", "what became of the run"),
    }
    return label_runs(runs, variables, attrs)


def _log_density(
    x: Float[np.ndarray, "draw channel"], centres: Float[np.ndarray, "sample channel"], s2: float
) -> Float[np.ndarray, " draw"]:
    """Log density of the mixture, but for the constant of a Gaussian, which cancels."""
    # Distances as products of matrices lose digits far from the origin: centre first.
    middle = centres.mean(0)
    x, centres = x - middle, centres - middle
    norms = (centres**2).sum(1)
    found = []
    for part in np.array_split(x, max(1, len(x) // _CHUNK)):
        square = (part**2).sum(1)[:, None] + norms - 2 * part @ centres.T
        found.append(logsumexp(-np.maximum(square, 0) / (2 * s2), axis=1))
    return np.concatenate(found) - np.log(len(centres))
