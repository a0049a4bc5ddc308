"""Columns and tables of NWB files from the variables of a Dataset."""

import re
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import xarray as xr
from hdmf.common import DynamicTable, ElementIdentifiers, VectorData, VectorIndex
from pynwb.epoch import TimeIntervals

from neurodyn.io import layout
from neurodyn.io.pieces import row_dim

#: Names that NWB keeps for itself.
_RESERVED = {
    *("id", "spike_times", "obs_intervals", "electrodes", "electrode_group", "waveforms"),
    *("waveform_mean", "waveform_sd", "resolution", "sampling_rate", "tags", "timeseries"),
    *("spike_trial", "spike_times_ms", "timestamp", "duration", "annotation", "name", "colnames"),
    *("columns", "description", "categories", "."),
}

#: Place of each variable in the file, as `neurodyn.io.layout.describe` takes it.
Places = dict[str, dict[str, Any]]


def file_name(name: str, taken: Collection[str]) -> str:
    """A name that NWB takes and that is free, with what stands beside it."""
    name = re.sub(r"[/:\0]", "_", name.encode("utf-8", "replace").decode()) or "_"
    while {name, f"{name}_ms", f"{name}_index"} & {*taken, *_RESERVED} or re.search(
        "_(ms|index)$", name
    ):
        name += "_"
    return name


def has_column(values: np.ndarray) -> bool:
    """Whether a column of an NWB table can hold values and give them back."""
    if values.dtype.kind == "U":
        return values.ndim == 1 and layout.is_clean(values)
    return values.dtype.kind in "biu" or values.dtype in (np.float32, np.float64)


def table_columns(
    ds: xr.Dataset, dim: str, key: str, places: Places, aside: Collection[str] = ()
) -> list[Any]:
    """Columns for every variable on `dim`.

    Parameters
    ----------
    ds
        Dataset with rows on `dim`.
    dim
        Dim of the rows.
    key
        Place of the table, for `places`.
    places
        Takes the place of each variable.
    aside
        Variables to leave out.
    """
    columns: list[Any] = []
    for name, variable in ds.variables.items():
        if variable.dims[:1] != (dim,) or str(name) in aside:
            continue
        values, unit = variable.values, ""
        fixed = name in ("start_time", "stop_time")
        column = str(name) if fixed else file_name(str(name), [each.name for each in columns])
        text = str(variable.attrs.get("long_name", name)).encode("utf-8", "replace").decode()
        text = text.replace("\0", " ") or str(name)
        if variable.attrs.get("units") == "ms" and values.dtype.kind in "iuf":
            unit, exact = "s", values.dtype == np.float64 and layout.recoverable(values)
            columns.append(VectorData(name=column, description=f"{text} [s]", data=values / 1e3))
            if not exact:
                column, unit = f"{column}_ms", ""
                columns.append(VectorData(name=column, description=f"{text} [ms]", data=values))
        else:
            data = values.tolist() if values.dtype.kind == "U" else values
            columns.append(VectorData(name=column, description=text, data=data))
        places[str(name)] = {"table": key, "column": column, "unit": unit}
    return columns


def ragged(name: str, description: str, values: Any, ends: np.ndarray) -> list[Any]:
    """A column with several values for each row, which end at `ends`, and its index."""
    flat = VectorData(name=name, description=description, data=values)
    return [flat, VectorIndex(name=f"{name}_index", data=ends, target=flat)]


def intervals(name: str, columns: Iterable[Any], n: int) -> TimeIntervals:
    """A table of intervals."""
    columns = sorted(columns, key=lambda each: each.name not in ("start_time", "stop_time"))
    return TimeIntervals(name=name, description=name, **_content(columns, n))


def add_table(nwbfile: Any, path: str, ds: xr.Dataset, places: Places) -> set[str]:
    """Add a table of intervals, events or of any other kind to a file.

    Parameters
    ----------
    nwbfile
        `pynwb.NWBFile`.
    path
        Path of the part, `intervals/NAME`.
    ds
        The part.
    places
        Takes the place of each variable.

    Returns
    -------
    Variables that have no column.
    """
    dim = str(row_dim(ds))
    aside = {
        str(n) for n, v in ds.variables.items() if v.dims[:1] != (dim,) or not has_column(v.values)
    }
    kind, _, name = path.partition("/")
    start_stop = [
        n in ds.variables
        and ds[n].dims == (dim,)
        and ds[n].dtype == np.float64
        and ds[n].attrs.get("units") == "ms"
        for n in ("start_time", "stop_time")
    ]
    n = ds.sizes[dim]
    if all(start_stop):
        own = nwbfile.intervals or {}
        free = name in _OWN and getattr(nwbfile, name) is None
        name = name if free else file_name(name or "table", [*own, *_OWN])
        columns = table_columns(ds, dim, name if free else f"intervals/{name}", places, aside)
        if name in _OWN:
            setattr(nwbfile, name, intervals(name, columns, n))
        else:
            nwbfile.add_time_intervals(intervals(name, columns, n))
        return aside
    module = module_of(nwbfile, "events" if kind == "events" else "tables")
    name = file_name(name or "table", [*module.data_interfaces])
    columns = table_columns(ds, dim, f"processing/{module.name}/{name}", places, aside)
    module.add(DynamicTable(name=name, description=name, **_content(columns, n)))
    return aside


#: Tables of intervals that are attributes of a file.
_OWN = ("trials", "epochs", "invalid_times")


def module_of(nwbfile: Any, name: str) -> Any:
    """A processing module of a file, which is made if it is not there."""
    found = nwbfile.processing.get(name) if nwbfile.processing else None
    return found or nwbfile.create_processing_module(name=name, description=name)


def _content(columns: Iterable[Any], n: int) -> dict[str, Any]:
    columns = [*columns]
    names = [each.name for each in columns if not isinstance(each, VectorIndex)]
    ids = ElementIdentifiers(name="id", data=np.arange(n))
    return {"columns": columns, "colnames": names, "id": ids}
