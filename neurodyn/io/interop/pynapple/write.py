"""Recordings as objects of pynapple, which hold times in seconds."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels, spikes
from neurodyn.io import layout
from neurodyn.io.interop import notes
from neurodyn.io.interop.packages import package
from neurodyn.io.interop.times import to_seconds
from neurodyn.io.pieces import is_signal
from neurodyn.labels import LabelError
from neurodyn.labels.convention import GAPS, OBSERVED_EDGES, SPIKE_COLUMNS, SPIKE_KEYS
from neurodyn.spikes.observation import union

#: Column of metadata with the labels of units that are no increasing whole numbers.
LABEL = "unit"
#: Column of metadata with the intervals [ms] of each unit, if they differ.
OBSERVED = "observed_ms"
#: By how much [ms] pynapple shortens an interval that touches the next one.
TOUCH = 1e-3
_OF_SPIKES = {*SPIKE_COLUMNS, SPIKE_KEYS["unit"], *OBSERVED_EDGES, "gap", *GAPS, "unit", "spike"}


def to_pynapple(recording: xr.Dataset | xr.DataTree) -> Any:
    """Convert a recording to objects of pynapple.

    Parameters
    ----------
    recording
        Continuous spikes, signals, tables of intervals and events, or a DataTree of them.

    Returns
    -------
    The object of the one part; of several a dict by path (``"spikes"``, ``"intervals/trials"``,
    ``"events/licks"``, ``"signals/lfp"``). Times are in s.

    - spikes: `TsGroup`; keys are the labels of units if these are increasing whole numbers,
      else numbers, with the labels as metadata `unit`
    - observed intervals: `time_support`, the times at which any unit was observed; if those of
      units differ, metadata `observed_ms`
    - columns of units: metadata, in their own units
    - signal (time): `Tsd`
    - signal (time, channel): `TsdFrame`, columns are the labels of channels
    - signal of 3 dims: `TsdTensor`
    - intervals: `IntervalSet`, columns of the table are metadata
    - events (times only): `Ts`

    The objects remember the attributes, and `from_pynapple` gives the identical data back; some
    times with digits beyond 1 ns only up to rounding, because seconds cannot hold them. What
    pynapple makes of these objects, or saves, holds times, values, labels and metadata only.

    Raises
    ------
    LabelError
        If spikes are in trials, intervals overlap or have no duration (pynapple would join them),
        times are NaN, or there are variables for which pynapple has no place.
    ImportError
        If pynapple is not installed.

    Examples
    --------
    >>> group = to_pynapple(recording)  # doctest: +SKIP
    """
    if not isinstance(recording, (xr.Dataset, xr.DataTree)):
        raise TypeError(
            f"to_pynapple takes a Dataset or a DataTree, got a {type(recording).__name__}."
        )
    nap = package("pynapple", "to_pynapple")
    made: dict[str, Any] = {}
    for at, ds in layout.parts_of(recording).items():
        if "spike_time" in ds.variables:
            own, trials = _apart(ds)
            made[at or "spikes"] = _group(nap, own)
            if trials is not None:
                name = f"intervals/{trials.attrs['table']}"
                made[name] = _intervals(nap, name, trials)
        elif is_signal(ds):
            series = str(ds.attrs.get("series", next(iter(ds.data_vars), "signal")))
            made[at or f"signals/{series}"] = _series(nap, at, ds)
        elif "trial" in ds.dims:
            name = at or f"intervals/{ds.attrs.get('table', 'trials')}"
            starts = "start_time" in ds.coords
            made[name] = (_intervals if starts else _events)(nap, name, ds)
        elif ds.dims:
            raise LabelError(
                f"{at or 'the Dataset'}: pynapple has no place for data on {list(ds.dims)}; it has "
                "spikes, signals on 'time', and tables of intervals or events."
            )
    if not made:
        raise LabelError("there is nothing to convert: no spikes, signals or tables.")
    return made if len(made) > 1 else next(iter(made.values()))


def _apart(ds: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset | None]:
    """Spikes, and the table of trials that is beside them."""
    if "spike_trial" in ds.variables:
        raise LabelError(
            "these spikes are in trials, each with a clock of its own, and pynapple has one clock: "
            "convert the continuous recording, its trials become an IntervalSet."
        )
    rows = [n for n, v in ds.variables.items() if "trial" in v.dims]
    if not rows:
        return ds, None
    trials = ds[rows].drop_vars([n for n in ds.coords if n not in rows], errors="ignore")
    trials.attrs = {"table": str(ds.attrs.get("table", "trials"))} | {
        n: ds.attrs[n] for n in ("source", "convention", "neurodyn") if n in ds.attrs
    }
    own = ds.drop_vars(rows)
    own.attrs = {n: v for n, v in ds.attrs.items() if n != "table"}
    return own, trials


def _group(nap: Any, ds: xr.Dataset) -> Any:
    ds = spikes.tidy(ds)
    odd = [
        n for n, v in ds.variables.items() if v.ndim and n not in _OF_SPIKES and v.dims != ("unit",)
    ]
    if odd:
        raise LabelError(
            f"pynapple has no place for {odd}, which have several values for each unit: take them "
            f"out, .drop_vars({odd})."
        )
    try:
        seen = spikes.observed_intervals(ds)
    except LabelError:  # nothing is known, so that the spikes say when
        time = ds["spike_time"].values
        seen = [np.array([[time.min(initial=0.0), time.max(initial=0.0)]])] * ds.sizes["unit"]
    whole = union(np.concatenate(seen))
    support = nap.IntervalSet(to_seconds(whole[:, 0]), to_seconds(whole[:, 1]))
    label = ds["unit"].values
    keyed = label.dtype.kind in "iu" and bool((np.diff(label.astype(np.int64)) > 0).all())
    keys = label.tolist() if keyed else list(range(label.size))
    columns = {
        str(n): v.values
        for n, v in ds.variables.items()
        if v.dims == ("unit",) and n not in _OF_SPIKES
    }
    columns |= {} if keyed else {LABEL: label}
    if any(not np.array_equal(each, whole) for each in seen):
        columns[OBSERVED] = _texts([json.dumps(each.tolist()) for each in seen])
    trains = {
        key: nap.Ts(to_seconds(each), time_support=support)
        for key, each in zip(keys, spikes.times(ds), strict=True)
    }
    return notes.attach(nap.TsGroup(trains, time_support=support, metadata=columns), ds)


def _texts(items: list[str]) -> np.ndarray:
    found = np.empty(len(items), object)
    found[:] = items
    return found


def _intervals(nap: Any, at: str, ds: xr.Dataset) -> Any:
    edges = []
    for name in ("start_time", "stop_time"):
        if name not in ds.coords or ds[name].dims != ("trial",):
            raise LabelError(f"{at} has no '{name}' on 'trial', and intervals have start and stop.")
        edges.append(ds[name].values.astype(np.float64))
    start, stop = edges
    if not np.isfinite(np.r_[start, stop]).all() or (stop <= start).any():
        raise LabelError(
            f"{at}: intervals without an end, or of no duration, are lost in pynapple: take out "
            "these rows, .isel(trial=...)."
        )
    if (start[1:] < stop[:-1]).any():
        raise LabelError(
            f"{at}: intervals overlap or are not sorted, and pynapple would join them: sort them, "
            ".sortby('start_time'), or convert them in parts."
        )
    rows = [n for n, v in ds.variables.items() if v.dims == ("trial",)]
    _refuse_odd(at, ds, rows)
    columns = {str(n): ds[n].values for n in rows if n not in ("start_time", "stop_time")}
    if np.array_equal(columns.get("trial", np.zeros(0)), np.arange(start.size)):
        columns.pop("trial")
    touching = np.r_[start[1:] == stop[:-1], False]
    stop = np.where(touching, stop - TOUCH, stop)  # as pynapple does, which then warns of it
    made = nap.IntervalSet(to_seconds(start), to_seconds(stop), metadata=columns)
    return notes.attach(made, ds)


def _refuse_odd(at: str, ds: xr.Dataset, rows: Sequence[Any]) -> None:
    odd = [n for n, v in ds.variables.items() if v.ndim and n not in rows]
    if odd:
        raise LabelError(
            f"{at}: pynapple has no place for {odd}: take them out, .drop_vars({odd})."
        )


def _events(nap: Any, at: str, ds: xr.Dataset) -> Any:
    if "event_time" not in ds.coords:
        raise LabelError(f"{at} has neither 'start_time' nor 'event_time', which pynapple needs.")
    more = [n for n in ds.variables if n not in ("event_time", "trial")]
    if more:
        raise LabelError(
            f"{at}: a Ts of pynapple holds times only, not {more}: .drop_vars({more}), and one Ts "
            "for each kind of event."
        )
    return notes.attach(nap.Ts(to_seconds(ds["event_time"].values)), ds)


def _series(nap: Any, at: str, ds: xr.Dataset) -> Any:
    names = [str(n) for n, v in ds.data_vars.items() if "time" in v.dims]
    if len(names) > 1:
        raise LabelError(
            f"{at or 'the Dataset'} holds {names}, and a Tsd of pynapple one variable: convert "
            f"ds[['{names[0]}']] and so on."
        )
    (name,) = names
    if {"trial", "sweep", "condition"} & {*ds[name].dims}:
        raise LabelError(
            f"'{name}' is in trials or sweeps, each with a clock of its own, and pynapple has one "
            "clock: convert the continuous signal."
        )
    ticks = labels.clock(ds, even=False, what=f"'{name}'")
    if ticks.unit != "ms":
        raise LabelError(f"'{name}' counts steps without a duration, and pynapple needs seconds.")
    data = ds[name].transpose("time", ...)
    values, time = data.values, to_seconds(ticks.time)
    own = [str(n) for n, v in ds.variables.items() if v.dims not in (("time",), data.dims[1:2])]
    more = [n for n in own if n != name]
    if values.ndim == 1:
        return notes.attach(nap.Tsd(t=time, d=values), ds, more)
    if values.ndim > 2:
        across = [str(n) for n, v in ds.variables.items() if "time" not in v.dims]
        return notes.attach(nap.TsdTensor(t=time, d=values), ds, across)
    dim = str(data.dims[1])
    label = ds[dim].values if dim in ds.coords else np.arange(values.shape[1])
    columns = {str(n): c.values for n, c in ds.coords.items() if c.dims == (dim,) and n != dim}
    frame = nap.TsdFrame(t=time, d=values, columns=label, metadata=columns)
    return notes.attach(frame, ds, more)
