"""Read the series of an NWB file: signals, and events and intervals that are stored as series."""

from typing import Any

import numpy as np
import xarray as xr
from pynwb import TimeSeries
from pynwb.ecephys import SpikeEventSeries
from pynwb.image import ImageSeries
from pynwb.misc import AbstractFeatureSeries

from neurodyn.io.nwb.axes import axes
from neurodyn.io.nwb.times import times
from neurodyn.io.parts import decode, signal, tidy, unit_of
from neurodyn.io.select import Cutter, from_to
from neurodyn.io.selection import Selection
from neurodyn.io.stored import Stored, stays
from neurodyn.labels import LabelError
from neurodyn.labels.convention import DIMS

#: Text of a series that the Dataset keeps, and what stands for none.
_TEXT = ("description", "comments", "reference_frame", "filtering")
_NO_TEXT = ("", "no description", "no comments")


def read_signals(
    named: dict[str, Any], selection: Selection, cutter: Cutter, *, reopen: bool
) -> dict[str, xr.Dataset]:
    """Read the signals of a file that were asked for.

    Parameters
    ----------
    named
        Series of pynwb by path, `signals/NAME`.
    selection
        What is to be read.
    cutter
        Knows which channels were asked for, and takes notes of what is left out.
    reopen
        Whether lazy signals open the file for each chunk, because it will be closed.

    Raises
    ------
    LabelError
        If a signal that was asked for by name is not there or cannot be read.
    """
    asked = selection.named(
        {path.removeprefix("signals/"): each.name for path, each in named.items()}
    )
    parts: dict[str, xr.Dataset] = {}
    failed = []
    for name in asked:
        path = f"signals/{name}"
        try:
            parts[path] = _read(named[path], path, selection, cutter, reopen=reopen)
        except (LabelError, OSError, TypeError, ValueError) as error:
            cutter.notes.append(f"{path}: {str(error).rstrip('.')}")
            failed.append(cutter.notes[-1])
    if failed and not isinstance(selection.signals, bool):
        raise LabelError(f"a signal that was asked for cannot be read: {'; '.join(failed)}.")
    return parts


def _read(
    series: Any, path: str, selection: Selection, cutter: Cutter, *, reopen: bool
) -> xr.Dataset:
    data = array(series.data)
    _refuse(series, data)
    notes: list[str] = []
    dims, coords = axes(series, data.shape, notes)
    rows, time = times(series, data.shape[0], selection.window)
    if rows[0] == rows[1]:
        raise LabelError(f"it has no sample {from_to(selection.window or (-np.inf, np.inf))}")
    columns = None
    if "channel" in dims:
        coords.setdefault("channel", ("channel", np.arange(data.shape[1])))
        known = {n: c[1] for n, c in coords.items() if c[0] == "channel"}
        columns = cutter.pick["channel"](path, known)
    if columns is not None:
        if not columns.size:
            raise LabelError(cutter.pick["channel"].problem(path))
        coords = {n: _chosen(c, columns) for n, c in coords.items()}
    cutter.notes += [f"{path}/channel: {note}" for note in notes]
    about = {"series": series.name} | texts(series)
    built = {}
    for name, unit, own in _variables(series, dims, coords, columns):
        factor, offset, ours = _scale(series, unit, data.shape)
        stored = Stored(data, rows, own, factor, offset)
        lazy = stays(stored.nbytes, selection.lazy)
        values = stored.lazy(reopen=reopen) if lazy else stored.load()
        if name:
            ds = signal(values[:, 0], ours, time, dims=("time",), long_name=name, attrs=about)
            built[name] = next(iter(ds.data_vars.values()))
            continue
        return signal(
            values, ours, time, dims=dims, long_name=series.name, coords=coords, attrs=about,
            own_dims=tuple(dim for dim in dims if dim not in DIMS),
        )  # fmt: skip
    return ds.drop_vars(list(ds.data_vars)).assign(built)


def array(data: Any) -> Any:
    """An array, in a file or in memory, of the data that pynwb holds."""
    while hasattr(data, "io_settings"):  # a wrapper with options for writing
        data = data.data
    if isinstance(data, (list, tuple)):
        data = np.asarray(data)
    if not hasattr(data, "shape") or not hasattr(data, "dtype"):
        kind = type(data).__name__
        raise LabelError(f"its data are a {kind}, not an array: write the file, and read that")
    return data


def _refuse(series: TimeSeries, data: Any) -> None:
    external = getattr(series, "external_file", None)
    if isinstance(series, ImageSeries) and external is not None and len(external):
        names = ", ".join(map(str, decode(np.asarray(external[:])).tolist()))
        raise LabelError(f"its images are in other files ({names})")
    if isinstance(series, SpikeEventSeries):
        raise LabelError("it holds snippets around spikes, which are no continuous signal")
    kind = np.dtype(data.dtype).kind
    if kind not in "biuf":
        raise LabelError(
            f"it holds {'compound values' if kind == 'V' else data.dtype}, not numbers"
        )
    if not data.shape or 0 in data.shape:
        raise LabelError(f"it has no samples (shape {tuple(data.shape)})")


def _scale(series: Any, unit: str, shape: tuple[int, ...]) -> tuple[Any, float, str]:
    """Factor and offset into our unit, and that unit."""
    scale, ours, _, _ = unit_of(unit)
    conversion = 1.0 if series.conversion is None else float(series.conversion)
    offset = float(series.offset or 0.0) * scale
    factor: Any = tidy(scale * conversion)
    gains = getattr(series, "channel_conversion", None)
    if gains is not None:
        gains = np.asarray(gains[:], np.float64)
        n = shape[1] if len(shape) > 1 else 1
        if gains.shape != (n,):
            raise LabelError(f"it has channel_conversion of shape {gains.shape} for {n} channels")
        factor = np.array([tidy(each) for each in scale * conversion * gains])
        factor = factor if len(shape) > 1 else float(factor[0])
    if not (np.isfinite(factor).all() and np.all(factor) and np.isfinite(offset)):
        raise LabelError(f"its conversion is {factor} and its offset {offset}")
    return factor, offset, ours


def _variables(series: Any, dims: tuple, coords: dict, columns: Any) -> list[tuple]:
    """Name, unit and columns of each variable; features with several units are one each."""
    if not isinstance(series, AbstractFeatureSeries):
        return [(None, str(series.unit or ""), columns)]
    names, units = (_words(each) for each in (series.features, series.feature_units))
    n = np.size(coords["channel"][1]) if "channel" in dims else 1
    if columns is not None:
        names, units = names[columns], units[columns]
    if len(names) != n or len(units) != n:
        raise LabelError(f"it has {n} columns, {len(names)} features and {len(units)} units")
    if len(set(units.tolist())) == 1:
        return [(None, str(units[0]), columns)]
    if len(dims) > 2:
        raise LabelError(f"its features have several units and dims {dims}")
    places = np.arange(n) if columns is None else columns
    return [
        (str(a), str(u), places[i : i + 1])
        for i, (a, u) in enumerate(zip(names, units, strict=True))
    ]


def _words(values: Any) -> np.ndarray:
    return np.atleast_1d(decode(np.asarray(values[:])))


def _chosen(coord: tuple, columns: np.ndarray) -> tuple:
    return (coord[0], np.asarray(coord[1])[columns], *coord[2:]) if coord[0] == "channel" else coord


def texts(series: Any) -> dict[str, str]:
    """What a series says of itself in words."""
    found = {name: str(getattr(series, name, None) or "").strip() for name in _TEXT}
    return {name: text for name, text in found.items() if text not in _NO_TEXT}
