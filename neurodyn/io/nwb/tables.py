"""Read the tables of an NWB file: intervals, and tables of any other kind."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from hdmf.common import DynamicTable
from pynwb import TimeSeries
from pynwb.epoch import TimeIntervals
from pynwb.misc import Units

from neurodyn.io.nwb.columns import columns
from neurodyn.io.nwb.places import is_events_table, place_of, roots_of
from neurodyn.io.nwb.units import read_units
from neurodyn.io.parts import distinct, table

_STANDARD = ("units", "trials", "epochs", "invalid_times")


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
    ``spikes_NAME``. The table of electrodes is read with the units and channels that refer to it;
    it is a part of its own only if nothing does.
    """
    parts: dict[str, xr.Dataset] = {}
    units: dict[str, Any] = {}
    for name, each in _named(nwbfile).items():
        kind, dim = ("intervals", "trial") if _are_intervals(each) else ("tables", "row")
        if not len(each.id):
            left_out.append(f"{name if isinstance(each, Units) else f'{kind}/{name}'}: has no rows")
        elif isinstance(each, Units) and "spike_times" in each.colnames:
            units["spikes" if each is nwbfile.units else f"spikes_{name}"] = each
        else:
            read = columns(each, dim, left_out, f"{kind}/{name}")
            parts[f"{kind}/{name}"] = table(read.coords, {"table": name}, read.variables)
    invalid = _intervals(parts.get("intervals/invalid_times"))
    last_stop = max((_last_stop(part) for part in parts.values()), default=0.0)
    if len(units) == 1:
        units = {"spikes": next(iter(units.values()))}
    spikes = {path: read_units(u, last_stop, invalid, left_out) for path, u in units.items()}
    return spikes | parts


def _named(nwbfile: Any) -> dict[str, Any]:
    """All tables by distinct names; those that NWB itself names keep their names."""
    named = {name: getattr(nwbfile, name) for name in _STANDARD}
    others = [t for t in _tables(nwbfile) if not any(t is each for each in named.values())]
    roots = roots_of(nwbfile)
    places = [place_of(each, roots) for each in others]
    for name, place, each in zip(distinct(places), places, others, strict=True):
        named["_".join(place) if name in named else name] = each
    return {name: each for name, each in named.items() if each is not None}


def _tables(nwbfile: Any) -> Iterator[Any]:
    """All tables but those of events; that of electrodes if nothing refers to it."""
    for each in nwbfile.objects.values():
        used = each is nwbfile.electrodes and _electrodes_are_used(nwbfile)
        if isinstance(each, DynamicTable) and not used and not is_events_table(each):
            yield each


def _electrodes_are_used(nwbfile: Any) -> bool:
    return any(
        "electrodes" in getattr(each, "colnames", ())
        or (isinstance(each, TimeSeries) and getattr(each, "electrodes", None) is not None)
        for each in nwbfile.objects.values()
    )


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
