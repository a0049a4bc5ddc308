"""When the units of an NWB file were observed: `obs_intervals` and `invalid_times`."""

import warnings
from typing import Any

import numpy as np

from neurodyn.labels import LabelError
from neurodyn.labels.wording import spans, told
from neurodyn.spikes.observation import slack, union, without

_NONE = np.zeros((0, 2))


class ObservationWarning(UserWarning):
    """What a file says about when units were observed had to be completed."""


def observed_intervals(
    units: Any, names: np.ndarray, times: list[np.ndarray], whole: tuple[float, float]
) -> list[np.ndarray]:
    """Intervals [ms] in which each unit was observed, as the table of units says.

    Units without `obs_intervals`, among others that have them, count as observed while any other
    was; a warning names them. If no unit has any, all were observed for the `whole` recording.

    Parameters
    ----------
    units
        The table of units.
    names
        Labels of the units.
    times
        Spike times of each unit [ms].
    whole
        Start and stop of the recording [ms], as far as it is known.

    Raises
    ------
    LabelError
        If a unit has spikes outside of its intervals, or intervals are no intervals.
    """
    given = _given(units, names)
    if not any(len(each) for each in given):
        return [reaching(np.array([whole]), own) for own in times]
    anyone = union(np.concatenate(given))
    unknown = [u for u, each in enumerate(given) if not len(each)]
    for u, each in enumerate(given):
        if not len(each):
            seen = anyone if not len(_outside(times[u], anyone)) else _hull(anyone, times[u])
            given[u] = seen
        elif len(strange := _outside(times[u], each)):
            raise LabelError(
                f"unit {names[u]} has {len(strange)} of {len(times[u])} spikes outside of its "
                f"obs_intervals, the first at {told(strange[0])} ms; these are "
                f"{spans(each)}. Correct the file: its obs_intervals must cover all spikes "
                "of the unit, or these spikes must go."
            )
    if unknown:
        shown = ", ".join(str(names[u]) for u in unknown[:10]) + ("..." if unknown[10:] else "")
        warnings.warn(
            f"the file does not say when unit {shown} was observed (no obs_intervals): assumed "
            f"while any unit was, {spans(anyone)}, and at its own spikes.",
            ObservationWarning,
            stacklevel=2,
        )
    return [reaching(each, own) for each, own in zip(given, times, strict=True)]


def reaching(intervals: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Intervals that hold the spikes at their edges, because intervals are half-open.

    A stop at which there is a spike moves behind it by the smallest step of float64, and an edge
    that rounding has put beside a spike moves to that.

    Parameters
    ----------
    intervals
        Sorted, disjoint intervals (n, 2) [ms].
    times
        Spike times [ms].
    """
    if not len(intervals) or not len(times):
        return intervals
    found, times, near = intervals.copy(), np.sort(times), slack(times, intervals)
    first = np.searchsorted(times, intervals[:, 0] - near)
    last = np.searchsorted(times, intervals[:, 1] + near, side="right") - 1
    there = first <= last
    found[there, 0] = np.minimum(intervals[there, 0], times[first[there]])
    found[there, 1] = np.maximum(intervals[there, 1], np.nextafter(times[last[there]], np.inf))
    return found


def _given(units: Any, names: np.ndarray) -> list[np.ndarray]:
    if "obs_intervals" not in units.colnames:
        return [_NONE] * len(names)
    column = units["obs_intervals"]
    ends = np.asarray(column.data[:], np.int64)
    intervals = np.asarray(column.target.data[:], np.float64).reshape(-1, 2) * 1e3
    if len(ends) != len(names) or (len(ends) and ends[-1] != len(intervals)):
        raise LabelError("units/obs_intervals: its index does not fit its intervals.")
    wrong = np.flatnonzero(~(intervals[:, 1] >= intervals[:, 0]) | ~np.isfinite(intervals).all(1))
    if wrong.size:
        u = int(np.searchsorted(ends, wrong[0], side="right"))
        raise LabelError(
            f"unit {names[u]} has the obs_intervals {spans(intervals[wrong[:1]])}: start and "
            "stop must be finite, the start first."
        )
    return [union(each[each[:, 1] > each[:, 0]]) for each in np.split(intervals, ends[:-1])]


def _inside(times: np.ndarray, intervals: np.ndarray, near: float = 0.0) -> np.ndarray:
    """Whether times lie in one of the sorted, disjoint intervals, or `near` their edges [ms]."""
    if not len(intervals):
        return np.zeros(times.shape, bool)
    place = np.searchsorted(intervals[:, 0] - near, times, side="right") - 1
    return (place >= 0) & (times < intervals[place, 1] + near)


def _outside(times: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Times in none of the intervals, but for rounding [ms]."""
    return times[~_inside(times, intervals, slack(times, intervals))]


def _hull(intervals: np.ndarray, times: np.ndarray) -> np.ndarray:
    """One interval over all of them and these times."""
    return np.array([[min(intervals[0, 0], times.min()), max(intervals[-1, 1], times.max())]])


def without_invalid(
    times: list[np.ndarray],
    observed: list[np.ndarray],
    invalid: np.ndarray,
    left_out: list[str],
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Take `invalid_times` out of the observation, and their spikes out of the trains.

    Parameters
    ----------
    times, observed
        Spike times and intervals of each unit [ms].
    invalid
        Intervals (n, 2) of the table `invalid_times` [ms].
    left_out
        Takes a note with the number of spikes.

    Returns
    -------
    For each unit which of its spikes are valid, and its intervals.
    """
    bad = union(invalid)
    kept = [~_inside(each, bad) for each in times]
    lost = int(sum((~each).sum() for each in kept))
    if lost:
        note = (
            f"units/spike_times: {lost} spikes of {sum((~k).any() for k in kept)} units in "
            "invalid_times"
        )
        left_out.append(note)
        text = f"left out because the file calls these times invalid: {note}"
        warnings.warn(text, ObservationWarning, stacklevel=2)
    return kept, [without(each, bad) for each in observed]
