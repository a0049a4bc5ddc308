"""Tuning to the conditions of trials: curves, their depth and significance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.firing import binned_counts, require_units
from neurodyn.analysis.spike_trains.observed import observed_time, observed_window, within
from neurodyn.common.checks import plain_number, whole
from neurodyn.labels import LabelError
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.roles import chosen
from neurodyn.labels.values import is_words
from neurodyn.signals.conditions import conditions_of
from neurodyn.spikes.join import in_trials

#: Sums of permuted trials that are held in memory at a time.
_AT_ONCE = 2**23


@takes(spikes=DATASET)
def tuning_curve(
    spikes: xr.Dataset,
    by: str | Sequence[str] | None = None,
    *,
    period: Number | None = None,
    window: Window | None = None,
    n_permutations: int = 1000,
    key: Any = 0,
) -> xr.Dataset:
    r"""Mean rates of each condition, how deep units are tuned, and whether that is chance.

    Parameters
    ----------
    spikes
        Spike Dataset in trials, or ``spike_count`` or ``rate`` [Hz] in trials.
    by
        Trial coordinates that make a condition, one (``"direction"``) or several; default: the
        conditions of the task, for runs; recordings have no default.
    period
        Of a circular label, its period in its own units (360, or :math:`2 \pi`); None: not
        circular.
    window
        When spikes count [ms], half-open; default: all that was observed.
    n_permutations, key
        Number of permutations of the trials, and their seed or JAX key.

    Returns
    -------
    Dataset. On (condition, unit): ``rate`` [Hz], the mean over trials of spikes by the time in
    which the unit was observed; ``sem``; ``n_trials``. On ``unit``: ``depth``, (max - min) over
    (max + min) of the curve, which noise raises; ``explained``, the share of the variance over
    trials that lies between conditions; ``p_value``, the share of permutations of the trials that
    explain as much (counting the data as one), small if conditions differ; ``preferred``, the label
    of the condition with the highest mean. With `period` also ``direction``, that of the sum of
    the rates as vectors, and ``vector_length``, its length over the sum of the rates (0: no
    direction, 1: a single one). NaN of units that never fired.

    Raises
    ------
    LabelError
        If there are no trials, a single condition, no condition with two trials, or a circular
        label is not one label of numbers.
    ValueError
        If `period` or `n_permutations` is not positive.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> trial = np.repeat(np.arange(8), [1, 1, 5, 5, 1, 1, 1, 1])
    >>> ds = spikes.dataset(
    ...     np.arange(trial.size) * 1.0, np.zeros(trial.size, int), trial, source="recording",
    ...     coords={"unit": [0], "trial": np.arange(8),
    ...             "angle": ("trial", np.repeat([0, 90, 180, 270], 2))}, window=(0, 100),
    ... )
    >>> found = analysis.tuning_curve(ds, "angle", period=360)
    >>> found["rate"].values.ravel(), float(found["direction"][0].round(6))
    (array([10., 50., 10., 10.]), 90.0)
    """  # fmt: skip
    whole("n_permutations", n_permutations)
    rates = _trial_rates(spikes, window)
    by = chosen(spikes, by)
    codes, columns = conditions_of(spikes, by)
    n_conditions = int(codes.max()) + 1
    if n_conditions < 2:
        raise LabelError(f"tuning_curve: {by or 'all trials'} make a single condition; two needed.")
    if np.bincount(codes).max() < 2:
        raise LabelError(
            f"tuning_curve: {by} make as many conditions as trials, and tuning is judged by the "
            "spread over trials of one condition: choose fewer labels, or bin them."
        )
    seen = ~np.isnan(rates)
    member = (codes == np.arange(n_conditions)[:, None]).astype(np.float64)
    n = member @ seen
    mean = np.where(n > 0, member @ np.where(seen, rates, 0) / np.maximum(n, 1), np.nan)
    square = np.where(seen, rates - mean[codes], 0) ** 2
    sem = np.sqrt(member @ square / np.maximum(n - 1, 1) / np.maximum(n, 1))
    rng = generator(key, needed_for="tuning_curve")
    explained, p = _explained(rates, codes, n_permutations, rng)
    best = np.where(np.isnan(mean).all(0), 0, np.nanargmax(np.nan_to_num(mean, nan=-1.0), 0))
    dims = ("condition", "unit")
    variables = {
        "rate": (dims, mean, "Hz", "firing rate"),
        "sem": (dims, np.where(n > 1, sem, np.nan), "Hz", "standard error of firing rate"),
        "n_trials": (dims, n.astype(int), "count", "number of trials"),
        "depth": ("unit", depth(mean), "1", "depth of tuning"),
        "explained": ("unit", explained, "1", "variance between conditions"),
        "p_value": ("unit", p, "1", "p value of tuning"),
        "preferred": ("unit", columns["condition"].values[best], "1", "preferred condition"),
    }
    if period is not None:
        angle, units = _angles(columns, by, plain_number("period", period, above=0))
        direction, length = direction_of(mean, angle)
        direction = direction / (2 * np.pi) * float(period)
        variables["direction"] = ("unit", direction, units, f"preferred {by[0]}")
        variables["vector_length"] = ("unit", length, "1", "length of the mean vector")
    coords = coords_of(spikes, "unit", without=["unit_key"]) | dict(columns)
    about: dict[str, Any] = {"n_permutations": n_permutations}
    about |= {} if period is None else {"period": float(period)}
    about |= {} if window is None else {"window": [float(edge) for edge in window]}
    return results(variables, coords, values=False, **about)


def _trial_rates(spikes: xr.Dataset, window: Window | None) -> np.ndarray:
    """Rate of each unit in each trial [Hz] (trial, unit), NaN where it was not observed."""
    if "spike_time" in spikes.variables:
        if not in_trials(spikes):
            raise LabelError(
                "tuning_curve: these spikes are not in trials: cut them (neurodyn.spikes.align); "
                "tuning_map takes variables that change over time."
            )
        start, stop = observed_window(spikes, window, "tuning_curve")
        found = within(spikes, start, stop)
        assert found.trial is not None
        shape = (spikes.sizes["trial"], spikes.sizes["unit"])
        count = np.bincount(found.trial * shape[1] + found.unit, minlength=shape[0] * shape[1])
        seen = observed_time(spikes, start, stop)
        return np.where(seen > 0, 1e3 * count.reshape(shape) / np.where(seen > 0, seen, 1), np.nan)
    if "spike_count" in spikes:
        counts = binned_counts(spikes, window, None, "tuning_curve")
        rate = counts["spike_count"] * (1e3 / labels.bin_width(counts, what="the counts"))
    elif "rate" in spikes:
        require_units(spikes["rate"], "tuning_curve: the rates")
        rate = labels.between(spikes, window, what="the rates")["rate"]
    else:
        raise LabelError(
            f"tuning_curve takes spikes, spike counts or rates, got {list(spikes.data_vars)}."
        )
    if "trial" not in rate.dims:
        raise LabelError(f"tuning_curve: there are no trials, only the dims {rate.dims}.")
    over = [d for d in rate.dims if d not in ("trial", "unit")]
    return rate.mean(over, skipna=True, dtype=np.float64).transpose("trial", "unit").values


def depth(mean: np.ndarray) -> np.ndarray:
    """(max - min) / (max + min) over all axes but the last; NaN where nothing fired."""
    flat = mean.reshape(-1, mean.shape[-1])
    there = ~np.isnan(flat)
    high, low = np.where(there, flat, -np.inf).max(0), np.where(there, flat, np.inf).min(0)
    fired = there.any(0) & (high > 0)
    high, low = np.where(fired, high, 1), np.where(fired, low, 0)
    return np.where(fired, (high - low) / (high + low), np.nan)


def _explained(
    rates: np.ndarray, codes: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the variance over trials between conditions, and its p value, of each unit."""
    seen = ~np.isnan(rates)
    count = np.maximum(seen.sum(0), 1)
    mean = np.where(seen, rates, 0).sum(0) / count
    x = np.where(seen, rates - mean, 0)
    total = (x**2).sum(0)
    # Rates that differ by rounding only do not vary.
    varies = total > 1e-20 * count * mean**2
    conditions = np.arange(codes.max() + 1)
    all_seen = bool(seen.all())

    def between(order: np.ndarray) -> np.ndarray:
        """Sum of squares between conditions of each order of the codes (order, unit)."""
        member = (order[:, None, :] == conditions[:, None]).astype(np.float64)
        sums = member @ x
        sizes = member.sum(-1)[..., None] if all_seen else member @ seen
        return (sums**2 / np.maximum(sizes, 1)).sum(1)

    found = between(codes[None])[0]
    at_once = max(_AT_ONCE // (conditions.size * max(rates.shape)), 1)
    higher = np.zeros(rates.shape[1])
    for begin in range(0, n, at_once):
        order = rng.permuted(np.tile(codes, (min(at_once, n - begin), 1)), axis=1)
        higher += (between(order) >= found * (1 - 1e-6)).sum(0)
    share = np.where(varies, found / np.where(varies, total, 1), np.nan)
    return share, np.where(varies, (1 + higher) / (1 + n), np.nan)


def _angles(columns: Any, by: Sequence[str], period: float) -> tuple[np.ndarray, str]:
    if len(by) != 1 or is_words(columns[by[0]].values):
        raise LabelError(
            f"tuning_curve: with `period` conditions are one circular label of numbers, got {by}."
        )
    label = columns[by[0]]
    return label.values / period * 2 * np.pi, str(label.attrs.get("units", "1"))


def direction_of(mean: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle [rad, from 0] and relative length of the sum of rates (condition, unit) as vectors."""
    there = np.where(np.isnan(mean), 0, mean)
    vector, total = np.exp(1j * angle) @ there, there.sum(0)
    length = np.where(total > 0, np.abs(vector) / np.where(total > 0, total, 1), np.nan)
    known = (total > 0) & (length > 1e-12)
    return np.where(known, np.angle(vector) % (2 * np.pi), np.nan), length
