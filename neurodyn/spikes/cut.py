"""Cut continuous spike trains into trials around events."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.convention import OBSERVED_EDGES, SPIKE_KEYS, Window
from neurodyn.signals import align as signals
from neurodyn.signals.events import refuse_invalid, trial_column
from neurodyn.spikes.build import dataset, step_middles, window_edges
from neurodyn.spikes.gaps import cut_gaps, gaps_of
from neurodyn.spikes.join import positions
from neurodyn.spikes.observation import slack


def align(
    spikes: xr.Dataset,
    events: str | xr.DataArray | Any,
    window: Window,
    *,
    until: str | xr.DataArray | Any = None,
    invalid: Literal["raise", "drop"] = "raise",
) -> xr.Dataset:
    """Cut a continuous recording into trials around events.

    Parameters
    ----------
    spikes
        Continuous spike Dataset, perhaps with a trial table on `trial`. A signal over `time` is cut
        by `neurodyn.trials.align`.
    events
        Time of the event in each trial [ms, clock of the recording]: the name of a column of the
        trial table, a DataArray on `trial` whose coordinates are then the trial table, or an array.
    window
        Start and stop around the event [ms], half-open: ``(-500, 1000)``.
    until
        Time at which each trial ends, in the same three forms (``"stop_time"``), for trials that
        may end before the window does. They get `valid_until` (trial), and binning pads them.
    invalid
        Treatment of trials without an event (NaN), or whose window starts outside of the recording:
        "raise" an error that lists them, or "drop" them.

    Returns
    -------
    Spike Dataset in trials. Time 0 is the event; the trial table is kept, and `event_time` (trial)
    is the time of the event in the recording. Windows may overlap; a spike is then in each of them.
    A trial that reaches a gap of all units ends there. For units that were not observed throughout,
    `observed` (trial, unit) is False in trials of which they lack a part, and `gap_start` and
    `gap_stop` (trial, unit, gap) [ms] say which, without them all of it: `bin` gives NaN there, and
    rates are those of the time that was observed.

    Raises
    ------
    LabelError
        If `spikes` has trials already, the event is unknown, or trials are invalid.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.from_times([[990.0, 1010.0, 2005.0]], window=(0, 3000))
    >>> cut = spikes.align(ds, [1000.0, 2000.0], (-20, 20))
    >>> cut.spike_time.values, cut.spike_trial.values  # labels of trials
    (array([-10.,  10.,   5.]), array([0, 0, 1]))
    """
    if "spike_time" not in spikes and "time" in spikes.dims:
        return signals.align(spikes, events, window, until=until, invalid=invalid)
    if "spike_trial" in spikes:
        raise LabelError("these spikes are cut into trials already; align the continuous recording")
    start, stop = window_edges(window)
    events = trial_column(spikes, events, "events")
    event, name = events.values.astype(np.float64), str(events.name or "event")
    table = {str(n): c for n, c in events.coords.items() if c.dims == ("trial",)}
    end = np.full(event.shape, np.inf)
    if until is not None:
        ends = trial_column(spikes, until, "until")
        end = labels.pair(events, ends, what=("events", "until"))[1].values.astype(np.float64)

    first, last = _observed_from(spikes, event + start)
    last = np.fmin(last, end)
    near = slack(event[np.isfinite(event)], start, stop)
    valid = np.isfinite(event) & (event + start >= first - near) & (event + start < last)
    if not valid.all():
        recorded = spikes.attrs.get("obs_intervals", spikes.attrs.get("window"))
        refuse_invalid(event, valid, start, recorded, invalid)
    event, last = event[valid], last[valid]

    found, gaps = positions(spikes), gaps_of(spikes)
    counted = step_middles(spikes, found.time)
    order = np.argsort(counted, kind="stable")
    sorted_times = counted[order]
    # Search a little wider, then decide by the relative time, because that is stored.
    low = np.searchsorted(sorted_times, event + start - near)
    high = np.searchsorted(sorted_times, event + np.minimum(stop, last - event) + near)
    counts = np.maximum(high - low, 0)
    trial = np.repeat(np.arange(event.size), counts)
    index = np.arange(trial.size) + np.repeat(low - np.cumsum(counts) + counts, counts)
    relative = sorted_times[index] - event[trial]
    ends = np.minimum(last - event, stop)
    keep = (relative >= start) & (relative < ends[trial])
    index, trial = order[index[keep]], trial[keep]

    coords: dict[str, Any] = {str(n): c for n, c in spikes.coords.items() if c.dims == ("unit",)}
    coords |= {n: c.isel(trial=valid) for n, c in table.items()}
    coords["event_time"] = ("trial", event, "ms", "time of the event on the recording's clock")
    coords.setdefault("trial", np.flatnonzero(valid))
    trial_labels = np.asarray(getattr(coords["trial"], "values", coords["trial"]))
    if (last - event < stop - near).any():
        coords["valid_until"] = ("trial", ends, "ms", "end of the observed part of the trial")
    about = {n: v for n, v in spikes.attrs.items() if n not in ("obs_intervals", "window")}
    cut = dataset(
        found.time[index] - event[trial],
        spikes["unit"].values[found.unit[index]],
        trial_labels[trial],
        coords={
            n: c
            for n, c in coords.items()
            if n not in OBSERVED_EDGES and n not in SPIKE_KEYS.values()
        },
        source=spikes.attrs.get("source", "recording"),
        window=(start, stop),
        attrs=about | {"align_event": name},
    )
    if gaps is None:
        return cut
    seen = cut_gaps(gaps, event, start, ends, spikes.sizes["unit"])
    return cut.assign_coords({n: v for n, v in seen.items() if n != "observed"}).assign(
        {n: v for n, v in seen.items() if n == "observed"}
    )


def _observed_from(ds: xr.Dataset, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and stop of the observed interval around each time; an empty one if there is none."""
    edges = ds.attrs.get("obs_intervals", ds.attrs.get("window"))
    if edges is None:
        return np.full(start.shape, -np.inf), np.full(start.shape, np.inf)
    begins, ends = np.asarray(edges, np.float64).reshape(-1, 2).T
    near = slack(start[np.isfinite(start)])
    inside = np.searchsorted(begins, start + near, side="right") - 1
    found = np.isfinite(start) & (inside >= 0)
    inside = np.where(found, inside, 0)
    return np.where(found, begins[inside], np.inf), np.where(found, ends[inside], -np.inf)
