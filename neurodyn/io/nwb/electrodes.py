"""Electrodes of an NWB file as coordinates of the channels and units that refer to them."""

from collections.abc import Collection
from typing import Any

import numpy as np

from neurodyn.io.nwb.columns import Columns, add
from neurodyn.io.nwb.values import Unreadable, flat
from neurodyn.io.nwb.values import rows as values_of
from neurodyn.labels import LabelError
from neurodyn.labels.names import free_name

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
    row = np.asarray(rows, np.int64)
    if row.size and not 0 <= row.min() <= row.max() < len(table.id):
        raise LabelError(
            f"row {row.max()} of the table of electrodes is referred to, and it has "
            f"{len(table.id)} rows."
        )
    in_use = set(taken)
    found: dict[str, tuple[str, np.ndarray, str, str]] = {}
    columns = [("electrode_id", table.id), *((name, table[name]) for name in table.colnames)]
    for name, column in columns:
        if name == "group" and "group_name" in table.colnames:
            continue  # the same name
        try:
            values = flat(column)[row] if not hasattr(column, "target") else None
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


def unit_electrodes(units: Any, taken: Collection[str], left_out: list[str]) -> Columns:
    """Electrodes of units: all of them, and the place of the one that shows the unit best.

    That is the only electrode, or the one with the largest `waveform_mean`. Where a unit has
    several and none is known to be the best, text of all is joined by "+", and numbers are NaN
    unless they agree.

    Parameters
    ----------
    units
        The table of units.
    taken
        Names of its columns.
    left_out
        Takes a note on references that cannot be followed.
    """
    found = Columns({}, {})
    if "electrodes" not in units.colnames:
        return found
    column = units["electrodes"]
    region = getattr(column, "target", column)
    try:
        ids, counts = values_of(column)
        electrodes = np.asarray(region.data[:], np.int64)
        n = counts[0] if counts else np.ones(len(electrodes), np.int64)
        best = _best(units, n)
        each = electrode_coords(region.table, electrodes, "unit", taken)
    except (Unreadable, LabelError, AttributeError, IndexError) as reason:
        left_out.append(f"units/electrodes: {reason}")
        return found
    firsts = np.cumsum(n) - n
    for name, (dim, values, unit, text) in each.items():
        options = np.split(values, firsts[1:])
        found.coords[name] = (dim, _of_each(options, best), unit, text)
    if (n != 1).any() and ids.ndim == 2:
        add(found, "electrodes", "unit", ids, "1", "ids of the electrodes", counts)
    return found


def _best(units: Any, n: np.ndarray) -> np.ndarray:
    """Which electrode of each unit shows it best: 0 for the only one; -1 if that is not known."""
    best = np.where(n == 1, 0, -1)
    if (n > 1).any() and "waveform_mean" in units.colnames:
        try:
            shapes, _ = values_of(units["waveform_mean"])
        except Unreadable:
            return best
        if shapes.ndim == 3 and shapes.dtype.kind in "iuf":
            for u in np.flatnonzero((n > 1) & (n <= shapes.shape[2])):
                size = np.ptp(shapes[u, :, : n[u]].astype(np.float64), axis=0)
                if np.isfinite(size).any() and (n[u] == shapes.shape[2] or len(set(n)) > 1):
                    best[u] = int(np.nanargmax(size))
    return best


def _of_each(options: list[np.ndarray], best: np.ndarray) -> np.ndarray:
    """One value for each unit from those of its electrodes."""
    if (best >= 0).all():
        return np.array([each[b] for each, b in zip(options, best, strict=True)])
    words = options[0].dtype.kind == "U"
    found = []
    for each, b in zip(options, best, strict=True):
        if b >= 0:
            found.append(each[b])
        elif words:
            found.append("+".join(dict.fromkeys(each.tolist())))
        else:
            found.append(each[0] if len(set(each.tolist())) == 1 else np.nan)
    return np.array(found, dtype=str if words else np.float64)
