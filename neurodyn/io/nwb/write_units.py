"""Units and trials of NWB files from spike Datasets."""

from typing import Any

import numpy as np
import xarray as xr
from hdmf.common import ElementIdentifiers, VectorData
from pynwb.epoch import TimeIntervals
from pynwb.misc import Units

from neurodyn.io import layout
from neurodyn.io.nwb.write_tables import (
    Places,
    file_name,
    has_column,
    intervals,
    ragged,
    table_columns,
)
from neurodyn.labels import LabelError
from neurodyn.labels.convention import OWN_DIMS, SPIKE_COLUMNS
from neurodyn.spikes.gaps import gaps_of
from neurodyn.spikes.join import in_trials, positions, refuse_single_trial, tidy
from neurodyn.spikes.observation import observed_intervals, union, without


def checked(ds: xr.Dataset, path: str = "") -> xr.Dataset:
    """A spike Dataset with its spikes in order; refuse it if it cannot be written.

    Raises
    ------
    LabelError
        With the name of the variable, or of the column of trials that lacks.
    """
    refuse_single_trial(ds)
    apart = aside(ds)
    for name, variable in ds.variables.items():
        if str(name) in apart or variable.dims == ("spike",):
            continue
        if variable.ndim and variable.dims[:1] not in (("unit",), ("trial",)):
            raise LabelError(
                f"'{path}/{name}' on dims {variable.dims} has no place in an NWB file: drop it "
                f"(.drop_vars('{name}')), or use neurodyn.save.".replace("'/", "'")
            )
    return tidy(ds)


def aside(ds: xr.Dataset) -> set[str]:
    """Variables that go into the text, because columns of NWB cannot hold them.

    Those are gaps, which `obs_intervals` tell other readers, labels of dims of their own, and
    columns of types that NWB does not have.
    """
    own = {"gap", *ds.attrs.get(OWN_DIMS, [])}
    return {
        str(name)
        for name, v in ds.variables.items()
        if v.dims
        and ("gap" in v.dims or own >= {*v.dims} or not has_column(v.values))
        and str(name) not in SPIKE_COLUMNS
    }


def clock(ds: xr.Dataset) -> tuple[np.ndarray | None, tuple[float, float]]:
    """Event of each trial on one clock [ms], and the window around it."""
    spike_time = ds["spike_time"].values
    window = ds.attrs.get("window", (spike_time.min(initial=0.0), spike_time.max(initial=0.0)))
    start, stop = (float(edge) for edge in window)
    if not in_trials(ds):
        return None, (start, stop)
    for name in ("event_time", ds.attrs.get("align_event")):
        if name in ds.coords and ds[name].dims == ("trial",) and ds[name].attrs["units"] == "ms":
            return ds[name].values.astype(np.float64), (start, stop)
    return np.arange(ds.sizes["trial"]) * (stop - start) - start, (start, stop)


def units_table(name: str, ds: xr.Dataset, event: np.ndarray | None, places: Places) -> Units:
    """The table of units, with their spikes [s].

    Parameters
    ----------
    name
        Name of the table.
    ds
        Spike Dataset, its spikes in order.
    event
        Event of each trial on one clock [ms], see `clock`.
    places
        Takes the place of each variable.
    """
    apart = aside(ds)
    key = "units" if name == "units" else f"processing/spikes/{name}"
    time, unit, trial = positions(ds)
    absolute = time if event is None else event[trial] + time
    order = np.lexsort([absolute, unit])
    ends = np.cumsum(np.bincount(unit, minlength=ds.sizes["unit"]))
    columns = ragged("spike_times", "spike times [s]", absolute[order] / 1e3, ends)
    places["spike_time"] = {"table": key, "column": "spike_times", "unit": "s"}
    if event is not None:
        text = "row of the trial in the trials table"
        columns += ragged("spike_trial", text, trial[order], ends)
        places["spike_trial"] = {"table": key, "column": "spike_trial", "unit": ""}
    if event is not None or not layout.recoverable(time):
        columns += ragged("spike_times_ms", "from the event of the trial [ms]", time[order], ends)
        places["spike_time"] = {"table": key, "column": "spike_times_ms", "unit": ""}
    for label, variable in ds.variables.items():
        if variable.dims == ("spike",) and label not in SPIKE_COLUMNS and label not in apart:
            column = file_name(str(label), [each.name for each in columns])
            values: Any = variable.values[order]
            values = values.tolist() if values.dtype.kind == "U" else values
            columns += ragged(column, str(variable.attrs.get("long_name", label)), values, ends)
            places[str(label)] = {"table": key, "column": column, "unit": ""}
    seen = _observed(ds, event, clock(ds)[1])
    if seen is not None:
        rows = np.cumsum([len(each) for each in seen])
        columns += ragged("obs_intervals", "observed [s]", np.concatenate(seen) / 1e3, rows)
    columns += table_columns(ds, "unit", key, places, apart)
    ids = ElementIdentifiers(name="id", data=np.arange(ds.sizes["unit"]))
    names = [column.name for column in columns if not column.name.endswith("_index")]
    return Units(name=name, description="units", columns=columns, colnames=names, id=ids)


def _observed(ds: xr.Dataset, event: np.ndarray | None, window: tuple) -> list | None:
    """Intervals in which each unit was observed [ms], shape (n, 2) per unit."""
    if event is not None:
        stop = window[1]
        if "valid_until" in ds.coords:
            stop = np.fmin(ds["valid_until"].values, stop)
        shared = np.stack([event + window[0], event + stop], axis=1)
        gaps = gaps_of(ds)
        if gaps is None:
            return [union(shared)] * ds.sizes["unit"]
        trial, unit = np.divmod(gaps.cell, ds.sizes["unit"])
        lost = np.stack([gaps.start, gaps.stop], axis=1) + event[trial][:, None]
        lost = np.clip(lost, *shared[trial].T[:, :, None])
        of_units = (lost[unit == u] for u in range(ds.sizes["unit"]))
        return [without(union(shared), each) for each in of_units]
    if "window" not in ds.attrs:
        return None
    return observed_intervals(ds)


def trials_table(
    ds: xr.Dataset, event: np.ndarray | None, window: tuple[float, float], places: Places
) -> TimeIntervals:
    """The table of trials of a spike Dataset."""
    columns = table_columns(ds, "trial", "trials", places, aside(ds))
    present = {column.name for column in columns}
    for name, edge in (("start_time", window[0]), ("stop_time", window[1])):
        if name not in present:
            if event is None:
                raise LabelError(
                    f"NWB needs '{name}' of every trial: "
                    f".assign_coords({name}=('trial', times, {{'units': 'ms'}})), or drop 'trial'."
                )
            text = f"{name.replace('_', ' ')} [s]"
            columns.append(VectorData(name=name, description=text, data=(event + edge) / 1e3))
    return intervals("trials", columns, ds.sizes["trial"])
