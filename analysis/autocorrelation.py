"""Autocorrelation of activity, within or across trials."""

from __future__ import annotations

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.arrays import pick, rows, traces
from neurodyn.analysis.timebins import time_step
from neurodyn.labels import LabelError

__all__ = ["autocorrelation"]

Activity = Float[Array, "trial time unit"]


@partial(jax.jit, static_argnames="n_lags")
def _autocovariance(x: Activity, n_lags: int) -> Float[Array, "lag unit"]:
    """Mean product of samples `lag` apart, over times and trials: unbiased, in n log n."""
    n_times = x.shape[1]
    power = jnp.abs(jnp.fft.rfft(x, 2 * n_times, axis=1)) ** 2
    products = jnp.fft.irfft(power.mean(axis=0), 2 * n_times, axis=0)[:n_lags]
    return products / (n_times - jnp.arange(n_lags, dtype=x.dtype))[:, None]


@partial(jax.jit, static_argnames="across")
def _standardised(x: Activity, across: str) -> Activity:
    """Subtract the mean and divide by the spread; NaN for units without one."""
    over = (0,) if across == "trials" else (0, 1)
    # Compared, not subtracted: a constant minus its rounded mean need not be 0.
    varies = x.max(axis=over, keepdims=True) > x.min(axis=over, keepdims=True)
    x = x - x.mean(axis=(1,) if across == "time" else over, keepdims=True)
    spread = jnp.sqrt((x**2).mean(axis=over, keepdims=True))
    return jnp.where(varies, x / jnp.where(varies, spread, 1), jnp.nan)


def autocorrelation(
    data: xr.Dataset | xr.DataArray,
    max_lag: float | None = None,
    *,
    across: Literal["trials", "all", "time"] = "trials",
    variable: str | None = None,
) -> xr.DataArray:
    r"""Autocorrelation of each unit's activity.

    Parameters
    ----------
    data
        Dims ``(trial | condition, time, unit)``, evenly sampled: trials of one condition, or the
        residuals around condition means, so that what is common to all trials does not count.
    max_lag
        Longest lag [ms]; default a third of the trial, since few pairs remain at long lags.
    across
        "trials": the correlation across trials of bins `lag` apart, averaged over such pairs of
        bins (Murray et al.); activity locked to the trial drops out. "all": the product of
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
    array = pick(data, variable)
    if array.dims != (rows(array), "time", "unit"):
        raise LabelError(f"autocorrelation needs (trial, time, unit), got dims {array.dims}.")
    x = traces(array)
    if across == "trials" and x.shape[0] < 3:
        raise LabelError(
            f"a correlation across trials needs three of them at least, got {x.shape[0]}; "
            "across='all' works on one."
        )
    step = time_step(array, what="data")
    n_lags = x.shape[1] // 3 if max_lag is None else int(np.floor(max_lag / step + 1e-6))
    if not 1 <= n_lags < x.shape[1]:
        raise ValueError(
            f"max_lag must lie between one step ({step:g} ms) and the trial "
            f"({x.shape[1]} steps), got {max_lag}."
        )
    values = _autocovariance(_standardised(x, across), n_lags + 1)
    units = {n: c.variable for n, c in array.coords.items() if c.dims == ("unit",)}
    lag = ("lag", np.arange(n_lags + 1) * step, {"units": "ms", "long_name": "lag"})
    return xr.DataArray(
        np.asarray(values),
        dims=("lag", "unit"),
        coords={"lag": lag, **units},
        attrs={"units": "1", "long_name": "autocorrelation", "across": across},
        name="autocorrelation",
    )
