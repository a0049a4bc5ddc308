"""Intrinsic timescales of recorded units, with intervals: correlations across trials."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neurodyn.analysis.shared.arrays import checked, complete_until, pick, rows
from neurodyn.analysis.shared.bootstrap import known_mean, known_quantiles
from neurodyn.analysis.shared.results import coords_of, described
from neurodyn.analysis.timescales.streaming import label_lags
from neurodyn.analysis.timescales.time_constants import fit_exponential
from neurodyn.common.checks import check_whole
from neurodyn.common.random import as_key
from neurodyn.labels import LabelError, clock

#: Least number of trials for a correlation across trials.
LEAST_TRIALS = 3


def intrinsic_timescale(
    activity: xr.Dataset | xr.DataArray,
    max_lag: float | None = None,
    *,
    over: Literal["trial", "unit"] = "trial",
    n_draws: int = 200,
    level: float = 0.95,
    block: int = 1,
    first_lag: float | None = None,
    offset: bool = True,
    silent: float = 0.0,
    variable: str | None = None,
    key: Any = 0,
) -> xr.Dataset:
    r"""Timescale of each unit's fluctuations across trials, and of the population, with intervals.

    For every two time bins the correlation across trials, averaged over pairs `lag` apart, and
    :math:`A\,[\exp(-k/\tau) + B]` fitted from where the decay sets in. Activity that is locked to
    the trial drops out. The same function takes a run and a recording; compare them in the same
    windows, because the bias of the estimator depends on those (`timescale_recovery` measures it).

    Parameters
    ----------
    activity
        Dims ``(trial, time, unit)``, evenly sampled; spike counts in bins of some 50 ms, or rates.
        Trials of one condition, or residuals around condition means. A unit that was not recorded
        in a trial is NaN throughout it.
    max_lag
        Longest lag [ms]. Default: half of the trial, more than `autocorrelation` takes, because
        recordings are cut into short windows and a fit needs lags beyond the timescale.
    over
        "trial": intervals draw trials with replacement, and show the uncertainty of each unit's
        estimate. "unit": they draw units, and show that of the population; units get no interval.
    n_draws, level
        Number of draws, and coverage of the interval.
    block
        Trials are drawn in runs of so many that follow each other (the last before the first), all
        units alike. 1 takes trials for independent. Windows cut from one session are not, because
        fluctuations slower than a window span several of them: draw runs that last longer.
    first_lag, offset
        As for `fit_exponential`.
    silent
        Largest fraction of bins without any variation that a unit may have. The published
        criterion is 0: such a bin has no correlation with others. Above it, pairs with such bins
        are left out of the averages.
    variable
        Which variable of a Dataset.
    key
        Seed or key of the draws.

    Returns
    -------
    Dataset on ``unit``: ``tau``, ``low``, ``high`` [ms], ``amplitude``, ``offset``, ``r2``,
    ``n_trials``, ``status`` (as from `fit_exponential`; "silent" for units with too many silent
    bins), and ``draws_fitted``, the fraction of draws that could be fitted (an interval from few of
    them says little); ``autocorrelation`` (lag, unit). For the mean autocorrelation of all units
    that are not silent: ``population_tau``, ``population_low``, ``population_high``,
    ``population_amplitude``, ``population_offset``, ``population_status``,
    ``population_autocorrelation`` (lag).

    Raises
    ------
    LabelError
        If dims or labels are off, there are fewer than three trials, or NaN inside of a trial that
        no gap of the observation (attribute ``gaps``) explains.
    ValueError
        If a number does not fit, or the trials are too short for four lags.

    References
    ----------
    Murray et al. (2014), Nat. Neurosci. 17:1661.
    """
    if over not in ("trial", "unit"):
        raise ValueError(f"`over` is 'trial' or 'unit', got {over!r}.")
    check_whole(1, n_draws=n_draws, block=block)
    if not 0 < level < 1 or not 0 <= silent < 1:
        raise ValueError(
            f"`level` lies in (0, 1) and `silent` in [0, 1), got {level} and {silent}."
        )
    array, x, there = _trials(activity, variable)
    _, step, unit = clock(array)
    n_times = x.shape[1]
    n_lags = n_times // 2 if max_lag is None else int(np.floor(max_lag / step + 1e-6))
    if not 4 <= n_lags < n_times:
        raise ValueError(
            f"a fit needs four lags at least, within the trial: max_lag={max_lag} makes {n_lags} "
            f"steps of {step:g} ms, the trial has {n_times} bins. Cut longer trials, or finer bins."
        )
    key = as_key(key, needed_for="Drawing trials or units")
    assert key is not None
    once = there.astype(x.dtype)
    acf, quiet = _correlations(x, once, n_lags)
    used = np.asarray(quiet) <= silent * n_times + 1e-9
    acf = np.where(used[None], np.asarray(acf), np.nan)
    if over == "trial":
        shared = bool(array.attrs.get("simultaneous", 1)) and bool(there.all())
        if block > 1 and not (shared and block < len(x)):
            raise ValueError(
                f"block={block}: runs of trials need units that were recorded together in all "
                f"trials, and more trials than {block} (here {len(x)})."
            )
        drawn = _redraw(key, x, there, n_lags, n_draws, shared, block)
        drawn = np.where(used[None, None], np.asarray(drawn), np.nan)
        pooled = known_mean(drawn, 2)
    else:
        drawn = None
        among = np.flatnonzero(used) if used.any() else np.arange(used.size)
        chosen = jax.random.randint(key, (n_draws, among.size), 0, among.size)
        pooled = known_mean(acf[:, among[np.asarray(chosen)]], 2).T
    fitted = partial(_fit, step=step, unit=unit, first_lag=first_lag, offset=offset)
    ends = ((1 - level) / 2, (1 + level) / 2)
    return _labelled(array, acf, used, there, (step, unit), drawn, pooled, fitted, ends)


def _trials(activity, variable):
    """The array, its values with 0 where they are missing, and which units each trial has."""
    array = pick(activity, variable)
    if array.dims != (rows(array), "time", "unit"):
        raise LabelError(f"intrinsic_timescale needs (trial, time, unit), got dims {array.dims}.")
    values = checked(array, missing=True).astype(np.float64)
    missing = np.isnan(values)
    # Of a trial that a unit was not observed throughout, as `neurodyn.spikes` marks it, no part is
    # used, because bins at all lags are correlated over the same trials.
    lost = missing.any(axis=1) if array.attrs.get("gaps") else missing.all(axis=1)
    missing, there = missing | lost[:, None], ~lost
    within = missing & there[:, None]
    if within.any():
        raise LabelError(
            "there are NaN inside of trials: cut all trials to a window that is filled"
            f"{complete_until(array, within)}."
        )
    if (few := there.sum(axis=0).min()) < LEAST_TRIALS:
        raise LabelError(
            f"a correlation across trials needs {LEAST_TRIALS} of them at least, got {few}; "
            "a continuous recording is cut into windows first (neurodyn.spikes.align)."
        )
    # Correlations ignore offset and scale of every bin, but float32 loses digits to both.
    # Subtracting a value that occurs and dividing by a power of two keeps constant bins exactly
    # constant.
    values = values - np.where(missing, np.inf, values).min(axis=0)
    values = np.where(missing, 0, values)
    values = np.ldexp(values, -np.frexp(values.max(axis=0))[1])
    return array, jnp.asarray(values, jnp.result_type(float)), jnp.asarray(there)


@partial(jax.jit, static_argnames="n_lags")
def _correlations(x: Float[Array, "trial time unit"], weight: Float[Array, "trial unit"], n_lags):
    """Mean correlation of bins `lag` apart, and number of constant bins, of every unit."""
    n_times = x.shape[1]
    first = jnp.arange(n_times)[None, :]
    second = first + jnp.arange(n_lags + 1)[:, None]
    inside = second < n_times
    second = jnp.minimum(second, n_times - 1)

    def one(x, weight):
        share = weight / weight.sum()
        deviation = x - (share @ x)[None]
        covariance = (share[:, None] * deviation).T @ deviation
        variance = jnp.diag(covariance)
        # Compared, not subtracted: a constant minus its rounded mean need not be 0.
        seen = weight[:, None] > 0
        top = jnp.where(seen, x, -jnp.inf).max(axis=0)
        varies = top > jnp.where(seen, x, jnp.inf).min(axis=0)
        spread = jnp.sqrt(jnp.where(varies, variance, 1))
        r = covariance / (spread[:, None] * spread[None, :])
        use = inside & varies[first] & varies[second]
        pairs = use.sum(axis=1)
        mean = jnp.where(use, r[first, second], 0).sum(axis=1) / jnp.maximum(pairs, 1).astype(
            x.dtype
        )
        return jnp.where(pairs > 0, mean, jnp.nan), (~varies).sum()

    return jax.vmap(one, in_axes=(2, 1), out_axes=(1, 0))(x, weight)


@partial(jax.jit, static_argnames=("n_lags", "n_draws", "shared", "block"))
def _redraw(key, x, there, n_lags: int, n_draws: int, shared: bool, block: int):
    """Autocorrelations ``(draw, lag, unit)`` of trials drawn with replacement."""
    n_trials, n_units = there.shape

    def draw(key):
        if shared:
            first = jax.random.randint(key, (-(-n_trials // block),), 0, n_trials)
            runs = (first[:, None] + jnp.arange(block)[None, :]) % n_trials
            chosen = runs.ravel()[:n_trials]
            count = jnp.zeros((n_trials,), x.dtype).at[chosen].add(1)
            weight = jnp.broadcast_to(count[:, None], there.shape)
        else:
            weight = jax.vmap(_own_draw, (0, 1), 1)(jax.random.split(key, n_units), there)
        return _correlations(x, weight.astype(x.dtype), n_lags)[0]

    return jax.lax.map(draw, jax.random.split(key, n_draws))


def _own_draw(key, there) -> Int[Array, " trial"]:
    """Number of times that each trial of one unit is drawn, among its own trials."""
    n = there.sum()
    order = jnp.argsort(~there, stable=True)
    position = jax.random.randint(key, there.shape, 0, 2**30) % n
    among = (jnp.arange(there.size) < n).astype(jnp.int32)
    return jnp.zeros(there.shape, jnp.int32).at[order[position]].add(among)


def _fit(acf: np.ndarray, *, step: float, unit: str, first_lag, offset: bool) -> xr.Dataset:
    return fit_exponential(label_lags(acf, step, unit), first_lag=first_lag, offset=offset)


def _labelled(array, acf, used, there, ticks, drawn, pooled, fitted, ends) -> xr.Dataset:
    step, unit = ticks
    result = fitted(acf)
    status = np.where(used, result["status"].values, "silent")
    result["status"] = ("unit", status, result["status"].attrs)
    result["n_trials"] = described("unit", np.asarray(there).sum(0), "count", "number of trials")
    if drawn is not None:
        n_draws, n_lags, n_units = drawn.shape
        tau = fitted(drawn.transpose(1, 0, 2).reshape(n_lags, -1))["tau"].values
        tau = tau.reshape(n_draws, n_units)
        low, high = known_quantiles(tau, ends)
        share = np.isfinite(tau).mean(axis=0)
        result["low"] = described("unit", low, unit, "lower end of the interval of tau")
        result["high"] = described("unit", high, unit, "upper end of the interval of tau")
        result["draws_fitted"] = described("unit", share, "1", "fraction of draws that were fitted")
    lagged = label_lags(acf, step, unit)
    result["autocorrelation"] = lagged
    mean = known_mean(acf, 1)
    one = fitted(mean[:, None]).isel(unit=0)
    for name in ("tau", "amplitude", "offset", "status"):
        about = one[name].attrs | {"long_name": f"{one[name].attrs['long_name']}, mean of units"}
        result[f"population_{name}"] = ((), one[name].values, about)
    tau = fitted(pooled.T)["tau"].values
    low, high = known_quantiles(tau, ends)
    for name, value, which in (("low", low, "lower end"), ("high", high, "upper end")):
        result[f"population_{name}"] = described((), value, unit, f"{which}, mean of units")
    share = np.isfinite(tau).mean()
    result["population_draws_fitted"] = described((), share, "1", "fraction of draws fitted")
    result["population_autocorrelation"] = described("lag", mean, "1", "mean autocorrelation")
    coords = coords_of(array, "unit", without=["tau"])
    return result.assign_coords(coords).assign_attrs(n_used=int(used.sum()))
