"""Spikes between two times, and how long each unit was observed."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError, clock
from neurodyn.labels.convention import TIME_TOLERANCE, Window
from neurodyn.spikes.build import step_middles, window_edges
from neurodyn.spikes.gaps import cells, gaps_of, in_gaps, lost_time
from neurodyn.spikes.join import Positions, in_trials, positions, require_spikes


def observed_window(spikes: xr.Dataset, window: Window | None, what: str) -> tuple[float, float]:
    """The window that is given, else the observed one."""
    require_spikes(spikes)
    known = spikes.attrs.get("window")
    if window is None and known is None:
        raise LabelError(
            f"{what}: which times were observed is not known: pass window=(start, stop) in ms."
        )
    start, stop = window_edges(known if window is None else window)
    if known is not None and (
        start < known[0] - TIME_TOLERANCE or stop > known[1] + TIME_TOLERANCE
    ):
        raise LabelError(
            f"{what}: the window {start:g} to {stop:g} ms exceeds the observation, {known[0]:g} to "
            f"{known[1]:g} ms."
        )
    return start, stop


def check_inside(data: xr.Dataset, window: Window, margin: float, what: str) -> None:
    """Refuse a window beyond the samples, each of which reaches `margin` beyond its label."""
    start, stop = window_edges(window)
    time = clock(data, what=what, default=margin, even=False).time
    low, high = time.min() - margin, time.max() + margin
    if start < low - TIME_TOLERANCE or stop > high + TIME_TOLERANCE:
        raise LabelError(
            f"{what}: the window {start:g} to {stop:g} ms exceeds the observation, {low:g} to "
            f"{high:g} ms."
        )


def within(spikes: xr.Dataset, start: float, stop: float) -> Positions:
    """The spikes between two times, before the end of their trial and outside of gaps."""
    found, gaps = positions(spikes), gaps_of(spikes)
    time = step_middles(spikes, found.time)
    end = trial_ends(spikes, stop)
    if found.trial is not None and (end < stop).any():
        inside = (time >= start) & (time < end[found.trial])
    else:
        inside = (time >= start) & (time < end.min(initial=stop))
    if gaps is not None:
        inside &= ~in_gaps(gaps, cells(found, spikes.sizes["unit"]), time)
    trial = None if found.trial is None else found.trial[inside]
    return Positions(found.time[inside], found.unit[inside], trial)


def trial_ends(spikes: xr.Dataset, stop: float) -> np.ndarray:
    """End of each trial [ms], `stop` at the latest."""
    end = np.full(spikes.sizes["trial"] if in_trials(spikes) else 1, stop)
    if "spike_trial" in spikes and "valid_until" in spikes.coords:
        end = np.fmin(end, spikes["valid_until"].values)
    return end


def observed_time(spikes: xr.Dataset, start: float, stop: float) -> np.ndarray:
    """How long each unit was observed [ms], ``(trial, unit)``; one row without trials."""
    end, n_units = trial_ends(spikes, stop), spikes.sizes["unit"]
    whole = np.maximum(end - start, 0)[:, None]
    gaps = gaps_of(spikes)
    lost = np.zeros((1, n_units)) if gaps is None else lost_time(gaps, start, end, n_units)
    # What rounding leaves of a time that was lost as a whole is none.
    return np.where(lost < whole - TIME_TOLERANCE, whole - lost, 0.0)
