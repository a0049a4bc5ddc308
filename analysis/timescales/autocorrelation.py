"""Autocorrelation of activity, within or across trials."""

from __future__ import annotations

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import checked, pick, rows
from neurodyn.analysis.shared.results import coords_of
from neurodyn.analysis.shared.scaling import standardised
from neurodyn.analysis.timescales.streaming import LagSums, label_lags
from neurodyn.labels import LabelError, clock

Activity = Float[Array, "trial time unit"]

#: Samples that are processed at once, of all trials and units: about 200 MB of memory.
AT_ONCE = 1 << 23


@partial(jax.jit, static_argnames="n_lags")
def _autocovariance(x: Activity, n_lags: int) -> Float[Array, "lag unit"]:
    """Mean product of samples `lag` apart, over times and trials: unbiased, in n log n."""
    n_times = x.shape[1]
    power = jnp.abs(jnp.fft.rfft(x, 2 * n_times, axis=1)) ** 2
    products = jnp.fft.irfft(power.mean(axis=0), 2 * n_times, axis=0)[:n_lags]
    return products / (n_times - jnp.arange(n_lags, dtype=x.dtype))[:, None]


def _by_spread(x: np.ndarray, across: str) -> Activity:
    """Deviations from the mean over their spread, in float64; NaN for units without one."""
    over = (0,) if across == "trials" else (0, 1)
    # Over the largest first, because squares of small or large numbers leave the range of floats.
    x = standardised(x, over)
    spread = np.sqrt((x**2).mean(axis=over, keepdims=True))
    x = np.where(spread > 0, x / np.where(spread > 0, spread, 1), np.nan)
    return jnp.asarray(x, jnp.result_type(float))


def autocorrelation(
    activity: xr.Dataset | xr.DataArray,
    max_lag: float | None = None,
    *,
    across: Literal["trials", "all", "time"] = "trials",
    variable: str | None = None,
) -> xr.DataArray:
    r"""Autocorrelation of each unit's activity.

    Parameters
    ----------
    activity
        Dims ``(trial | condition, time, unit)``, evenly sampled: trials of one condition, or the
        residuals around condition means, so that the shared time course does not count.
    max_lag
        Longest lag, in the units of `time` (ms, or steps). Default: a third of the trial, because
        few pairs of samples remain at longer lags.
    across
        "trials": the correlation across trials of bins `lag` apart, averaged over such pairs of
        bins (Murray et al.); activity that is locked to the trial drops out. "all": the product of
        deviations from the mean over trials and times, divided by the variance. "time": of
        deviations from each trial's own mean, which biases timescales low when trials are not much
        longer than they are.
    variable
        Which variable of a Dataset.

    Returns
    -------
    DataArray ``(lag, unit)``, 1 at lag 0; NaN for units that are constant (for "trials": constant
    in any bin).

    Raises
    ------
    LabelError
        If times are uneven, values are missing, or "trials" is asked of fewer than three.
    ValueError
        If `max_lag` does not fit into the trial.

    References
    ----------
    Murray et al. (2014), Nat. Neurosci. 17:1661.
    """
    if across not in ("trials", "all", "time"):
        raise ValueError(f"across is 'trials', 'all' or 'time', got {across!r}.")
    array = pick(activity, variable)
    if array.dims != (rows(array), "time", "unit"):
        raise LabelError(f"autocorrelation needs (trial, time, unit), got dims {array.dims}.")
    n_trials, n_times, _ = array.shape
    if across == "trials" and n_trials < 3:
        raise LabelError(
            f"a correlation across trials needs three of them at least, got {n_trials}; "
            "across='all' works on one."
        )
    _, step, unit = clock(array)
    n_lags = n_times // 3 if max_lag is None else int(np.floor(max_lag / step + 1e-6))
    if not 1 <= n_lags < n_times:
        raise ValueError(
            f"max_lag must lie between one step ({step:g}{' ms' * (unit == 'ms')}) and the trial "
            f"({n_times} steps), got {max_lag}."
        )
    values = _in_time(array, n_lags) if across == "time" else _in_units(array, n_lags, across)
    return label_lags(values, step, unit, coords_of(array, "unit"), across=across)


def _in_time(array: xr.DataArray, n_lags: int) -> np.ndarray:
    """Process chunks of time, so that lazy arrays are read piece by piece."""
    n_trials, n_times, n_units = array.shape
    length = min(n_times, max(n_lags, AT_ONCE // (n_trials * n_units)))
    sums = None
    for start in range(0, n_times, length):
        chunk = checked(array.isel(time=slice(start, start + length))).astype(np.float64)
        chunk = chunk.transpose(1, 0, 2)
        sums = LagSums(chunk, n_lags) if sums is None else sums.add(chunk)
    assert sums is not None  # there is at least one time step
    return np.asarray(sums.autocorrelation())


def _in_units(array: xr.DataArray, n_lags: int, across: str) -> np.ndarray:
    """Process some units at a time, because the spread is computed over whole trials."""
    n_trials, n_times, n_units = array.shape
    some = max(1, AT_ONCE // (n_trials * n_times))
    parts = []
    for start in range(0, n_units, some):
        x = _by_spread(checked(array.isel(unit=slice(start, start + some))), across)
        parts.append(np.asarray(_autocovariance(x, n_lags + 1)))
    return np.concatenate(parts, axis=1)


def population_activity(
    activity: xr.Dataset | xr.DataArray, *, variable: str | None = None
) -> xr.DataArray:
    """The summed activity of all units as one unit, "population", for any measure of units.

    Parameters
    ----------
    activity
        With a dim ``unit``.
    variable
        Which variable of a Dataset.

    Returns
    -------
    DataArray with the other dims and labels, and one unit.

    Raises
    ------
    LabelError
        If there are no units, or values are missing (a sum over other units is another signal).

    Examples
    --------
    >>> rate = xr.DataArray(np.ones((4, 10, 3)), dims=("trial", "time", "unit"))
    >>> population_activity(rate).sizes["unit"]
    1
    """
    array = pick(activity, variable)
    if array.dtype.kind == "f" and bool(array.isnull().any()):
        raise LabelError(
            "some units have missing values: sum over units that were recorded together only."
        )
    kept = array.drop_vars([str(n) for n, c in array.coords.items() if "unit" in c.dims])
    summed = kept.sum("unit", keepdims=True).assign_coords(unit=["population"])
    return summed.assign_attrs(array.attrs).rename(array.name)
