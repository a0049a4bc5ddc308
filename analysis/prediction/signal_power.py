"""Signal and noise power: how much of the variance of a unit repeats from trial to trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import checked, pick, rows
from neurodyn.analysis.shared.ceiling import refuse_single_trials
from neurodyn.analysis.shared.conditions import condition_codes, condition_means
from neurodyn.analysis.shared.resampling import Trials, group_trials
from neurodyn.analysis.shared.results import coords_of, table
from neurodyn.analysis.shared.scaling import balanced_by
from neurodyn.labels import LabelError
from neurodyn.labels.roles import chosen


class Powers(NamedTuple):
    """Powers of each unit.

    Attributes
    ----------
    signal
        Variance of the expected response over conditions and times; an estimate may be negative.
    noise
        Variance of a trial around it, without the part that shifts all samples alike.
    mean
        Variance of the mean over trials, which holds signal and what is left of the noise.
    """

    signal: Float[Array, " unit"]
    noise: Float[Array, " unit"]
    mean: Float[Array, " unit"]


@jax.jit
def powers(trials: Trials) -> Powers:
    """Signal, noise and total power; every condition needs two trials."""
    n = trials.n_conditions

    def of_group(values, codes, counts):
        def totals(x):
            return jax.ops.segment_sum(x, codes, num_segments=n + 1)[:-1]

        number = counts.astype(values.dtype)[:, None, None]
        mean = totals(values) / number
        apart = values - jnp.concatenate([mean, jnp.zeros_like(mean[:1])])[codes]
        variance = totals(apart**2) / (number - 1)
        shift = totals(apart.mean(axis=1, keepdims=True) ** 2) / (number - 1)
        # A shift of all samples is no variance over samples.
        per_trial = variance.mean(axis=(0, 1)) - shift.sum(axis=(0, 1)) / n**2
        left = (variance / number).mean(axis=(0, 1)) - (shift / number).sum(axis=(0, 1)) / n**2
        whole = jnp.var(mean, axis=(0, 1))
        return Powers(whole - left, per_trial, whole)

    each = jax.vmap(of_group)(trials.values, trials.codes, jnp.asarray(trials.counts))
    return jax.tree.map(lambda a: a.reshape(-1), each)


def signal_power(
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None = None,
    *,
    variable: str | None = None,
) -> xr.Dataset:
    """Signal and noise power of each unit, from trials that repeat conditions.

    The variance of the mean response over conditions and times holds the signal and what is left of
    the noise after averaging. The latter follows from the variance between trials, and is
    subtracted. Conditions may have different numbers of trials.

    Parameters
    ----------
    activity
        Trials ``(trial, time, unit)`` with labels.
    by
        Labels that make a condition; default: those of the task, where a run knows them; ``[]``
        for one condition, whose response varies over time alone.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset on ``unit``: ``signal_power`` and ``noise_power``, in the square of the unit of
    `activity` (an estimate of the signal power can be negative, and is kept); ``cc_max``, the
    largest correlation that a model can have with the mean over trials, the square root of the
    share of the signal in its variance, NaN where the signal power is not positive.

    Raises
    ------
    LabelError
        If a condition has a single trial, or labels or values are missing.

    References
    ----------
    Sahani & Linden (2003), NIPS 15:125 (one condition); Schoppe et al. (2016), Front. Comput.
    Neurosci. 10:10.
    """
    array = pick(activity, variable)
    if rows(array) == "condition":
        raise LabelError("signal power needs single trials; these are condition means.")
    by = chosen(array, by)
    means = condition_means(array, by)
    codes = condition_codes(array, means, by)
    trials = group_trials(array, codes, means.sizes["condition"], what="activity", balance=True)
    refuse_single_trials(trials, means)
    scale = balanced_by(checked(array.transpose("trial", ..., "unit"), missing=True))[1]
    found = jax.tree.map(lambda a: np.asarray(a, np.float64), powers(trials))
    units = str(array.attrs.get("units", "1"))
    squared = units if units == "1" else f"({units})^2"
    variables = {
        "signal_power": ("unit", found.signal * scale**2, squared, "signal power"),
        "noise_power": ("unit", found.noise * scale**2, squared, "noise power of a trial"),
        "cc_max": ("unit", np.sqrt(share(found)), "1", "largest correlation with the mean"),
    }
    return table(variables, coords_of(array, "unit"), by=", ".join(by))


def share(found: Powers) -> np.ndarray:
    """Share of the signal in the variance of the mean; NaN where the signal is not positive."""
    signal, whole = np.asarray(found.signal, np.float64), np.asarray(found.mean, np.float64)
    positive = signal > 0
    return np.where(positive, signal / np.where(positive, whole, 1), np.nan)
