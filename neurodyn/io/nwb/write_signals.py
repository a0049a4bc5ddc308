"""Series of NWB files from continuous signals."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from hdmf.data_utils import GenericDataChunkIterator
from pynwb import TimeSeries
from pynwb.ecephys import ElectricalSeries

from neurodyn import labels
from neurodyn.io.nwb.write_tables import Places, file_name
from neurodyn.io.pieces import PIECES, begins, exact_rate, length, rate
from neurodyn.labels import LabelError

#: Our units -> unit of NWB, and the factor to it.
_UNITS = {"mV": ("volts", 1e-3), "pA": ("amperes", 1e-12), "nS": ("siemens", 1e-9)}
#: Coordinates of channels that tell where their electrodes are.
_PLACES = ("x", "y", "z", "area", "group", "electrode_id")
#: Bytes of lazy samples that are computed at a time.
_BUFFER = 1 << 24


class Chunks(GenericDataChunkIterator):
    """Samples of a dask array, which are computed some at a time while they are written."""

    def __init__(self, array: Any):
        self.array = array
        row = max(1, array.dtype.itemsize * int(np.prod(array.shape[1:])))
        n = min(array.shape[0], max(1, _BUFFER // row))
        chunk = max(1, n // 16)
        super().__init__(
            buffer_shape=(n // chunk * chunk, *array.shape[1:]),
            chunk_shape=(chunk, *array.shape[1:]),
        )

    def _get_data(self, selection: tuple[slice, ...]) -> np.ndarray:
        return np.asarray(self.array[selection])

    def _get_maxshape(self) -> tuple[int, ...]:
        return self.array.shape

    def _get_dtype(self) -> np.dtype:
        return self.array.dtype


def check_signals(path: str, ds: xr.Dataset) -> None:
    """Refuse signals that NWB cannot hold.

    Raises
    ------
    LabelError
        With the name of the signal.
    """
    for name, variable in ds.data_vars.items():
        if "time" not in variable.dims:
            continue
        what = f"'{path}/{name}'".replace("'/", "'")
        if variable.dtype.kind not in "biuf" or variable.dtype.itemsize > 8:
            raise LabelError(
                f"{what} is {variable.dtype}, and a series of NWB holds real numbers: convert it, "
                "or use neurodyn.save."
            )
        if len({*variable.dims} - {*PIECES}) > 4 or len({*variable.dims} & {*PIECES}) > 1:
            raise LabelError(
                f"{what} has dims {variable.dims}; a series of NWB has time and at most three "
                f"others, and one of {', '.join(PIECES)}: select along the others, or use "
                "neurodyn.save."
            )
    if labels.clock(ds, even=False).unit != "ms":
        raise LabelError(
            f"the times of '{path or next(iter(ds.data_vars))}' count steps, and NWB has physical "
            "time: label them in ms, .assign_coords(time=ds.time * dt) with "
            ".time.attrs['units'] = 'ms'."
        )


def add_signals(
    nwbfile: Any, path: str, ds: xr.Dataset, places: Places, electrodes: dict[str, int]
) -> set[str]:
    """Add the signals of a Dataset to the acquisition of a file.

    Parameters
    ----------
    nwbfile
        `pynwb.NWBFile`.
    path
        Path of the part, `signals/NAME`.
    ds
        Signals on `time` [ms], with channels, and in sweeps or trials.
    places
        Takes the place of each variable.
    electrodes
        Rows of the table of electrodes by what identifies them; takes new ones.

    Returns
    -------
    Variables that the series do not hold.
    """
    names = [n for n, v in ds.data_vars.items() if "time" in v.dims]
    base = path.removeprefix("signals/") or str(ds.attrs.get("series", ""))
    time = labels.clock(ds, what=path, even=False).time
    hertz = rate(time)
    for name in names:
        array = ds[name]
        dim = next((d for d in PIECES if d in array.dims), None)
        starts, own = begins(ds, dim, time), []
        title = "_".join(filter(None, (base, str(name) if len(names) > 1 or not base else "")))
        for k in range(ds.sizes[dim] if dim else 1):
            one = array.isel({dim: k}) if dim else array
            one = one.transpose("time", ...)
            n = length(ds, dim, k, one)
            piece = f"{title}_{ds[dim].values[k]}" if dim in ds.coords else title
            piece = file_name(piece, [*nwbfile.acquisition])
            clock = _clock(time[:n] + starts[k], hertz)
            nwbfile.add_acquisition(_series(nwbfile, piece, one[:n], ds, clock, electrodes))
            own.append(piece)
        stored = [str(d) for d in array.transpose("time", ...).dims if d != dim]
        places[str(name)] = {"table": "acquisition", "column": own, "dims": stored, "split": dim}
    if exact := exact_rate(time):
        places["time"] = {"table": "rate", "column": exact, "start": float(time[0])}
    return {str(n) for n in ds.variables} - {*places}


def _series(
    nwbfile: Any,
    name: str,
    array: xr.DataArray,
    ds: xr.Dataset,
    clock: Mapping[str, Any],
    electrodes: dict[str, int],
) -> TimeSeries:
    data: Any = array.data
    data = data.astype(np.uint8) if data.dtype == bool else data
    if array.chunks is not None:
        data = Chunks(data)
    unit = str(array.attrs.get("units", "1"))
    unit, factor = _UNITS.get(unit, (unit, 1.0))
    text = {n: str(ds.attrs[n]) for n in ("description", "comments") if ds.attrs.get(n)}
    text.setdefault("description", str(array.attrs.get("long_name", name)))
    text = {n: t.replace("\0", " ").encode("utf-8", "replace").decode() for n, t in text.items()}
    how: dict[str, Any] = {"name": name, "data": data, "conversion": factor, **text, **clock}
    if unit == "volts" and array.dims == ("time", "channel") and {*_PLACES} & {*ds.coords}:
        return ElectricalSeries(electrodes=_electrodes(nwbfile, ds, electrodes), **how)
    return TimeSeries(unit=unit, **how)


def _electrodes(nwbfile: Any, ds: xr.Dataset, known: dict[str, int]) -> Any:
    """The rows of the channels in the table of electrodes, which is extended for new ones."""
    n = ds.sizes["channel"]
    columns = {
        name: ds[name].values.tolist()
        for name in (*_PLACES, "channel")
        if name in ds.coords and ds[name].dims == ("channel",)
    }
    rows = []
    for i in range(n):
        one = {name: values[i] for name, values in columns.items()}
        which = {k: v for k, v in one.items() if k != "channel" or "electrode_id" not in one}
        key = repr(which)
        if key not in known:
            _add_electrode(nwbfile, one)
            known[key] = len(known)
        rows.append(known[key])
    return nwbfile.create_electrode_table_region(rows, "electrodes of the channels")


def _add_electrode(nwbfile: Any, one: Mapping[str, Any]) -> None:
    if nwbfile.electrodes is None:
        nwbfile.add_electrode_column("channel", "label of the channel")
    name = file_name(str(one.get("group") or "electrodes"), [])
    if name not in nwbfile.electrode_groups:
        device = (nwbfile.devices or {}).get("device") or nwbfile.create_device(name="device")
        nwbfile.create_electrode_group(name, description=name, location="unknown", device=device)
    where = {d: float(one[d]) if isinstance(one.get(d), (int, float)) else np.nan for d in "xyz"}
    area = str(one.get("area") or "unknown").replace("\0", " ").encode("utf-8", "replace").decode()
    label = str(one.get("channel", "")).replace("\0", " ").encode("utf-8", "replace").decode()
    group = nwbfile.electrode_groups[name]
    nwbfile.add_electrode(**where, location=area, group=group, channel=label)


def _clock(time: np.ndarray, hertz: float | None) -> dict[str, Any]:
    if hertz is None:
        return {"timestamps": time / 1e3}
    return {"rate": hertz, "starting_time": float(time[0]) / 1e3}
