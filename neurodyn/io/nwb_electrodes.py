"""Electrodes of an NWB file as coordinates of the channels and units that refer to them."""

from collections.abc import Collection
from typing import Any

import numpy as np

from neurodyn.io.names import free_name
from neurodyn.io.nwb_values import Unreadable, flat
from neurodyn.labels import LabelError

#: Names of columns of electrodes with a name of ours.
_OURS = {"location": "area", "group_name": "group"}
#: Units that NWB defines for columns of electrodes.
_UNITS = dict.fromkeys(("x", "y", "z", "rel_x", "rel_y", "rel_z"), "um") | {"imp": "ohm"}


def electrode_coords(
    table: Any, rows: Any, dim: str, taken: Collection[str] = ()
) -> dict[str, tuple[str, np.ndarray, str, str]]:
    """Coordinates of channels or units from the table of electrodes.

    Parameters
    ----------
    table
        The table of electrodes of a file (any `hdmf.common.DynamicTable`).
    rows
        For each entry of `dim` the row of its electrode in that table.
    dim
        "channel" or "unit".
    taken
        Names that are in use on the other side, e.g. columns of units: a column of electrodes of
        such a name becomes ``electrode_NAME``.

    Returns
    -------
    ``{name: (dim, values, units, long_name)}``, as `neurodyn.labels.dataset` takes it:
    `electrode_id`; `area`, which is the location; `group`, the name of the electrode group; `x`,
    `y`, `z` [um]; and every other column with one number, truth value or word for each electrode.
    Columns of other kinds are left out.

    Raises
    ------
    LabelError
        If the table has no such row.
    """
    rows = np.asarray(rows, np.int64)
    if rows.size and not 0 <= rows.min() <= rows.max() < len(table.id):
        raise LabelError(
            f"row {rows.max()} of the table of electrodes is referred to, and it has "
            f"{len(table.id)} rows."
        )
    in_use = set(taken)
    found: dict[str, tuple[str, np.ndarray, str, str]] = {}
    columns = [("electrode_id", table.id), *((name, table[name]) for name in table.colnames)]
    for name, column in columns:
        if name == "group" and "group_name" in table.colnames:
            continue  # the same name
        try:
            values = flat(column)[rows] if not hasattr(column, "target") else None
        except Unreadable:
            continue
        if values is None or values.ndim != 1:
            continue
        text = str(getattr(column, "description", "") or name.replace("_", " "))
        text = "id of the electrode" if name == "electrode_id" else text
        label = _OURS.get(name, name)
        label = f"electrode_{label}" if label in in_use else label
        label = free_name(label, {*in_use, *found})
        found[label] = (dim, values, _UNITS.get(name, "1"), text)
    return found
