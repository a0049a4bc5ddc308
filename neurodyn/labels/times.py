"""Match the times of two labelled objects, within a tolerance and in any order."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodyn.labels.clock import slack_of, unit_of, unit_problem
from neurodyn.labels.convention import TIME_TOLERANCE, LabelError, Number
from neurodyn.labels.wording import told

TIMES = ("time", "lag")
#: Dims whose labels have a unit, and are equal within a tolerance.
CLOCKS = (*TIMES, "frequency")


def match_times(
    a: Any, b: Any, dim: str, *, tolerance: Number, join: str, what: tuple[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the shared times in `a`, in increasing order, and in `b`.

    Raises
    ------
    LabelError
        If times are missing, are in other units, repeat, or differ.
    """
    ta, tb = (_times(obj, dim, tolerance, side) for obj, side in zip((a, b), what, strict=True))
    units = unit_of(a[dim]), unit_of(b[dim])
    if units[0] != units[1]:
        raise LabelError(
            f"'{dim}' of the {what[0]} is in {units[0]!r}, that of the {what[1]} in {units[1]!r} "
            "('1' counts steps): give both the same clock, .assign_coords"
            f"({dim}=...) and .{dim}.attrs['units'] = {units[0]!r}."
        )
    tolerance = _tolerance(a[dim], b[dim], ta, tb, float(tolerance))
    order = np.argsort(tb, kind="stable")
    after = np.searchsorted(tb[order], ta)
    nearest, apart = np.zeros(len(ta), int), np.full(len(ta), np.inf)
    for place in (after - 1, after):
        inside = (place >= 0) & (place < len(tb))
        index = order[np.where(inside, place, 0)] if len(tb) else nearest
        gap = np.where(inside, np.abs(ta - tb[index]), np.inf) if len(tb) else apart
        nearest, apart = np.where(gap < apart, index, nearest), np.minimum(gap, apart)
    same = apart <= tolerance
    if (not same.all() or len(ta) != len(tb)) and (join == "exact" or not same.any()):
        raise LabelError(
            f"the {dim} axes differ (tolerance {tolerance:g} {units[0]}):\n"
            f"  {what[0]}: {_axis(ta, units[0])}\n  {what[1]}: {_axis(tb, units[0])}\n"
            f"Cut both to one window with .sel({dim}=slice(start, stop)) and bring them to one "
            f"step (neurodyn.spikes.bin, or .interp({dim}=other.{dim}))."
        )
    return np.flatnonzero(same), nearest[same]


def _times(obj: Any, dim: str, tolerance: Number, side: str) -> np.ndarray:
    """Labels in ms, or in steps; in any order."""
    if dim not in obj.coords:
        raise LabelError(f"the {side} object has no '{dim}' coordinate; assign it in ms.")
    if problem := unit_problem(obj[dim]):
        raise LabelError(f"the {side} object: {problem}.")
    found = obj[dim].values.astype(np.float64)
    if not np.isfinite(found).all():
        raise LabelError(f"'{dim}' of the {side} holds NaN or infinite values: correct them.")
    if _nearest(found) <= (tolerance if dim in TIMES else 0):
        raise LabelError(
            f"'{dim}' of the {side} holds the same time more than once, so that its samples cannot "
            f"be told apart: select one stretch, or .drop_duplicates('{dim}')."
        )
    return found


def _nearest(times: np.ndarray) -> float:
    """Distance of the two nearest times."""
    return float(np.diff(np.sort(times)).min(initial=np.inf))


def _tolerance(a: Any, b: Any, ta: np.ndarray, tb: np.ndarray, given: float) -> float:
    """Largest distance of equal times: the given tolerance, or the rounding if that is larger."""
    rounded = max(slack_of(t, x.dtype) for x, t in ((a, ta), (b, tb)))
    if a.name not in TIMES:
        # Frequencies are as precise as the step that they come from, which is known to six digits.
        given, rounded = 0.0, 1e-6 * max(np.abs(t).max(initial=0) for t in (ta, tb))
    elif rounded <= TIME_TOLERANCE:
        return given
    return max(given, min(rounded, 0.25 * min(_nearest(ta), _nearest(tb))))


def _axis(times: np.ndarray, unit: str) -> str:
    if len(times) < 2:
        return f"{times.tolist()} {unit}"
    step = np.median(np.diff(times))
    ends = f"{told(times[0])} to {told(times[-1])} {unit}"
    return f"{len(times)} samples, {ends}, step {step:.10g} {unit}"
