"""Read the tables of an NWB file: intervals, and tables of any other kind."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from hdmf.common import DynamicTable
from pynwb import TimeSeries
from pynwb.epoch import TimeIntervals
from pynwb.misc import Units

from neurodyn.io.nwb_columns import columns
from neurodyn.io.nwb_places import is_events_table
from neurodyn.io.nwb_units import read_units
from neurodyn.io.parts import distinct, table

_PLACES = ("acquisition", "stimulus", "analysis", "scratch", "processing", "lab_meta_data")


def read_tables(nwbfile: Any, left_out: list[str]) -> dict[str, xr.Dataset]:
    """Read all tables of a file.

    Parameters
    ----------
    nwbfile
        A `pynwb.NWBFile`.
    left_out
        Takes the names of tables and columns that could not be read, and the reasons.

    Returns
    -------
    Parts by path: `spikes`; ``intervals/NAME`` for tables with start and stop, rows on `trial`;
    ``tables/NAME`` for others, rows on `row`. Tables of one name in several places are called
    ``PLACE_NAME``. Units outside of the main table are `spikes` if there are no others, else
    ``spikes_PLACE``. The table of electrodes is read with the units and channels that refer to it;
    it is a part of its own only if nothing does.
    """
    found = list(_tables(nwbfile))
    names = distinct([(*place, each.name) for place, each in found])
    parts: dict[str, xr.Dataset] = {}
    units: dict[str, Any] = {}
    for name, (place, each) in zip(names, found, strict=True):
        kind, dim = ("intervals", "trial") if _are_intervals(each) else ("tables", "row")
        if not len(each.id):
            left_out.append(f"{name if isinstance(each, Units) else f'{kind}/{name}'}: has no rows")
        elif isinstance(each, Units) and "spike_times" in each.colnames:
            units["_".join(place)] = each
        else:
            read = columns(each, dim, left_out, f"{kind}/{name}")
            parts[f"{kind}/{name}"] = table(read.coords, {"table": name}, read.variables)
    invalid = _intervals(parts.get("intervals/invalid_times"))
    last_stop = max((_last_stop(part) for part in parts.values()), default=0.0)
    spikes: dict[str, xr.Dataset] = {}
    for place, each in units.items():
        name = "spikes" if not place or len(units) == 1 else f"spikes_{place}"
        spikes[name] = read_units(each, last_stop, invalid, left_out)
    return spikes | parts


def _tables(nwbfile: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All tables with their places: the names of the containers that they are in."""
    used = any("electrodes" in getattr(each, "colnames", ()) for each in nwbfile.objects.values())
    used |= any(getattr(e, "electrodes", None) is not None for e in _series(nwbfile))
    for each in nwbfile.objects.values():
        if not isinstance(each, DynamicTable) or is_events_table(each):
            continue
        if isinstance(each.parent, TimeSeries):  # read with the series
            continue
        if not (each is nwbfile.electrodes and used):
            yield _place(nwbfile, each), each


def _series(nwbfile: Any) -> Iterator[Any]:
    return (e for e in nwbfile.objects.values() if hasattr(e, "data") and hasattr(e, "rate"))


def _place(nwbfile: Any, each: Any) -> tuple[str, ...]:
    above = []
    while (parent := each.parent) is not None and parent is not nwbfile:
        above.append(str(parent.name))
        each = parent
    if not above:
        for place in _PLACES:
            held = getattr(nwbfile, place, None)
            if isinstance(held, Mapping) and any(one is each for one in held.values()):
                above.append(place)
    return tuple(reversed(above))


def _are_intervals(each: Any) -> bool:
    return isinstance(each, TimeIntervals) or {"start_time", "stop_time"} <= {*each.colnames}


def _last_stop(part: xr.Dataset) -> float:
    """Last end of an interval [ms]."""
    if "stop_time" not in part.coords or part["stop_time"].dtype.kind != "f":
        return 0.0
    stops = part["stop_time"].values
    return float(stops[np.isfinite(stops)].max(initial=0.0))


def _intervals(part: xr.Dataset | None) -> np.ndarray | None:
    """Start and stop of the rows of a table of intervals (n, 2) [ms]."""
    if part is None:
        return None
    edges = np.stack([part[name].values for name in ("start_time", "stop_time")], axis=1)
    return edges[np.isfinite(edges).all(1) & (edges[:, 1] > edges[:, 0])]
