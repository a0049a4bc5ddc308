"""Read the tables of an NWB file: units with their spikes, and intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import spikes
from neurodyn.io.parts import decode
from neurodyn.labels import LabelError
from neurodyn.spikes.observation import union

_AREA_COLUMNS = ("area", "brain_area", "brain_region", "region", "location")
OWN_GAPS = (
    "units/obs_intervals: units have gaps of their own and only gaps shared by all are kept, so "
    "that the counts of such a unit are zero in its gaps"
)


def read_units(units: Any, last_stop: float, left_out: list[str]) -> xr.Dataset:
    """The units of a file and their spikes.

    Parameters
    ----------
    units
        The table of units.
    last_stop
        End of the last interval [ms], until which units without `obs_intervals` were observed.
    left_out
        Takes the names of columns that could not be read.
    """
    column = units["spike_times"]
    ends = np.asarray(column.data[:], np.int64)
    spike_time = np.asarray(column.target.data[:], np.float64) * 1e3
    counts = np.diff(np.concatenate([[0], ends]))
    skip = ("spike_times", "electrodes", "electrode_group", "obs_intervals")
    coords = columns(units, "unit", left_out, "units", skip)
    coords["unit"] = np.asarray(units.id[:])
    coords |= _areas(units, coords)
    about: dict[str, Any] = {}
    if "obs_intervals" in units.colnames:
        window, about, observed = _observation(units["obs_intervals"], left_out)
        coords |= observed
    else:
        window = (min(0.0, spike_time.min(initial=0.0)), spike_time.max(initial=last_stop))
    return spikes.dataset(
        spike_time,
        np.repeat(coords["unit"], counts),
        coords=coords,
        source="recording",
        window=window if window[1] > window[0] else None,
        attrs=about,
    )


def _observation(column: Any, left_out: list[str]):
    """Window, gaps shared by all units, and when each unit was observed, from `obs_intervals`."""
    ends = np.asarray(column.data[:], np.int64)
    intervals = np.asarray(column.target.data[:], np.float64).reshape(-1, 2) * 1e3
    per_unit = np.split(intervals, ends[:-1])
    if not all(len(unit) for unit in per_unit):
        raise LabelError("a unit has no obs_intervals: when was it observed?")
    merged = union(intervals)
    about = {"obs_intervals": merged.ravel().tolist()} if len(merged) > 1 else {}
    if any(len(union(unit)) > 1 and not np.array_equal(union(unit), merged) for unit in per_unit):
        left_out.append(OWN_GAPS)
    first = np.array([unit.min() for unit in per_unit])
    last = np.array([unit.max() for unit in per_unit])
    observed = {}
    if np.ptp(first) or np.ptp(last):
        observed["observed_start"] = ("unit", first, "ms", "first time the unit was observed")
        observed["observed_stop"] = ("unit", last, "ms", "last time the unit was observed")
    return (first.min(), last.max()), about, observed


def columns(
    rows: Any, dim: str, left_out: list[str], path: str, skip: Sequence[str] = ()
) -> dict[str, Any]:
    """Read the plain columns of an NWB table: one value per row. Others are noted in `left_out`."""
    found: dict[str, Any] = {}
    for name in rows.colnames:
        column = rows[name]
        values = None if hasattr(column, "target") or name in skip else _plain(column)
        if values is None:
            if name not in skip:
                left_out.append(f"{path}/{name}: not one plain value per row")
            continue
        text = str(getattr(column, "description", "") or name.replace("_", " "))
        if values.dtype.kind == "f" and name.lower().endswith("_time"):
            found[name] = (dim, values * 1e3, "ms", text)
        else:
            found[name] = (dim, values, "1", text)
    return found


def _plain(column: Any) -> np.ndarray | None:
    values = column.data[:] if hasattr(column, "data") else np.asarray(column)
    values = np.asarray(values)
    if values.ndim != 1:
        return None
    if values.dtype == object and not all(isinstance(v, (str, bytes)) for v in values):
        return None
    return decode(values)


def _areas(units: Any, coords: dict[str, Any]) -> dict[str, tuple]:
    """The area of each unit, from its own columns, its electrodes or its electrode group."""
    for name in _AREA_COLUMNS:
        if name in coords:
            return {} if name == "area" else {"area": ("unit", coords[name][1])}
    if "electrodes" in units.colnames:
        column = units["electrodes"]
        region = getattr(column, "target", column)
        rows = np.asarray(region.data[:], np.int64)
        ends = column.data[:] if region is not column else np.arange(1, len(rows) + 1)
        place = decode(region.table["location"].data[:])[rows]
        found = ["+".join(dict.fromkeys(each)) for each in np.split(place, ends[:-1])]
        return {"area": ("unit", np.array(found))}
    if "electrode_group" in units.colnames:
        groups = units["electrode_group"].data
        return {"area": ("unit", decode([group.location for group in groups]))}
    return {}
