"""Bias of intrinsic timescales: the estimator applied to spikes with a known timescale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import pick, rows
from neurodyn.analysis.shared.results import described, table
from neurodyn.analysis.timescales.intrinsic import intrinsic_timescale
from neurodyn.common.checks import check_whole, number
from neurodyn.common.random import as_key
from neurodyn.labels import bin_width

#: Largest number of squared processes in a rate; with more, the rate is nearly Gaussian.
MOST_PARTS = 50


@partial(jax.jit, static_argnames=("n_trials", "n_parts"))
def _counts(key, mean, decay, n_trials: int, n_parts: int) -> Float[Array, "trial time unit"]:
    n_times, n_units = mean.shape
    k_start, k_walk, k_spikes = jax.random.split(key, 3)
    shape = (n_parts, n_trials, n_units)
    x = jax.random.normal(k_start, shape, mean.dtype)

    def advance(x, t):
        noise = jax.random.normal(jax.random.fold_in(k_walk, t), shape, mean.dtype)
        return decay * x + jnp.sqrt(1 - decay**2) * noise, (x**2).mean(axis=0)

    _, rate = jax.lax.scan(advance, x, jnp.arange(n_times))
    expected = rate.transpose(1, 0, 2) * mean[None]
    return jax.random.poisson(k_spikes, expected).astype(mean.dtype)


def modulated_counts(
    key: Any,
    mean: Float[Array, "time unit"] | np.ndarray,
    tau: float,
    *,
    bin_width: float,
    n_trials: int,
    modulation: float = 1.0,
) -> Float[Array, "trial time unit"]:
    r"""Spike counts whose rate fluctuates with one known timescale.

    The rate is the mean of k squared Ornstein-Uhlenbeck processes with time constant
    :math:`2\tau`, so that it is never negative and its autocorrelation is
    :math:`\exp(-\Delta/\tau)` exactly; counts are Poisson given the rate.

    Parameters
    ----------
    key
        Seed or key.
    mean
        Expected count in each bin of each unit.
    tau
        Timescale [ms].
    bin_width
        Width of the bins [ms].
    n_trials
        Number of trials.
    modulation
        Variance of the rate over its squared mean; ``2 / k`` comes nearest to it, so at most 2.

    Returns
    -------
    Counts ``(trial, time, unit)``.

    Raises
    ------
    ValueError
        If a number is not positive, or an expected count is negative.
    """
    check_whole(1, n_trials=n_trials)
    for name, value in (("tau", tau), ("bin_width", bin_width), ("modulation", modulation)):
        number(name, value, above=0)
    mean = np.asarray(mean)
    if mean.ndim != 2 or not mean.size or not (np.isfinite(mean) & (mean >= 0)).all():
        raise ValueError("`mean` must hold expected counts (time, unit), finite and >= 0.")
    dtype = jnp.result_type(float)
    key = as_key(key, needed_for="Drawing counts")
    decay = jnp.exp(jnp.asarray(-bin_width / (2 * tau), dtype))
    n_parts = int(np.clip(np.round(2 / modulation), 1, MOST_PARTS))
    return _counts(key, jnp.asarray(mean, dtype), decay, n_trials, n_parts)


def timescale_recovery(
    activity: xr.Dataset | xr.DataArray,
    tau: float | Sequence[float] | np.ndarray,
    max_lag: float | None = None,
    *,
    modulation: float | None = None,
    n_repeats: int = 10,
    silent: float = 0.0,
    offset: bool = True,
    first_lag: float | None = None,
    variable: str | None = None,
    key: Any = 0,
) -> xr.Dataset:
    """Estimate known timescales from spikes as few and trials as short as those of a recording.

    Surrogate counts have the recording's number of trials, bins and units, and each unit's mean
    count in every bin; only the timescale is given. They go through `intrinsic_timescale` with the
    same options.

    Parameters
    ----------
    activity
        Spike counts ``(trial, time, unit)`` (with NaN for trials a unit was not recorded in).
    tau
        Timescales to try, or one [ms].
    max_lag, silent, offset, first_lag, variable
        As for `intrinsic_timescale`.
    modulation
        Variance of the rates over their squared mean. Default: as large as in the recording,
        judged from the fitted amplitude and the variance of the counts (mean over units).
    n_repeats
        Surrogate recordings for each timescale.
    key
        Seed or key.

    Returns
    -------
    Dataset on ``sweep`` (coordinate ``true_tau``) and ``repetition``: ``recovered`` [ms] from the
    mean autocorrelation of units, ``ratio`` recovered / true, ``unit_ratio`` (the median over units
    that could be fitted) and ``fitted`` (their fraction). The attribute ``modulation`` holds the
    value that was used. NaN where nothing could be fitted.

    Raises
    ------
    LabelError, ValueError
        As for `intrinsic_timescale`, or where no modulation can be judged from the recording.
    """
    array = pick(activity, variable)
    options: dict[str, Any] = {
        "max_lag": max_lag, "silent": silent, "offset": offset, "first_lag": first_lag,
    }  # fmt: skip
    check_whole(1, n_repeats=n_repeats)
    known = np.atleast_1d(np.asarray(tau, np.float64))
    if known.ndim != 1 or not known.size:
        raise ValueError(f"`tau` must be a timescale or a list of them [ms], got {tau!r}.")
    found = intrinsic_timescale(array, **options, n_draws=1)
    values = array.transpose(rows(array), "time", "unit").values.astype(np.float64)
    missing: np.ndarray = np.isnan(values).all(axis=1)
    mean = np.nanmean(values, axis=0)
    if modulation is None:
        modulation = rate_modulation(found, values, mean)
    width = bin_width(array)
    key = as_key(key, needed_for="Surrogate recordings")
    assert key is not None
    recovered, unit, fitted = [], [], []
    for i, true in enumerate(known.tolist()):
        for j in range(n_repeats):
            drawn = modulated_counts(
                jax.random.fold_in(jax.random.fold_in(key, i), j),
                mean,
                true,
                bin_width=width,
                n_trials=len(values),
                modulation=modulation,
            )
            counts = np.where(missing[:, None, :], np.nan, np.asarray(drawn))
            fit = intrinsic_timescale(array.copy(data=counts), **options, n_draws=1)
            good = fit["tau"].values[np.isfinite(fit["tau"].values)]
            recovered.append(float(fit["population_tau"]))
            unit.append(np.median(good) / true if good.size else np.nan)
            fitted.append(good.size / fit.sizes["unit"])
    shape = (known.size, n_repeats)
    recovered, unit, fitted = (np.reshape(v, shape) for v in (recovered, unit, fitted))
    dims = ("sweep", "repetition")
    ratio = recovered / known[:, None]
    variables = {
        "recovered": (dims, recovered, "ms", "recovered timescale"),
        "ratio": (dims, ratio, "1", "recovered over true timescale"),
        "unit_ratio": (dims, unit, "1", "median over units of the ratio"),
        "fitted": (dims, fitted, "1", "fraction of units fitted"),
    }
    coords = {"true_tau": described("sweep", known, "ms", "true timescale")}
    return table(variables, coords, modulation=float(modulation))


def rate_modulation(
    found: xr.Dataset, values: Float[np.ndarray, "trial time unit"], mean: np.ndarray
) -> float:
    """Variance of rates over their squared mean, from the share of the variance that lasts.

    Parameters
    ----------
    found
        Result of `intrinsic_timescale` for `values`.
    values
        Counts, or their deviations from the means of their conditions; NaN where a unit was not
        recorded.
    mean
        Mean count of each unit in each bin ``(time, unit)``.

    Returns
    -------
    The median over units, within the range of `modulated_counts`.

    Raises
    ------
    ValueError
        If the mean autocorrelation does not decay: then there is no such share.
    """
    if str(found["population_status"].values) != "ok":
        raise ValueError(
            "the recording's own mean autocorrelation does not decay, so how much its rates vary "
            "cannot be judged: pass `modulation=` (1 is a rate as variable as an exponential one)."
        )
    variance = np.nanvar(values, axis=0).mean(axis=0)
    square = (mean**2).mean(axis=0)
    fired = square > 0
    judged = float(found["population_amplitude"]) * np.median(variance[fired] / square[fired])
    return float(np.clip(judged, 2 / MOST_PARTS, 2.0))
