"""Match the times of two labelled objects, within a tolerance and whatever their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodyn.labels.clock import unit_problem
from neurodyn.labels.convention import LabelError, Number

__all__ = ["match_times"]


def match_times(
    a: Any, b: Any, dim: str, *, tolerance: Number, join: str, what: tuple[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Positions in `a`, in their order, and those of the same times in `b`.

    Raises
    ------
    LabelError
        If there are no times, they repeat, or they differ.
    """
    ta, tb = (_times(obj, dim, tolerance, side) for obj, side in zip((a, b), what, strict=True))
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
            f"the {dim} axes differ (tolerance {tolerance:g} ms):\n"
            f"  {what[0]}: {_axis(ta)}\n  {what[1]}: {_axis(tb)}\n"
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
    if len(found) > 1 and np.diff(np.sort(found)).min() <= tolerance:
        raise LabelError(
            f"'{dim}' of the {side} holds the same time more than once, so that nothing tells its "
            f"samples apart: select one stretch, or .drop_duplicates('{dim}')."
        )
    return found


def _axis(times: np.ndarray) -> str:
    if len(times) < 2:
        return f"{times.tolist()} ms"
    step = np.median(np.diff(times))
    return f"{len(times)} samples, {times[0]:g} to {times[-1]:g} ms, step {step:g} ms"
