"""Auto- and cross-correlograms of all pairs of units, with controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.coincidences import (
    Observation,
    Trains,
    coincidences,
    observation_of,
    trains_of,
)
from neurodyn.analysis.spike_trains.observed import observed_window
from neurodyn.analysis.spike_trains.pairs import partners
from neurodyn.analysis.spike_trains.surrogates import jittered, other_trials
from neurodyn.common.checks import plain_number, whole
from neurodyn.labels import TIME_TOLERANCE, LabelError
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.roles import chosen
from neurodyn.signals.conditions import conditions_of
from neurodyn.spikes.join import in_trials

#: Largest number of values of a control, over all draws, lags and pairs.
_MOST = 2**28
#: Spikes of surrogates that are made at a time.
_AT_ONCE = 2**21
_UNITS = {
    "count": ("count", "coincidences"),
    "rate": ("Hz", "rate of the second unit"),
    "normalised": ("1", "rate of the second unit over its mean"),
}


@takes(spikes=DATASET)
def correlogram(
    spikes: xr.Dataset,
    *,
    max_lag: Number = 50.0,
    bin_width: Number = 1.0,
    scale: Literal["count", "rate", "normalised"] = "rate",
    control: Literal["jitter", "shuffle"] | None = None,
    jitter: Number = 20.0,
    by: str | Sequence[str] | None = None,
    level: Number = 0.95,
    n_draws: int = 100,
    key: Any = None,
    window: Window | None = None,
) -> xr.Dataset:
    r"""Auto- and cross-correlograms of all pairs of units, at exact differences of spike times.

    Parameters
    ----------
    spikes
        Spike Dataset, in trials or continuous. No pair of spikes is from two trials.
    max_lag
        Largest lag [ms], a multiple of `bin_width`.
    bin_width
        Width of the bins of lags [ms], which are centred at multiples of it: the bin at 0 goes from
        minus to plus half a width.
    scale
        "count": number of coincidences. "rate": rate of the second unit [Hz] at that lag from a
        spike of the first. "normalised": this rate over the mean rate of the second unit, 1 for
        independent units. For the last two, counts are divided by
        :math:`n_i \, w \, O_{ij}(\tau) / O_i`, with :math:`n_i` spikes of the first unit, the bin
        :math:`w`, and the time :math:`O_{ij}(\tau)` for which both units were observed at that lag,
        so that ends of trials and gaps do not make correlograms fall off.
    control
        What coincidences would be by rates alone. "jitter": each spike at a random time of its
        interval of `jitter` ms, which keeps everything slower and destroys what is finer. "shuffle"
        (in trials): the second unit in another trial of the same condition, which keeps what is
        locked to the event. None: no control.
    jitter
        Width of the intervals within which spikes are jittered [ms]; a few times the precision that
        is asked about.
    by
        Trial coordinates that make a condition, within which trials are shuffled; default: the
        conditions of the task, for runs; recordings have no default. An empty list takes all trials
        as one condition.
    level
        Coverage of the interval of the control, at each lag.
    n_draws, key
        Number of draws of the control, and their seed or JAX key.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    Dataset on (lag, unit, unit_to): ``correlogram``; a positive lag is a spike of ``unit_to`` after
    one of ``unit``, so that ``[lag, i, j]`` is ``[-lag, j, i]`` but for the scale. On the diagonal
    stand auto-correlograms, without the coincidence of each spike with itself. With a control
    ``control``, its mean over draws, ``low`` and ``high``, its interval at each lag, and
    ``corrected``, the difference. ``n_spikes`` (unit). NaN where there are no spikes to divide by.

    Raises
    ------
    LabelError
        If it is not known which times were observed, shuffled spikes are not in trials, or a
        condition has a single trial.
    ValueError
        If lags and bins do not fit, there is no such scale or control, or a control has no key.

    Notes
    -----
    elephant counts spikes in bins first and takes products of counts, which blurs lags by a bin:
    the numbers are equal where spike times are multiples of the bin. pynapple divides by
    :math:`n_i w` alone, without the ends.

    References
    ----------
    Perkel et al. (1967), Biophys. J. 7:419. Jitter: Amarasingham et al. (2012), J. Neurophysiol.
    107:517.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.from_times([[10.0, 50.0], [12.0, 52.0]], window=(0, 100))
    >>> found = analysis.correlogram(ds, max_lag=3.0, scale="count")["correlogram"]
    >>> found.sel(unit=0, unit_to=1).values
    array([0., 0., 0., 0., 0., 2., 0.])
    """
    width, reach, lags = _lags(bin_width, max_lag)
    _check(scale, control, level)
    start, stop = observed_window(spikes, window, "correlogram")
    trains, seen = trains_of(spikes, start, stop), observation_of(spikes, start, stop)
    n = spikes.sizes["unit"]
    counts = _counts(trains, trains, seen.start.shape[1], n, width, lags.size)[0]
    norm = _norm(trains, seen, lags, width, scale, n)
    dims = ("lag", "unit", "unit_to")
    units, name = _UNITS[scale]
    value = counts / norm
    variables = {
        "correlogram": (dims, value, units, name),
        "n_spikes": ("unit", np.bincount(trains.unit, minlength=n), "count", "spikes"),
    }
    about: dict[str, Any] = {"bin_width": width, "max_lag": reach, "scale": scale}
    if control is not None:
        if n_draws * counts.size > _MOST:
            raise ValueError(
                f"{n_draws} draws of {lags.size} lags of {n} times {n} units do not fit into "
                "memory: take fewer draws, units or lags."
            )
        whole("n_draws", n_draws)
        rng = generator(key, needed_for="correlogram with a control")
        width_of_jitter = plain_number("jitter", jitter, above=0)
        if control == "jitter":
            drawn = _jitter_draws(
                spikes, trains, seen, width_of_jitter, start, n_draws, rng, width, lags
            )
            about["jitter"] = width_of_jitter
        else:
            drawn = _shuffle_draws(spikes, trains, seen, by, n_draws, rng, width, lags)
        drawn = np.concatenate(list(drawn)) / norm
        ends = (1 - float(level)) / 2
        low, high = np.quantile(drawn, (ends, 1 - ends), axis=0)
        mean = drawn.mean(0)
        variables |= {
            "control": (dims, mean, units, f"{name}, control"),
            "low": (dims, low, units, "lower end of the interval of the control"),
            "high": (dims, high, units, "upper end of the interval of the control"),
            "corrected": (dims, value - mean, units, f"{name}, beyond the control"),
        }
        about |= {"control": control, "n_draws": n_draws, "level": float(level)}
    coords = {"lag": ("lag", lags, "ms")} | coords_of(spikes, "unit", without=["unit_key"])
    return results(variables, coords | partners(spikes, "unit"), values=False, **about)


def _lags(bin_width: Number, max_lag: Number) -> tuple[float, float, np.ndarray]:
    width = plain_number("bin_width", bin_width, above=0)
    reach = plain_number("max_lag", max_lag, low=0)
    many = round(reach / width)
    if abs(many * width - reach) > TIME_TOLERANCE:
        raise ValueError(f"`max_lag` must be a multiple of `bin_width`, got {reach:g}, {width:g}.")
    return width, reach, np.arange(-many, many + 1) * width


def _check(scale: str, control: str | None, level: Number) -> None:
    if scale not in _UNITS:
        raise ValueError(f"`scale` must be one of {list(_UNITS)}, got {scale!r}.")
    if control not in ("jitter", "shuffle", None):
        raise ValueError(f"`control` must be 'jitter', 'shuffle' or None, got {control!r}.")
    if not 0 < float(level) < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")


def _counts(
    reference: Trains, target: Trains, n_trials: int, n: int, width: float, n_lags: int
) -> Float[np.ndarray, "draw lag unit unit_to"]:
    """Coincidences of all pairs; every `n_trials` trials are a draw."""
    last = max((int(x.trial[-1]) for x in (reference, target) if x.trial.size), default=0)
    shape = (last // n_trials + 1, n_lags, n, n)
    found = np.zeros(int(np.prod(shape)))
    half = n_lags // 2
    for one, other, apart in coincidences(reference, target, (half + 0.5) * width):
        # By size, so that both directions have the same edges.
        place = np.sign(apart).astype(int) * np.floor(np.abs(apart) / width + 0.5).astype(int)
        inside = np.abs(place) <= half
        one, other, place = one[inside], other[inside], place[inside]
        draw = reference.trial[one] // n_trials
        cell = (draw * n_lags + place + half) * n + reference.unit[one]
        found += np.bincount(cell * n + target.unit[other], minlength=found.size)
    return found.reshape(shape)


def _norm(
    trains: Trains, seen: Observation, lags: np.ndarray, width: float, scale: str, n: int
) -> np.ndarray | float:
    if scale == "count":
        return 1.0
    many, total = np.bincount(trains.unit, minlength=n), seen.total()
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = seen.shared(lags) * (many / total)[:, None] * width / 1e3
        if scale == "normalised":
            chance = chance * (1e3 * many / total)
    return np.where(chance > 0, chance, np.nan)


def _jitter_draws(
    spikes: xr.Dataset,
    trains: Trains,
    seen: Observation,
    jitter: float,
    start: float,
    n_draws: int,
    rng: np.random.Generator,
    width: float,
    lags: np.ndarray,
) -> Iterator[np.ndarray]:
    """Coincidences of jittered trains, some draws at a time."""
    n, n_trials = spikes.sizes["unit"], seen.start.shape[1]
    at_once = max(_AT_ONCE // max(trains.time.size, 1), 1)
    for first in range(0, n_draws, at_once):
        draws = min(at_once, n_draws - first)
        made = jittered(trains, seen, jitter, start, n_trials, draws, rng)
        found = _counts(made, made, n_trials, n, width, lags.size)
        yield np.concatenate([found, np.zeros((draws - len(found), *found.shape[1:]))])


def _shuffle_draws(
    spikes: xr.Dataset,
    trains: Trains,
    seen: Observation,
    by: str | Sequence[str] | None,
    n_draws: int,
    rng: np.random.Generator,
    width: float,
    lags: np.ndarray,
) -> Iterator[np.ndarray]:
    """Coincidences with another trial of the condition, for the time that both were observed."""
    if not in_trials(spikes):
        raise LabelError(
            "correlogram: control='shuffle' pairs trials, and these spikes have none: cut them "
            "(neurodyn.spikes.align), or take control='jitter'."
        )
    codes, columns = conditions_of(spikes, chosen(spikes, by))
    if (few := np.bincount(codes) < 2).any():
        alone = columns["condition"].values[few].tolist()
        raise LabelError(
            f"correlogram: conditions {alone} have a single trial, which cannot be shuffled: leave "
            "them out, or pass by=[]."
        )
    n, n_trials = spikes.sizes["unit"], codes.size
    same = bool((seen.start == seen.start[:, :1]).all() and (seen.stop == seen.stop[:, :1]).all())
    whole_time = None if same else seen.shared(lags)
    others = other_trials(codes, n_draws, rng)
    first = np.searchsorted(trains.trial, np.arange(n_trials + 1))
    many = np.diff(first)
    for other in others:
        size = many[other]
        index = np.arange(size.sum()) + np.repeat(first[other] - np.cumsum(size) + size, size)
        trial = np.repeat(np.arange(n_trials), size)
        moved = Trains(trains.time[index], trains.unit[index], trial)
        found = _counts(trains, moved, n_trials, n, width, lags.size)
        if whole_time is not None:
            time = seen.shared(lags, other)
            found = found * np.where(time > 0, whole_time / np.where(time > 0, time, 1), 0)
        yield found
