"""Peri-stimulus time histograms with intervals over trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from neurodyn import labels
from neurodyn.analysis.shared.bootstrap import known_quantiles
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.common.checks import plain_number, whole
from neurodyn.labels import LabelError
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.roles import chosen
from neurodyn.signals.conditions import conditions_of
from neurodyn.spikes import align, rate
from neurodyn.spikes.blocks import bins_observed
from neurodyn.spikes.count import places_in_bins
from neurodyn.spikes.join import in_order, in_trials

Interval = Literal["normal", "bootstrap"]
#: Numbers (trial, time, unit) that are held in memory at a time.
_AT_ONCE = 2**23


class _Means(NamedTuple):
    """Means over the trials of each condition (condition, time, unit), and their intervals."""

    mean: np.ndarray
    sem: np.ndarray
    n: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None


@takes(spikes=DATASET)
def psth(
    spikes: xr.Dataset,
    by: str | Sequence[str] | None = None,
    *,
    event: str | xr.DataArray | None = None,
    bin_width: Number | None = None,
    sigma: Number | None = None,
    window: Window | None = None,
    interval: Interval | None = "normal",
    level: Number = 0.95,
    n_draws: int = 1000,
    key: Any = None,
) -> xr.Dataset:
    """Peri-stimulus time histograms with intervals over trials.

    The means and standard errors are those of `neurodyn.trials.psth`; intervals are added, and many
    units and trials take less time and memory, because the counts of single trials are not kept.

    Parameters
    ----------
    spikes
        Spike Dataset in trials; a continuous one with `event` and `window`; or ``spike_count`` in
        trials.
    by
        Trial coordinates that make a condition; default: the conditions of the task, for runs;
        recordings have no default. An empty list averages all trials.
    event
        Time 0 of each trial of a continuous recording [ms, clock of the recording], as
        `neurodyn.spikes.align` takes it: a column of its trial table, or times on ``trial``.
    bin_width
        Width of the bins [ms]; default 10 ms, because that resolves kernels of 20 ms and more; of
        counts their own.
    sigma
        Standard deviation of the Gaussian that smooths each trial [ms], 20 to 50 as a rule; None
        does not smooth.
    window
        First and last edge [ms]; default: all that was observed.
    interval
        "normal": mean plus and minus Student's t times the standard error, not below 0 Hz.
        "bootstrap": percentiles of means of trials that are drawn with replacement within each
        condition, the same trials for all times and units. None: no interval.
    level
        Coverage of the interval.
    n_draws, key
        Number of draws of the bootstrap, and their seed or JAX key.

    Returns
    -------
    Dataset on (condition, time, unit): ``rate`` [Hz], ``sem`` (NaN of a single trial), ``low``,
    ``high`` and ``n_trials``. A bin counts for the trials in which the unit was observed in all of
    it: spikes and time of other trials (after ``valid_until``, in gaps) are left out of both
    numerator and denominator, and a bin that no trial observed is NaN.

    Raises
    ------
    LabelError
        If spikes are not in trials and no event is given, labels of conditions are missing, or bins
        do not fit.
    ValueError
        If `level` is not in (0, 1), or a bootstrap has no key.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> recording = spikes.from_times([[12.0, 13.0, 52.0]], window=(0, 80))
    >>> events = xr.DataArray([0.0, 40.0], dims="trial", name="cue")
    >>> found = analysis.psth(recording, [], event=events, window=(0, 40), bin_width=20.0)
    >>> found["rate"].values.ravel(), found["sem"].values.ravel()
    (array([75.,  0.]), array([25.,  0.]))
    """
    level = plain_number("level", level)
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    if interval not in ("normal", "bootstrap", None):
        raise ValueError(f"`interval` must be 'normal', 'bootstrap' or None, got {interval!r}.")
    whole("n_draws", n_draws)
    spikes, window = _in_trials(spikes, event, window)
    codes, columns = conditions_of(spikes, chosen(spikes, by))
    if "spike_time" in spikes and sigma is None and interval != "bootstrap":
        width = 10.0 if bin_width is None else bin_width
        means, time = _from_spikes(spikes, codes, width, window)
    else:
        draws = _draws(codes, n_draws, key) if interval == "bootstrap" else None
        means, time, width = _from_rates(spikes, codes, draws, (sigma, bin_width, window, level))
    if interval == "normal":
        means = _normal(means, level)
    dims = ("condition", "time", "unit")
    variables = {
        "rate": (dims, means.mean, "Hz", "firing rate"),
        "sem": (dims, means.sem, "Hz", "standard error of the mean of firing rate"),
        "n_trials": (dims, means.n.astype(int), "count", "number of trials"),
    }
    if means.low is not None:
        variables["low"] = (dims, means.low, "Hz", "lower end of the interval")
        variables["high"] = (dims, means.high, "Hz", "upper end of the interval")
    coords = {"time": ("time", time, "ms")} | coords_of(spikes, "unit", without=["unit_key"])
    about: dict[str, Any] = {"bin_width": float(width), "interval": str(interval), "level": level}
    about |= {} if sigma is None else {"sigma": float(sigma)}
    about |= {n: spikes.attrs[n] for n in ("align_event",) if n in spikes.attrs}
    return results(variables, coords | dict(columns), values=False, **about)


def _in_trials(
    spikes: xr.Dataset, event: Any, window: Window | None
) -> tuple[xr.Dataset, Window | None]:
    if event is not None:
        if window is None:
            raise LabelError("psth: with `event` pass window=(start, stop) around it, in ms.")
        return align(spikes, event, window), None
    if "spike_time" in spikes and not in_trials(spikes):
        raise LabelError(
            "psth: these spikes are not in trials: pass event= and window=, or cut them with "
            "neurodyn.trials.align; of a single trial select a list of one, .isel(trial=[0])."
        )
    if not {"spike_time", "spike_count"} & {*spikes.variables}:
        raise LabelError(
            "psth takes spikes or spike counts in trials, got "
            f"{list(spikes.data_vars)}: neurodyn.trials.average averages rates."
        )
    return spikes, window


def _from_spikes(
    spikes: xr.Dataset, codes: np.ndarray, width: Number, window: Window | None
) -> tuple[_Means, np.ndarray]:
    """Means of bins that are not smoothed, from the counts that are not 0."""
    found, place, edges = places_in_bins(spikes, width, window)
    assert found.trial is not None
    shape = (int(codes.max()) + 1, edges.size - 1, spikes.sizes["unit"])
    observed = _observed(spikes, edges)
    inside = place >= 0
    if observed is not None:
        inside[inside] = observed[found.trial[inside], place[inside], found.unit[inside]]
    trial, unit = found.trial, found.unit
    if not inside.all():
        trial, unit, place = trial[inside], unit[inside], place[inside]
    order = in_order(place, unit, trial)
    if order is not None:
        trial, unit, place = trial[order], unit[order], place[order]
    cell = (trial * shape[2] + unit) * shape[1] + place
    # Spikes of one trial, unit and bin stand together.
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    many = np.diff(np.append(first, cell.size)).astype(np.float64)
    where = (codes[trial[first]] * shape[1] + place[first]) * shape[2] + unit[first]
    size = int(np.prod(shape))
    total, square = (np.bincount(where, x, size).reshape(shape) for x in (many, many**2))
    n = np.broadcast_to(np.bincount(codes)[:, None, None], shape).astype(np.float64)
    if observed is not None:
        n = np.stack([observed[codes == c].sum(0) for c in range(shape[0])]).astype(np.float64)
    hertz = 1e3 / float(width)
    mean = np.where(n > 0, total / np.maximum(n, 1), np.nan)
    variance = np.maximum(square - total * np.where(n > 0, mean, 0), 0) / np.maximum(n - 1, 1)
    sem = np.where(n > 1, np.sqrt(variance / np.maximum(n, 1)), np.nan)
    return _Means(hertz * mean, hertz * sem, n), (edges[:-1] + edges[1:]) / 2


def _observed(spikes: xr.Dataset, edges: np.ndarray) -> np.ndarray | None:
    """Whether each bin (trial, time, unit) was observed in full; None if all were."""
    ends, holes = bins_observed(spikes, edges)
    if ends is None and holes is None:
        return None
    shape = (spikes.sizes["trial"], edges.size - 1, spikes.sizes["unit"])
    seen = np.ones(shape, bool) if holes is None else ~holes
    if ends is not None:
        seen &= (np.arange(shape[1]) < ends[:, None])[..., None]
    return seen


def _draws(codes: np.ndarray, n_draws: int, key: Any) -> list[np.ndarray]:
    """For each condition how often each of its trials is drawn (draw, trial)."""
    rng = generator(key, needed_for="psth with interval='bootstrap'")
    sizes = np.bincount(codes)
    return [rng.multinomial(n, np.full(n, 1 / n), n_draws).astype(np.float32) for n in sizes]


def _from_rates(
    spikes: xr.Dataset, codes: np.ndarray, draws: list[np.ndarray] | None, options: tuple
) -> tuple[_Means, np.ndarray, float]:
    """Means of the rates of single trials, some units at a time."""
    sigma, bin_width, window, level = options
    parts, rates = [], None
    for rates in _some_units(spikes, sigma, bin_width, window):
        values = rates["rate"].transpose("trial", "time", "unit").values
        each = [
            _of_condition(values[codes == c], None if draws is None else draws[c], level)
            for c in range(int(codes.max()) + 1)
        ]
        parts.append([None if x[0] is None else np.stack(x) for x in zip(*each, strict=True)])
    assert rates is not None
    joined = [None if x[0] is None else np.concatenate(x, -1) for x in zip(*parts, strict=True)]
    time = labels.clock(rates, default=1.0, even=False).time
    return _Means(*joined), time, labels.bin_width(rates, what="the counts")


def _some_units(
    spikes: xr.Dataset, sigma: Any, bin_width: Any, window: Any
) -> Iterator[xr.Dataset]:
    """Rates of single trials."""
    one = rate(spikes.isel(unit=[0]), sigma, bin_width=bin_width, window=window)
    many = max(_AT_ONCE // max(one["rate"].size, 1), 1)
    for start in range(0, spikes.sizes["unit"], many):
        some = spikes.isel(unit=slice(start, start + many))
        yield rate(some, sigma, bin_width=bin_width, window=window)


def _of_condition(values: np.ndarray, drawn: np.ndarray | None, level: float) -> tuple:
    """Mean, standard error, number and bootstrap interval over the first axis, without NaN."""
    there = ~np.isnan(values)
    n = there.sum(0)
    mean = np.where(there, values, 0).sum(0, dtype=np.float64) / np.maximum(n, 1)
    spread = np.where(there, values - mean, 0) ** 2
    sem = np.sqrt(spread.sum(0, dtype=np.float64) / np.maximum(n - 1, 1) / np.maximum(n, 1))
    mean, sem = np.where(n > 0, mean, np.nan), np.where(n > 1, sem, np.nan)
    if drawn is None:
        return mean, sem, n, None, None
    flat = np.where(there, values, 0).reshape(len(values), -1).astype(np.float32)
    number_drawn = len(values) if there.all() else drawn @ there.reshape(flat.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (drawn @ flat / number_drawn).reshape(-1, *mean.shape)
    low, high = known_quantiles(means, ((1 - level) / 2, (1 + level) / 2))
    alone = n < 2
    return mean, sem, n, np.where(alone, np.nan, low), np.where(alone, np.nan, high)


def _normal(means: _Means, level: float) -> _Means:
    reach = stdtrit(np.maximum(means.n - 1, 1), (1 + level) / 2) * means.sem
    low = np.where(np.isnan(reach), np.nan, np.maximum(means.mean - reach, 0))
    return means._replace(low=low, high=means.mean + reach)
