"""Read back what `to_nwb` wrote."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.io import layout
from neurodyn.io.archive import FileFormatError
from neurodyn.io.lazy import read_small
from neurodyn.io.pieces import even, padded
from neurodyn.io.select import select
from neurodyn.io.selection import Selection
from neurodyn.io.stored import Stored

#: Size [bytes] above which a signal is not read before a part of it is taken.
_LARGE = 1 << 24


def restored(nwbfile: Any, selection: Selection, *, reopen: bool) -> xr.Dataset | xr.DataTree:
    """What was asked for of a recording that `to_nwb` wrote.

    Parameters
    ----------
    nwbfile
        `pynwb.NWBFile` with the text of `to_nwb` in its scratch space.
    selection
        What to take.
    reopen
        Whether lazy signals open the file for each chunk, because it will be closed.

    Raises
    ------
    FileFormatError
        If the file is from a newer version, or was changed since it was written.
    """
    text = str(np.asarray(nwbfile.get_scratch("neurodyn")).item())
    whole = layout.rebuild(text, lambda _, about: _part(nwbfile, about, selection, reopen=reopen))
    return read_small(select(whole, selection), selection.lazy)


def _part(
    nwbfile: Any, about: Mapping[str, Any], selection: Selection, *, reopen: bool
) -> xr.Dataset:
    try:
        arrays = _arrays(nwbfile, about, selection, reopen=reopen)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FileFormatError(
            f"this NWB file was written by neurodyn but is damaged or was changed since: {error} "
            "is not where it was."
        ) from error
    return layout.restore(about, arrays)


def _arrays(
    nwbfile: Any, about: Mapping[str, Any], selection: Selection, *, reopen: bool
) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    of_spikes = set()
    for name, place in about["columns"].items():
        table, column = place["table"], place["column"]
        if table == "rate":
            arrays[name] = even(place["start"], about["sizes"]["time"], column)
        elif table == "acquisition":
            series = [nwbfile.acquisition[each].data for each in column]
            arrays[name] = _signal(series, name, place, about, selection, reopen=reopen)
        elif table == "scratch":
            arrays[name] = nwbfile.scratch[column].data[:]
        else:
            found = _table(nwbfile, table)[column]
            of_spikes |= {name} if hasattr(found, "target") else set()
            values = getattr(found, "target", found).data[:]
            arrays[name] = _text(values) if place["unit"] != "s" else np.asarray(values) * 1e3
    return _sorted(nwbfile, about, arrays, of_spikes) if of_spikes else arrays


def _text(values: Any) -> np.ndarray:
    """Values, those that are bytes as text. All text stays as it is, also that of MATLAB."""
    array = np.asarray(values)
    if array.dtype.kind not in "SO":
        return array
    return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in array.flat], dtype=str)


def _sorted(
    nwbfile: Any, about: Mapping[str, Any], arrays: dict[str, Any], of_spikes: set[str]
) -> dict[str, Any]:
    """Spikes of all units in the order of the Dataset."""
    table = _table(nwbfile, about["columns"]["spike_time"]["table"])
    ends = np.asarray(table["spike_times"].data[:], np.int64)
    arrays["spike_unit"] = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    by = [arrays[n] for n in ("spike_time", "spike_unit", "spike_trial") if n in arrays]
    order = np.lexsort(by)
    return arrays | {n: np.asarray(arrays[n])[order] for n in {*of_spikes, "spike_unit"}}


def _table(nwbfile: Any, key: str) -> Any:
    kind, _, name = key.partition("/")
    if kind == "intervals":
        return nwbfile.intervals[name]
    if kind == "processing":
        module, _, name = name.partition("/")
        return nwbfile.processing[module][name]
    return getattr(nwbfile, key)


def _signal(
    series: list[Any],
    name: str,
    place: Mapping[str, Any],
    about: Mapping[str, Any],
    selection: Selection,
    *,
    reopen: bool,
) -> Any:
    """Samples of a variable, in the order of its dims."""
    variable, split = about["variables"][name], place["split"]
    dims, dtype = variable["dims"], np.dtype(variable["dtype"])
    if split is None:
        stored = Stored(series[0])
        lazy = selection.lazy or (stored.nbytes > _LARGE and hasattr(series[0], "file"))
        values = stored.lazy(reopen=reopen) if lazy else stored.load()
        order = [place["dims"].index(dim) for dim in dims]
        return values.astype(dtype).transpose(order)
    shape = [about["sizes"][dim] for dim in place["dims"]]
    order = [[split, *place["dims"]].index(dim) for dim in dims]
    return padded(series, shape, dtype).transpose(order)
