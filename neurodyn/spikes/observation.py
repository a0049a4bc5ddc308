"""When each unit was observed: intervals of time, and the labels that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.convention import GAPS, OBSERVED_EDGES, TIME_TOLERANCE, Window
from neurodyn.labels.plain import plain_times
from neurodyn.spikes.join import require_spikes


def slack(*times: Any) -> float:
    """Largest difference [ms] of equal times: 1e-6, more on clocks too large to resolve that."""
    largest = max(float(np.abs(np.asarray(t, np.float64)).max(initial=0.0)) for t in times)
    return max(TIME_TOLERANCE, 4 * float(np.spacing(largest)))


def union(intervals: np.ndarray) -> np.ndarray:
    """Merge intervals (n, 2) [ms] that touch or overlap, and sort them."""
    intervals = np.asarray(intervals, np.float64).reshape(-1, 2)
    if len(intervals) < 2:
        return intervals
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ordered[:, 1])
    new = np.concatenate([[True], ordered[1:, 0] > reach[:-1] + slack(intervals)])
    return np.stack([ordered[new, 0], reach[np.concatenate([new[1:], [True]])]], axis=1)


def intersection(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Parts that two sorted sets of disjoint intervals, (n, 2) and (m, 2) [ms], have in common."""
    start = np.maximum(a[:, None, 0], b[None, :, 0]).ravel()
    stop = np.minimum(a[:, None, 1], b[None, :, 1]).ravel()
    both = stop > start + slack(a, b)
    return np.stack([start[both], stop[both]], axis=1)


def complement(intervals: np.ndarray) -> np.ndarray:
    """Times outside of sorted, disjoint intervals (n, 2): an array (n + 1, 2), from -inf to inf."""
    return np.r_[-np.inf, intervals.ravel(), np.inf].reshape(-1, 2)


def without(intervals: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Intervals without the gaps in them."""
    return intersection(intervals, complement(union(gaps))) if len(gaps) else intervals


def observation(
    observed: Any, unit: np.ndarray, window: Window | None = None
) -> tuple[dict[str, tuple], dict[str, Any]]:
    """Coordinates and attributes that say when each unit was observed.

    Parameters
    ----------
    observed
        Intervals [ms] as `neurodyn.spikes.dataset` takes them: one array ``(n, 2)`` for all units,
        or a list with one for each.
    unit
        Labels of the units.
    window
        Start and stop [ms] beyond which nothing counts as observed.

    Returns
    -------
    Coordinates in the form that `neurodyn.labels.dataset` takes, and attributes.

    Raises
    ------
    LabelError
        If intervals are no times, end before they start, or do not fit the units.
    """
    per_unit = intervals_of_units(observed, unit, window)
    shared = union(np.concatenate(per_unit))
    if not len(shared):
        raise LabelError(
            "no unit was observed at any time: leave out `observed` if this is not known."
        )
    attrs: dict[str, Any] = {"window": [float(shared[0, 0]), float(shared[-1, 1])]}
    if len(shared) > 1:
        attrs["obs_intervals"] = shared.ravel().tolist()
    edges = np.array([(e[0, 0], e[-1, 1]) if len(e) else (np.nan, np.nan) for e in per_unit])
    coords: dict[str, tuple] = {}
    if not (np.abs(edges - attrs["window"]) <= slack(shared)).all():
        coords = {name: ("unit", edges[:, i]) for i, name in enumerate(OBSERVED_EDGES)}
    shared_gaps = complement(shared)[1:-1]
    return coords | _gaps([_own(each, shared_gaps) for each in per_unit]), attrs


def intervals_of_units(
    observed: Any, unit: np.ndarray, window: Window | None = None
) -> list[np.ndarray]:
    """One array (n, 2) of sorted, disjoint intervals for each unit, within the window.

    Parameters and errors are those of `observation`.
    """
    shared = isinstance(observed, np.ndarray) and observed.dtype != object and observed.ndim < 3
    given = [observed] if shared else list(observed)
    shapes = [_shape(each) for each in given]
    if not shared and shapes and (shapes[0] == () or all(shape == (2,) for shape in shapes)):
        shared, given = True, [observed]
    if not shared and len(given) != unit.size:
        raise LabelError(
            f"observed has the intervals of {len(given)} units, and there are {unit.size} units: "
            "give one array (n, 2) of intervals [ms] for all units, or a list with one for each."
        )
    found = [
        _intervals(each, "all units" if shared else f"unit {name!r}")
        for each, name in zip(given, unit.tolist(), strict=False)
    ]
    if window is not None:
        bounds = np.asarray([window], np.float64)
        found = [intersection(each, bounds) for each in found]
    return found * unit.size if shared else found


def _shape(given: Any) -> tuple[int, ...] | None:
    """Shape of an array or of nested lists, None if they are uneven."""
    try:
        return np.shape(given)
    except ValueError:
        return None


def _intervals(given: Any, whose: str) -> np.ndarray:
    if _shape(given) is None:
        raise LabelError(
            f"observed of {whose} is uneven: give an array (n, 2) with start and stop of each "
            "interval [ms]."
        )
    intervals = plain_times(given, f"observed of {whose}")
    if intervals.shape == (2,) or not intervals.size:
        intervals = intervals.reshape(-1, 2)
    if intervals.ndim != 2 or intervals.shape[1] != 2:
        raise LabelError(
            f"observed of {whose} has shape {intervals.shape}: give an array (n, 2) with start and "
            "stop of each interval [ms]."
        )
    wrong = ~np.isfinite(intervals).all(1) | (intervals[:, 1] < intervals[:, 0])
    if wrong.any():
        raise LabelError(
            f"observed of {whose} holds {intervals[wrong][0].tolist()} ms: start and stop must be "
            "finite, the start first. Leave out intervals without an end, or close them."
        )
    return union(intervals[intervals[:, 1] > intervals[:, 0]])


def _own(intervals: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """The gaps of a unit that are not those shared by all."""
    gaps = complement(intervals)[1:-1]
    if not len(gaps) or not len(shared):
        return gaps
    same = np.abs(gaps[:, None] - shared[None]).max(-1) <= slack(gaps)
    return gaps[~same.any(1)]


def _gaps(gaps: Sequence[np.ndarray]) -> dict[str, tuple]:
    """The coordinates of gaps (unit, gap), NaN where a unit has fewer than others."""
    most = max(len(each) for each in gaps)
    if not most:
        return {}
    table = np.full((len(gaps), most, 2), np.nan)
    for row, each in zip(table, gaps, strict=True):
        row[: len(each)] = each
    edges = {name: (("unit", "gap"), table[..., i]) for i, name in enumerate(GAPS)}
    return {"gap": ("gap", np.arange(most))} | edges


def observed_intervals(spikes: xr.Dataset) -> list[np.ndarray]:
    """Return when each unit of a continuous recording was observed.

    Parameters
    ----------
    spikes
        Continuous spike Dataset.

    Returns
    -------
    For each unit an array ``(n, 2)`` with start and stop of its intervals [ms], sorted and
    disjoint; an empty one for a unit that was never observed.

    Raises
    ------
    LabelError
        If spikes are in trials, or it is not known which times were observed.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.from_times([[5.0], [25.0]], observed=[[[0, 10]], [[0, 10], [20, 30]]])
    >>> [each.tolist() for each in spikes.observed_intervals(ds)]
    [[[0.0, 10.0]], [[0.0, 10.0], [20.0, 30.0]]]
    """
    require_spikes(spikes)
    if "spike_trial" in spikes:
        raise LabelError(
            "these spikes are in trials: ask the continuous recording when units were observed."
        )
    shared = spikes.attrs.get("obs_intervals", spikes.attrs.get("window"))
    if shared is None and OBSERVED_EDGES[0] in spikes.coords:
        shared = [-np.inf, np.inf]
    if shared is None:
        raise LabelError(
            "which times were observed is not known: build the spikes with observed=, or set "
            ".attrs['window'] = [start, stop] in ms."
        )
    shared, n = np.asarray(shared, np.float64).reshape(-1, 2), spikes.sizes["unit"]
    found = [shared] * n
    if OBSERVED_EDGES[0] in spikes.coords:
        edges = np.stack([spikes[name].values for name in OBSERVED_EDGES], 1)
        # NaN, as of a unit that was never observed, has no part in common with any interval.
        found = [intersection(shared, edges[u : u + 1]) for u in range(n)]
    if GAPS[0] in spikes.coords:
        start, stop = (spikes[name].transpose("unit", ...).values for name in GAPS)
        known = np.isfinite(start) & np.isfinite(stop)
        gaps = [np.stack([start[u][known[u]], stop[u][known[u]]], 1) for u in range(n)]
        found = [without(each, gap) for each, gap in zip(found, gaps, strict=True)]
    return found
