"""Refuse spikes at times at which their unit was not observed, because rates would be wrong."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.wording import spans, told
from neurodyn.spikes.gaps import Gaps, around, cells, gaps_of, in_gaps
from neurodyn.spikes.join import Positions
from neurodyn.spikes.observation import observed_intervals, slack, without


def refuse_unobserved(spikes: xr.Dataset, found: Positions, time: np.ndarray) -> None:
    """Refuse spikes outside of the observation, by more than rounding.

    Parameters
    ----------
    spikes
        Spike Dataset whose `window` is known.
    found
        Its spikes.
    time
        Times at which they count [ms].

    Raises
    ------
    LabelError
        If there are such spikes; the error names the first unit (and trial) that has them.
    """
    gaps = gaps_of(spikes) if "spike_trial" in spikes else around(observed_intervals(spikes))
    cell, near = cells(found, spikes.sizes["unit"]), slack(time)
    outside = np.zeros(time.size, bool)
    if gaps is not None:
        inner = Gaps(gaps.cell, gaps.start + near, gaps.stop - near)
        outside = in_gaps(inner, cell, time)
    if found.trial is not None:
        outside |= time > _bounds(spikes, found.trial)[1] + near
    if not outside.any():
        return
    first = cell[outside][0]
    times = found.time[outside & (cell == first)]
    trial, unit = np.divmod(first, spikes.sizes["unit"])
    who = f"unit {spikes['unit'].values[unit].item()!r}"
    if found.trial is None:
        seen = observed_intervals(spikes)[unit]
    else:
        who += f" in trial {spikes['trial'].values[trial].item()!r}"
        mine = None if gaps is None else gaps.cell == first
        lost = np.zeros((0, 2)) if mine is None else np.stack([gaps.start, gaps.stop], 1)[mine]
        seen = without(np.stack(_bounds(spikes, np.array([trial])), 1), lost)
    shown = ", ".join(told(t) for t in times[:4]) + (", ..." if times.size > 4 else "")
    others = np.unique(cell[outside]).size - 1
    raise LabelError(
        f"{who} has spikes when it was not observed, {times.size} of them, at {shown} ms; it was "
        f"observed in {spans(seen)}"
        + (f" ({others} more have such spikes)" if others else "")
        + ". Correct the intervals (observed, obs_intervals), or leave these spikes out."
    )


def _bounds(spikes: xr.Dataset, trial: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of these trials [ms]."""
    start, stop = (np.full(trial.size, float(edge)) for edge in spikes.attrs["window"])
    if "valid_until" in spikes.coords:
        stop = np.fmin(spikes["valid_until"].values[trial], stop)
    return start, stop
