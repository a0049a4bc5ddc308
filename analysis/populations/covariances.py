"""Covariances of activity, and of halves of its trials."""

from __future__ import annotations

from typing import Any, Literal

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.analysis.populations.dimensionality import of_covariance
from neurodyn.analysis.shared.conditions import condition_codes, condition_means
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.resampling import Trials, group_trials, part_means
from neurodyn.analysis.shared.scaling import balanced

Covariance = Literal["signal", "noise"]
Matrix = Float[np.ndarray, "*draw unit unit"]


def of_samples(x: Float[np.ndarray, "*draw sample unit"]) -> Matrix:
    """Covariance of samples, of trace 1, because neither angles nor indices depend on scales."""
    x = x - x.mean(-2, keepdims=True)
    matrix = np.swapaxes(x, -1, -2) @ x
    size = np.trace(matrix, axis1=-2, axis2=-1)[..., None, None]
    return matrix / np.where(size > 0, size, 1)


def of_halves(
    array: xr.DataArray, covariance: Covariance, by: list[str], n_splits: int, key: Any
) -> Float[np.ndarray, "split 2 unit unit"] | None:
    """Covariances of random halves of the trials; None where a condition cannot be split."""
    if covariance == "noise":
        # Halves depend on the order of the trials, so that it must not be that of the data.
        array = array.sortby("trial") if "trial" in array.indexes else array
        x = balanced(of_covariance(array, covariance, by))
        x = x.reshape(array.sizes["trial"], -1, array.sizes["unit"])
        rng, half = generator(key, needed_for="Halves"), len(x) // 2
        if half < 1:
            return None
        order = np.stack([rng.permutation(len(x))[: 2 * half] for _ in range(n_splits)])
        parts = x[order.reshape(n_splits, 2, half)]
    else:
        means = condition_means(array, by)
        codes, n = condition_codes(array, means, by), means.sizes["condition"]
        trials = group_trials(array, codes, n, what="activity", balance=True)
        if (trials.counts < 2).any():
            return None
        parts = np.asarray(_half_means(jax.random.split(key, n_splits), trials), np.float64)
    return of_samples(parts.reshape(n_splits, 2, -1, array.sizes["unit"]))


@jax.jit
def _half_means(keys: PRNGKeyArray, trials: Trials) -> Float[Array, "split 2 condition time unit"]:
    return jax.lax.map(lambda key: part_means(key, trials, 2), keys)
