"""Write spike Datasets as Neurodata Without Borders files (NWB 2), with pynwb."""

import datetime
import os
import uuid
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from hdmf.common import ElementIdentifiers, VectorData, VectorIndex
from pynwb import NWBHDF5IO, NWBFile
from pynwb.epoch import TimeIntervals
from pynwb.misc import Units

from neurodyn import labels
from neurodyn.io import layout
from neurodyn.io.atomic import atomic_path
from neurodyn.labels import LabelError
from neurodyn.labels.convention import OWN_DIMS, SPIKE_COLUMNS
from neurodyn.spikes.gaps import gaps_of
from neurodyn.spikes.join import in_trials, positions, refuse_single_trial, tidy
from neurodyn.spikes.observation import observed_intervals, union, without

#: Names that NWB keeps for itself.
_RESERVED = {
    *("id", "spike_times", "obs_intervals", "electrodes", "electrode_group", "waveforms"),
    *("waveform_mean", "waveform_sd", "resolution", "sampling_rate", "tags", "timeseries"),
    *("spike_trial", "spike_times_ms"),
}


def to_nwb(
    ds: xr.Dataset,
    path: str | os.PathLike,
    *,
    overwrite: bool = False,
    session_description: str | None = None,
    identifier: str | None = None,
    session_start_time: datetime.datetime | None = None,
) -> Path:
    """Write a spike Dataset to an NWB file that any NWB reader understands.

    Spikes go to the units table, unit and trial coordinates to columns of the units and trials
    tables; times are converted to seconds. Spikes in trials get absolute times from `event_time`
    (trial). Without it, as in runs of a model, times are written as if the trials had followed one
    another. A column `spike_trial` holds the trial of each spike.

    Spikes of units and trials that are not selected are not written (`neurodyn.spikes.tidy`).
    `neurodyn.io.from_nwb` gives the identical Dataset back: attrs, dtypes and times bit by bit. If
    milliseconds would change in their last digit on the way through seconds (relative error 2e-16),
    they are stored as well, in columns whose names end in `_ms`.

    Parameters
    ----------
    ds
        Spike Dataset, continuous or in trials (see `neurodyn.spikes`).
    path
        File to write, usually `.nwb`; written atomically.
    overwrite
        Whether an existing file may be replaced.
    session_description, identifier
        Required by NWB. Default: those in attrs, else "neurodyn spike trains" and a new UUID.
    session_start_time
        Start of the recording. Default: that in attrs, else 1970-01-01 UTC, which means "unknown".

    Returns
    -------
    The path.

    Raises
    ------
    LabelError
        If `ds` is no valid spike Dataset, or holds variables for which NWB has no place.
    FileExistsError, FileNotFoundError, PermissionError
        If the file exists already, or its folder does not or cannot be written to.

    Examples
    --------
    >>> to_nwb(spikes.from_times([[10.0, 20.0]]), "session.nwb")  # doctest: +SKIP
    """
    ds = _checked(ds)
    start = session_start_time or ds.attrs.get("session_start_time")
    start = datetime.datetime.fromisoformat(start) if isinstance(start, str) else start
    start = start or datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    description = session_description or ds.attrs.get("session_description")
    nwbfile = NWBFile(
        session_description=description or "neurodyn spike trains",
        identifier=identifier or ds.attrs.get("identifier") or str(uuid.uuid4()),
        session_start_time=start if start.tzinfo else start.replace(tzinfo=datetime.UTC),
    )
    event, window = _clock(ds)
    places: dict[str, dict[str, str]] = {}
    nwbfile.units = _units(ds, event, window, places)
    if "trial" in ds.dims:
        nwbfile.trials = _trials(ds, event, window, places)
    text = layout.describe(ds, columns=places, keep=_aside(ds))
    nwbfile.add_scratch(text, name="neurodyn", description="labels of the xarray Dataset (JSON)")
    with atomic_path(path, overwrite=overwrite) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with NWBHDF5IO(str(temporary), "w") as io:
            io.write(nwbfile)
    return Path(path)


def _checked(ds: xr.Dataset) -> xr.Dataset:
    """The Dataset with its spikes in order; refuse it if it cannot be written."""
    if not isinstance(ds, xr.Dataset) or "spike_time" not in ds:
        raise LabelError(
            "to_nwb writes spike Datasets (neurodyn.spikes); for binned data, runs and DataTrees "
            "use neurodyn.save, which keeps them as netCDF or Zarr."
        )
    labels.check(ds)
    refuse_single_trial(ds)
    aside = _aside(ds)
    for name, variable in ds.variables.items():
        first = variable.dims[:1]
        if str(name) in aside or variable.dims == ("spike",):
            continue
        if variable.ndim and first not in (("unit",), ("trial",)):
            raise LabelError(
                f"'{name}' on dims {variable.dims} has no place in an NWB file: drop it "
                f"(.drop_vars('{name}')), or use neurodyn.save."
            )
    return tidy(ds)


def _aside(ds: xr.Dataset) -> set[str]:
    """Variables that go into the text, because columns of NWB cannot hold them.

    Those are gaps, which `obs_intervals` tell other readers, labels of dims of their own, and
    columns with several words for each row.
    """
    own = {"gap", *ds.attrs.get(OWN_DIMS, [])}
    return {
        str(name)
        for name, v in ds.variables.items()
        if "gap" in v.dims
        or (v.dims and own >= {*v.dims})
        or (v.ndim > 1 and v.dtype.kind in "UO" and own >= {*v.dims[1:]})
    }


def _clock(ds: xr.Dataset) -> tuple[np.ndarray | None, tuple[float, float]]:
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


def _units(ds: xr.Dataset, event: np.ndarray | None, window: tuple, places: dict) -> Any:
    time, unit, trial = positions(ds)
    absolute = time if event is None else event[trial] + time
    order = np.lexsort([absolute, unit])
    ends = np.cumsum(np.bincount(unit, minlength=ds.sizes["unit"]))
    columns = _ragged("spike_times", "spike times [s]", absolute[order] / 1e3, ends)
    places["spike_time"] = {"table": "units", "column": "spike_times", "unit": "s"}
    if event is not None:
        text = "row of the trial in the trials table"
        columns += _ragged("spike_trial", text, trial[order], ends)
        places["spike_trial"] = {"table": "units", "column": "spike_trial", "unit": ""}
    if event is not None or not layout.recoverable(time):
        columns += _ragged("spike_times_ms", "from the event of the trial [ms]", time[order], ends)
        places["spike_time"] = {"table": "units", "column": "spike_times_ms", "unit": ""}
    for name, variable in ds.variables.items():
        if variable.dims == ("spike",) and name not in SPIKE_COLUMNS:
            column = f"{name}_" if name in _RESERVED else str(name)
            values = variable.values[order]
            values = values.tolist() if values.dtype.kind in "UO" else values
            columns += _ragged(column, str(variable.attrs.get("long_name", name)), values, ends)
            places[str(name)] = {"table": "units", "column": column, "unit": ""}
    intervals = _observed(ds, event, window)
    if intervals is not None:
        rows = np.cumsum([len(each) for each in intervals])
        columns += _ragged("obs_intervals", "observed [s]", np.concatenate(intervals) / 1e3, rows)
    columns += _table_columns(ds, "unit", "units", places)
    ids = ElementIdentifiers(name="id", data=np.arange(ds.sizes["unit"]))
    names = [column.name for column in columns if not column.name.endswith("_index")]
    return Units(name="units", description="units", columns=columns, colnames=names, id=ids)


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


def _trials(ds: xr.Dataset, event: np.ndarray | None, window: tuple, places: dict) -> Any:
    columns = _table_columns(ds, "trial", "trials", places)
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
    columns.sort(key=lambda column: column.name not in ("start_time", "stop_time"))
    ids = ElementIdentifiers(name="id", data=np.arange(ds.sizes["trial"]))
    names = [column.name for column in columns]
    return TimeIntervals(
        name="trials", description="trials", columns=columns, colnames=names, id=ids
    )


def _table_columns(ds: xr.Dataset, dim: str, table: str, places: dict) -> list:
    """Columns for every variable on `dim`; `places` takes the place of each."""
    columns, aside = [], _aside(ds)
    for name, variable in ds.variables.items():
        if variable.dims[:1] != (dim,) or str(name) in aside:
            continue
        column, values, unit = f"{name}_" if name in _RESERVED else str(name), variable.values, ""
        text = f"{variable.attrs.get('long_name', name)}"
        if variable.attrs.get("units") == "ms" and values.dtype == np.float64:
            unit = "s"
            columns.append(VectorData(name=column, description=f"{text} [s]", data=values / 1e3))
            if not layout.recoverable(values):
                column, unit = f"{column}_ms", ""
                columns.append(VectorData(name=column, description=f"{text} [ms]", data=values))
        else:
            data = values.tolist() if values.dtype.kind in "UO" else values
            columns.append(VectorData(name=column, description=text, data=data))
        places[str(name)] = {"table": table, "column": column, "unit": unit}
    return columns


def _ragged(name: str, description: str, values: np.ndarray, ends: np.ndarray) -> list:
    flat = VectorData(name=name, description=description, data=values)
    return [flat, VectorIndex(name=f"{name}_index", data=ends, target=flat)]
