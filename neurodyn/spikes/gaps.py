"""Times at which units were not observed, in a flat table that rates, bins and intervals use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from neurodyn.labels import LabelError
from neurodyn.labels.convention import COORDS, GAPS, OBSERVED_EDGES, Window
from neurodyn.spikes.join import Positions, in_trials, observed
from neurodyn.spikes.observation import (
    complement,
    intervals_of_units,
    observed_intervals,
    slack,
)


class Gaps(NamedTuple):
    """Gaps of all units (and trials), sorted by cell and time, disjoint in each cell.

    Attributes
    ----------
    cell
        ``trial * n_units + unit``, positions in the Dataset; the unit in a continuous recording.
    start, stop
        Start and stop of each gap [ms], infinite where nothing was observed before or after.
    """

    cell: Int[np.ndarray, " gap"]
    start: Float[np.ndarray, " gap"]
    stop: Float[np.ndarray, " gap"]


def has_gaps(spikes: xr.Dataset) -> bool:
    """Whether some units were not observed for all of the window (or of their trial)."""
    held = any(name in spikes.coords for name in (OBSERVED_EDGES[0], GAPS[0]))
    return held or "observed" in spikes or "obs_intervals" in spikes.attrs


def gaps_of(spikes: xr.Dataset) -> Gaps | None:
    """The gaps of each unit, in each trial if there are trials; None if there are none.

    The ends of trials, `valid_until`, are no gaps.
    """
    if not has_gaps(spikes):
        return None
    if "spike_trial" in spikes:
        return _of_trials(spikes)
    return around(observed_intervals(spikes))


def around(intervals: Sequence[np.ndarray]) -> Gaps:
    """The gaps between the intervals (n, 2) of each cell, before the first and after the last."""
    edges = [complement(each) for each in intervals]
    start, stop = np.concatenate(edges).T
    return Gaps(np.repeat(np.arange(len(edges)), [len(each) for each in edges]), start, stop)


def _of_trials(spikes: xr.Dataset) -> Gaps:
    n_trials = spikes.sizes["trial"] if in_trials(spikes) else 1
    shape = (n_trials, spikes.sizes["unit"])
    cell, start, stop = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    if GAPS[0] in spikes.coords:
        both = [spikes[name].transpose(..., "unit", "gap").values for name in GAPS]
        first, last = (np.broadcast_to(edges, (*shape, edges.shape[-1])) for edges in both)
        t, u, k = np.nonzero(np.isfinite(first) & np.isfinite(last))
        cell, start, stop = t * shape[1] + u, first[t, u, k], last[t, u, k]
    if (seen := observed(spikes)) is not None:
        # Without gaps that say when, the unit was not observed at all.
        seen = np.broadcast_to(seen, shape).ravel()
        never = np.setdiff1d(np.flatnonzero(~seen), cell)
        cell = np.r_[cell, never]
        start = np.r_[start, np.full(never.size, -np.inf)]
        stop = np.r_[stop, np.full(never.size, np.inf)]
    order = np.lexsort([start, cell])
    return Gaps(cell[order], start[order], stop[order])


def cells(found: Positions, n_units: int) -> np.ndarray:
    """Position of each spike among all pairs of trial and unit, as `Gaps` has it."""
    return found.unit if found.trial is None else found.trial * n_units + found.unit


def last_gap(gaps: Gaps, cell: np.ndarray, time: np.ndarray) -> Int[np.ndarray, " spike"]:
    """For each spike the last gap of its cell that starts before it or with it; -1 for none."""
    if not gaps.cell.size or not cell.size:
        return np.full(time.size, -1)
    order = slice(None) if (cell[1:] >= cell[:-1]).all() else np.argsort(cell, kind="stable")
    cell, time = cell[order], time[order]
    own, first = np.unique(gaps.cell, return_index=True)
    end = np.r_[first[1:], gaps.cell.size]
    low, high = (np.searchsorted(cell, own, side=side) for side in ("left", "right"))
    found = np.full(time.size, -1)
    for k in np.flatnonzero(high > low):
        of = slice(low[k], high[k])
        before = np.searchsorted(gaps.start[first[k] : end[k]], time[of], side="right")
        found[of] = np.where(before > 0, first[k] - 1 + before, -1)
    last = np.empty_like(found)
    last[order] = found
    return last


def in_gaps(gaps: Gaps | None, cell: np.ndarray, time: np.ndarray) -> Bool[np.ndarray, " spike"]:
    """Whether each spike lies in a gap, ``start <= time < stop``."""
    if gaps is None or not gaps.cell.size:
        return np.zeros(time.size, bool)
    last = last_gap(gaps, cell, time)
    return (last >= 0) & (time < gaps.stop[last])


def bins_of_gaps(gaps: Gaps, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first bin that each gap reaches into, and that after the last."""
    near = slack(edges)
    first = np.searchsorted(edges[1:], gaps.start + near, side="right")
    return first, np.searchsorted(edges[:-1], gaps.stop - near, side="left")


def unobserved_bins(
    gaps: Gaps, edges: np.ndarray, n_trials: int, n_units: int
) -> Bool[np.ndarray, "trial time unit"]:
    """Bins of each trial and unit that a gap reaches into."""
    first, end = bins_of_gaps(gaps, edges)
    return marked_bins(gaps.cell, first, end, n_trials, edges.size - 1, n_units)


def marked_bins(
    cell: np.ndarray, first: np.ndarray, end: np.ndarray, n_trials: int, n_bins: int, n_units: int
) -> Bool[np.ndarray, "trial time unit"]:
    """Bins from `first` up to `end` of each cell."""
    reached = end > first
    trial, unit = np.divmod(cell[reached], n_units)
    change = np.zeros((n_trials, n_bins + 1, n_units), np.int16)
    np.add.at(change, (trial, first[reached], unit), 1)
    np.add.at(change, (trial, end[reached], unit), -1)
    return np.cumsum(change, axis=1, dtype=np.int16)[:, :-1] > 0


def lost_time(
    gaps: Gaps, start: float, stop: np.ndarray, n_units: int
) -> Float[np.ndarray, "trial unit"]:
    """Time in gaps [ms] between `start` and the `stop` of each trial, ``(trial,)``."""
    ends = stop[gaps.cell // n_units]
    lost = np.minimum(gaps.stop, ends) - np.maximum(gaps.start, start)
    total = np.bincount(gaps.cell, np.maximum(lost, 0), minlength=stop.size * n_units)
    return total.reshape(stop.size, n_units)


def cut_gaps(
    gaps: Gaps, event: np.ndarray, start: float, stop: np.ndarray, n_units: int
) -> dict[str, xr.Variable]:
    """What trials around events show of the gaps of a continuous recording.

    Parameters
    ----------
    gaps
        Gaps of the recording.
    event
        Time of the event of each trial [ms].
    start, stop
        Where trials start, and where each of them stops, from its event [ms].

    Returns
    -------
    ``observed`` (trial, unit), False where a unit was not observed for the whole of the trial, and
    ``gap_start``, ``gap_stop`` (trial, unit, gap) from the event [ms], if it was for a part of it.
    """
    order = np.argsort(event, kind="stable")
    length, near = float(stop.max(initial=start)), slack(event, start)
    # Trials that a gap may reach follow each other in order of their events.
    low = np.searchsorted(event[order], gaps.start - length, side="left")
    high = np.searchsorted(event[order], gaps.stop - start, side="right")
    many = np.maximum(high - low, 0)
    gap = np.repeat(np.arange(many.size), many)
    trial = order[np.arange(gap.size) + np.repeat(low - np.cumsum(many) + many, many)]
    first = np.maximum(gaps.start[gap] - event[trial], start)
    last = np.minimum(gaps.stop[gap] - event[trial], stop[trial])
    shape = (event.size, n_units)
    return _marked(trial, gaps.cell[gap], first, last, start, stop, near, shape)


def trial_observation(
    observed: Any, trial: np.ndarray, unit: np.ndarray, window: Window | None = None
) -> tuple[dict[str, xr.Variable], dict[str, Any]]:
    """What says when each unit was observed in each trial, as `cut_gaps` has it.

    Parameters
    ----------
    observed
        For each trial intervals [ms] as `neurodyn.spikes.observation.observation` takes them.
    trial, unit
        Labels of trials and units.
    window
        Start and stop [ms] beyond which nothing counts as observed.

    Returns
    -------
    Variables and coordinates (``observed``, ``gap_start``, ``gap_stop``, and ``valid_until`` if
    trials end before others), and attributes.
    """
    n = f"{len(observed)} entries" if hasattr(observed, "__len__") else "no list"
    if n != f"{trial.size} entries":
        raise LabelError(
            f"observed of {trial.size} trials has {n}: in trials give a list with one entry for "
            "each, the intervals (n, 2) [ms] of all units or a list with those of each."
        )
    found = []
    for label, each in zip(trial.tolist(), observed, strict=True):
        try:
            found += intervals_of_units(each, unit, window)
        except LabelError as error:
            raise LabelError(f"trial {label!r}: {error}") from error
    if not sum(map(len, found)):
        raise LabelError("no unit was observed in any trial: leave out `observed`.")
    start = min(float(each[0, 0]) for each in found if len(each))
    last = np.array([each[-1, 1] if len(each) else -np.inf for each in found])
    ends = last.reshape(trial.size, unit.size).max(1)
    stop = float(ends.max())
    ends = np.where(np.isfinite(ends), ends, stop)
    near = slack(start, stop)
    variables = {}
    if (ends < stop - near).any():
        about = {"units": "ms", "long_name": "end of the observed part of the trial"}
        variables["valid_until"] = xr.Variable("trial", ends, about)
    gaps = around(found)
    row, column = np.divmod(gaps.cell, unit.size)
    first, last = np.maximum(gaps.start, start), np.minimum(gaps.stop, ends[row])
    shape = (trial.size, unit.size)
    variables |= _marked(row, column, first, last, start, ends, near, shape)
    return variables, {"window": [start, stop]}


def _marked(
    trial: np.ndarray,
    unit: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    start: float,
    stop: np.ndarray,
    near: float,
    shape: tuple[int, int],
) -> dict[str, xr.Variable]:
    """``observed`` and the coordinates of gaps, from gaps clipped to their trials."""
    inside = last > first + near
    trial, unit, first, last = trial[inside], unit[inside], first[inside], last[inside]
    whole = (first <= start + near) & (last >= stop[trial] - near)
    found: dict[str, xr.Variable] = {}
    if trial.size:
        seen = np.ones(shape, bool)
        seen[trial, unit] = False
        about = {"units": "1", "long_name": "whether the unit was observed in the whole trial"}
        found["observed"] = xr.Variable(("trial", "unit"), seen, about)
    part = ~whole
    return found | _table(trial[part], unit[part], first[part], last[part], shape)


def _table(
    trial: np.ndarray, unit: np.ndarray, first: np.ndarray, last: np.ndarray, shape: tuple[int, int]
) -> dict[str, xr.Variable]:
    """Gaps as coordinates on (trial, unit, gap), NaN where a trial has fewer than others."""
    if not trial.size:
        return {}
    cell = trial * shape[1] + unit
    order = np.lexsort([first, cell])
    many = np.bincount(cell)
    rank = np.arange(cell.size) - np.repeat(np.cumsum(many) - many, many)
    table = np.full((2, *shape, int(many.max())), np.nan)
    table[:, trial[order], unit[order], rank] = first[order], last[order]
    parts = {"gap": ("gap", np.arange(table.shape[-1]))}
    parts |= {n: (("trial", "unit", "gap"), edges) for n, edges in zip(GAPS, table, strict=True)}
    about = {n: dict(zip(("units", "long_name"), COORDS[n], strict=True)) for n in parts}
    return {name: xr.Variable(*part, about[name]) for name, part in parts.items()}
