"""Cut what a recording holds into trials: its spikes, its signals, or all of them alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.convention import DIMS, OWN_DIMS, Number, Window
from neurodyn.labels.names import free_name
from neurodyn.signals import align as signal_cut
from neurodyn.signals.sampling import Method
from neurodyn.spikes import cut as spike_cut
from neurodyn.spikes.join import tidy
from neurodyn.spikes.session_tables import columns_of, invalid_times

_NAMED = ("session_id", "subject_id", "name")


def align(
    recording: xr.Dataset | xr.DataArray | xr.DataTree,
    events: str | xr.DataArray | Any,
    window: Window,
    *,
    until: str | xr.DataArray | Any = None,
    trials: str | None = None,
    signals: bool | str | Sequence[str] = True,
    invalid: Literal["raise", "drop"] = "raise",
    method: Method | None = None,
    dt: Number | None = None,
    max_gap: Number | None = None,
) -> Any:
    """Cut spikes and signals into trials around events.

    Parameters
    ----------
    recording
        A spike Dataset; a signal, that is a DataArray or Dataset over `time` with any other dims
        but `trial`; or a DataTree of `spikes`, `signals/NAME`, `intervals/NAME` and `events/NAME`,
        as `neurodyn.io.read` gives it. Each signal has a clock of its own, even or not.
        Signals in chunks (dask), and those above 1 GiB in a file, are cut chunk by chunk when they
        are used.
    events
        Time of the event in each trial [ms, clock of the recording]: the name of a column of the
        trial table, a DataArray on `trial` whose coordinates are then the trial table, or an array.
    window
        Start and stop around the event [ms], half-open: ``(-500, 1000)``.
    until
        Time at which each trial ends, in the same three forms (``"stop_time"``), for trials that
        may end before the window does. In signals NaN means no end.
    trials
        Name of the table of `intervals` or `events` whose rows are the trials. Default: the only
        one that has the columns `events` and `until`.
    signals
        Names of the signals of a DataTree to cut, or whether to cut any.
    invalid
        Treatment of trials without an event (NaN), or whose window starts outside of the recording:
        "raise" an error that lists them, or "drop" them, from all parts if one lacks them.
    method
        What the value of a signal at a time is. "nearest": a sample, unchanged; time 0 is the
        sample nearest to the event. Bins (attribute ``bin_width``) that lie beside the event by the
        same time in all trials keep it: 10, 30, ... around events at edges of bins of 20 ms.
        "linear": the line between two samples, at exact times.
        Default: "nearest" if the clock is even (but for gaps), else "linear".
    dt
        Step of the trials [ms] for signals with an uneven clock. Default: their median step.
    max_gap
        With "linear": samples further apart [ms] have NaN between them, e.g. blinks that were left
        out. Default: three steps, because more would be made up.

    Returns
    -------
    A Dataset of the one part (a DataArray if that was given), or a DataTree of `spikes` and
    `signals/NAME`, all with the same trial table. Time 0 is the event; `event_time` (trial) is its
    time on the recording's clock.

    Spikes are as `neurodyn.spikes.align` gives them. Signals lie on `trial`, `time` and their other
    dims. Their attributes state `align_method` and `align_error`, the largest distance of a label
    of `time` from the sample's own time [ms]; with "nearest" it is at most half a step. Samples
    after the end of the signal or of the trial are NaN; then `valid_until` (trial) [ms] is the time
    of the last sample of each trial, and `n_valid` (trial) the number of samples up to it. Gaps are
    NaN, and so are the intervals `invalid_times` of a recording. Whole numbers become floats.

    Raises
    ------
    LabelError
        If there is nothing to cut, a part has trials already, tables or events are unknown, or
        trials are invalid; the error names the part.

    Examples
    --------
    >>> import xarray as xr
    >>> from neurodyn import trials
    >>> speed = xr.DataArray([0.0, 1.0, 4.0, 9.0], {"time": [0.0, 10.0, 20.0, 30.0]}, "time")
    >>> trials.align(speed, [10.0, 20.0], (-10, 20)).values
    array([[0., 1., 4.],
           [1., 4., 9.]])
    """
    how: dict[str, Any] = {"method": method, "dt": dt, "max_gap": max_gap}
    if not isinstance(recording, xr.DataTree):
        if trials is not None and trials != recording.attrs.get("table", trials):
            known = recording.attrs["table"]
            raise LabelError(f"trials={trials!r}: the trial table of this Dataset is {known!r}.")
        if not isinstance(signals, bool):
            raise LabelError("signals= chooses signals of a DataTree, and this is a single part.")
        cut = _cut(recording, events, window, until, invalid, how)
        if isinstance(recording, xr.Dataset) and "spike_time" in recording.coords:
            return _with_columns(cut, recording)
        return cut
    parts = _parts(recording, signals)
    events, until, table = columns_of(recording, events, until, trials)
    how["invalid_times"] = invalid_times(recording)
    cut = {}
    for path, part in parts.items():
        part = part.drop_dims("trial", errors="ignore")
        try:
            part, column, rows = apart(part, events, table)
            cut[path] = _cut(part, column, window, until, invalid, how)
            if path == "spikes":
                cut[path] = _with_columns(cut[path], part, rows)
        except LabelError as error:
            raise LabelError(f"{path}: {error}") from error
    cut = _alike(cut)
    # The session is named at the root of a tree.
    named = {n: recording.attrs[n] for n in _NAMED if n in recording.attrs}
    if len(cut) == 1:
        (only,) = cut.values()
        return only.assign_attrs(named | only.attrs)
    root = xr.Dataset(attrs=dict(recording.attrs) | {"align_event": str(events.name or "event")})
    return xr.DataTree.from_dict({"/": root} | {f"/{path}": part for path, part in cut.items()})


def apart(part: Any, *tables: Any) -> list[Any]:
    """Give names that a part and tables of trials have in common a prefix.

    A column `quality` of units and of trials becomes `unit_quality` and `trial_quality`.
    """
    objects = [part, *tables]
    names = [{str(n) for n in getattr(obj, "variables", obj.coords)} for obj in objects]
    both = (names[0] & set().union(*names[1:])) - {"trial"}
    if not both:
        return objects
    taken, renamed = set().union(*names), []
    own_side = next((dim for dim in ("unit", "channel") if dim in part.dims), "part")
    for obj, held in zip(objects, names, strict=True):
        side = own_side if obj is part else "trial"
        new = {n: free_name(f"{side}_{n}", taken) for n in sorted(both & held)}
        own = [new.get(dim, dim) for dim in obj.attrs.get(OWN_DIMS, [])]
        renamed.append(obj.rename(new).assign_attrs({OWN_DIMS: own} if own else {}))
    return renamed


def _with_columns(cut: xr.Dataset, *tables: xr.Dataset) -> xr.Dataset:
    """Add the columns of units and trials that have several values for each of them."""
    for table in tables:
        held = {n: v for n, v in table.data_vars.items() if not {"spike", "time"} & {*v.dims}}
        held = {n: v for n, v in held.items() if n not in cut.variables and {*v.dims} - {"trial"}}
        dims = {dim for v in held.values() for dim in v.dims} - {*cut.dims}
        for name, variable in (held | {n: table[n] for n in dims if n in table.coords}).items():
            if "trial" in variable.dims:
                place = table.indexes["trial"].get_indexer(cut["trial"].values)
                variable = variable.isel(trial=place)
            one = {name: variable.variable}
            cut = cut.assign_coords(one) if name in dims else cut.assign(one)
        own = [*cut.attrs.get(OWN_DIMS, []), *map(str, sorted(dims - {*DIMS}, key=str))]
        cut = cut.assign_attrs({OWN_DIMS: list(dict.fromkeys(own))} if own else {})
    return cut


def _cut(part: Any, events: Any, window: Window, until: Any, invalid: Any, how: dict) -> Any:
    if "spike_time" in getattr(part, "coords", {}):
        return spike_cut.align(part, events, window, until=until, invalid=invalid)
    return signal_cut.align(part, events, window, until=until, invalid=invalid, **how)


def _parts(recording: xr.DataTree, signals: bool | str | Sequence[str]) -> dict[str, xr.Dataset]:
    """Spikes and the chosen signals, by their paths."""
    nodes = {n.path.strip("/"): n.to_dataset() for n in recording.subtree if n.variables}
    known = {
        path.removeprefix("signals/"): path
        for path, ds in nodes.items()
        if path.startswith("signals/") and "time" in ds.dims
    }
    names = [signals] if isinstance(signals, str) else signals
    chosen = list(known) if names is True else list(names or [])
    if unknown := [name for name in chosen if name not in known]:
        raise LabelError(f"there is no signal {unknown}: signals are {list(known)}.")
    paths = [p for p in nodes if p == "spikes" and "spike_time" in nodes[p].coords]
    paths += [known[name] for name in chosen]
    if not paths:
        raise LabelError(
            f"there is nothing to cut: no spikes, and no signals out of {list(known)}; the nodes "
            f"are {list(nodes)}. A recording has the nodes 'spikes' and 'signals/NAME'; pass the "
            "part of a larger tree that holds them."
        )
    return {path: nodes[path] for path in paths}


def _alike(cut: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Keep the trials that all parts have."""
    kept = [part["trial"].values for part in cut.values()]
    shared = kept[0][np.all([np.isin(kept[0], other) for other in kept], axis=0)]
    if not shared.size:
        counts = {path: part.sizes["trial"] for path, part in cut.items()}
        raise LabelError(
            f"no trial lies within all of these parts, of which each has some, {counts}: choose "
            "the signals to cut, signals=[...]."
        )
    for path, part in cut.items():
        inside = np.isin(part["trial"].values, shared)
        if not inside.all():
            part = part.isel(trial=np.flatnonzero(inside))
            cut[path] = tidy(part) if "spike_time" in part.coords else part
    return cut
