"""The tables of trials in a recording, and the columns that say when events were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.signals.events import trial_column

#: Groups of a recording that hold tables, whose rows lie on `trial`.
_TABLES = ("intervals", "events")
#: Table of times that count for nothing, which is no table of trials unless that is asked for.
INVALID = "invalid_times"


def trial_tables(recording: xr.DataTree) -> dict[str, xr.Dataset]:
    """Trial tables of a recording by name: of `intervals`, of `events`, and that of its spikes."""
    found = {}
    for group in _TABLES:
        for node in recording[group].children.values() if group in recording.children else ():
            name = node.name if node.name not in found else f"{group}/{node.name}"
            found[str(name)] = node.to_dataset()
    for node in recording.subtree:
        ds = node.to_dataset()
        if "trial" in ds.dims and "spike_time" in ds.coords:
            found.setdefault(str(ds.attrs.get("table", "trials")), ds)
    return found


def invalid_times(recording: xr.DataTree) -> np.ndarray | None:
    """Intervals in which nothing counts (n, 2) [ms]; spikes know them as gaps of observation."""
    found = trial_tables(recording).get(INVALID)
    if found is None or not {"start_time", "stop_time"} <= {*found.coords}:
        return None
    return np.stack([found[name].values for name in ("start_time", "stop_time")], axis=1)


def columns_of(
    recording: xr.DataTree, events: Any, until: Any, trials: str | None
) -> tuple[xr.DataArray, xr.DataArray | None, xr.Dataset]:
    """The times of events and of ends of trials, with the trial table as coordinates.

    Also the table of trials with its columns of several values.
    """
    tables = trial_tables(recording)
    if trials is not None and trials not in tables:
        raise LabelError(f"trials={trials!r}: choose the trial table among {list(tables)}.")
    wanted = [name for name in (events, until) if isinstance(name, str)]
    if trials is None and wanted:
        usual = {name: table for name, table in tables.items() if name != INVALID}
        trials = _table_with(usual or tables, wanted)
    whole = (
        xr.Dataset()
        if trials is None
        else tables[trials].drop_dims(["spike", "unit"], errors="ignore")
    )
    table = whole.reset_coords(drop=False)
    rows = {n: v.variable for n, v in table.items() if v.dims == ("trial",)}
    rows |= {n: c.variable for n, c in table.coords.items() if c.dims == ("trial",)}
    rows = {n: v for n, v in rows.items() if n not in ("unit_key", "trial_key")}
    table = xr.Dataset(coords=rows)
    if "trial" in table.coords and np.unique(table["trial"]).size < table.sizes["trial"]:
        # Labels that repeat name no trial.
        numbers = np.arange(table.sizes["trial"])
        table = table.rename_vars(trial="trial_id").assign_coords(trial=numbers)
        whole = whole.assign_coords(trial=numbers)
    column = trial_column(table, events, "events")
    if "trial" not in column.coords:
        column = column.assign_coords(trial=np.arange(column.size))
    if until is None:
        return column, None, whole
    ends = trial_column(table, until, "until")
    if "trial" not in ends.coords and ends.size == column.size:
        ends = ends.assign_coords(trial=column["trial"].variable)
    return column, ends, whole


def _table_with(tables: dict[str, xr.Dataset], wanted: Sequence[str]) -> str:
    """The only table with these columns."""
    if not tables:
        raise LabelError(
            f"{list(wanted)} names columns of a trial table, and this recording has none: pass "
            "the times of the events [ms], one for each trial, or align the whole session that the "
            "table belongs to."
        )
    columns = {
        name: [str(n) for n, c in ds.coords.items() if c.dims == ("trial",) and n != "trial"]
        for name, ds in tables.items()
    }
    fitting = [name for name, known in columns.items() if set(wanted) <= set(known)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        held = "; ".join(f"{name!r} has {known}" for name, known in columns.items())
        raise LabelError(f"no trial table has the columns {list(wanted)}: {held}.")
    raise LabelError(
        f"several tables have the columns {list(wanted)}: choose the trial table among {fitting} "
        "by trials=."
    )
