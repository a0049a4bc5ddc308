"""Columns of an NWB table as labelled coordinates and variables, times in ms."""

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from neurodyn.io.nwb.values import Unreadable, fields, flat, rows
from neurodyn.labels.names import free_name

#: Names of columns that hold times, which NWB defines to be in seconds.
_TIMES = re.compile(r"(^|_)(times?|timestamps?)$|^rt$", re.IGNORECASE)
_UNIT = r"(?<![/\w])[\[(]\s*(?:{0})\s*[\])]|\bin (?:{0})\b(?!\s*[/\d])"
#: Units of time that a description may name, and their factors to ms; None is no time.
_SAID = (
    (_UNIT.format("ms|msecs?|milliseconds?"), 1.0),
    (_UNIT.format("us|µs|μs|usecs?|microseconds?"), 1e-3),
    (_UNIT.format("ns|nsecs?|nanoseconds?"), 1e-6),
    (_UNIT.format("minutes?|mins?"), 6e4),
    (_UNIT.format("samples?|frames?|bins?|ticks?|trials?"), None),
    (_UNIT.format("s|secs?|seconds?"), 1e3),
)


class Columns(NamedTuple):
    """Columns in the form that `neurodyn.labels.dataset` takes.

    Attributes
    ----------
    coords
        Columns with one value for each row.
    variables
        Columns with several.
    """

    coords: dict[str, tuple]
    variables: dict[str, tuple]

    @property
    def own_dims(self) -> list[str]:
        """Dims of the variables besides that of the rows."""
        return list(dict.fromkeys(d for v in self.variables.values() for d in v[0][1:]))


def columns(
    table: Any, dim: str, left_out: list[str], path: str, skip: Collection[str] = ()
) -> Columns:
    """Read the columns of an NWB table.

    Parameters
    ----------
    table
        A `hdmf.common.DynamicTable`.
    dim
        Dim of its rows.
    left_out
        Takes the names of columns that have no labelled form, and the reasons.
    path
        Place of the table, for these reasons.
    skip
        Columns to leave out without a note.

    Returns
    -------
    Columns by name, with `dim` labelled by the ids of the table, or numbered if ids repeat; the ids
    are then in ``{dim}_id``.
    """
    found = Columns(identity(table, dim), {})
    for name in table.colnames:
        if name in skip:
            continue
        column = table[name]
        try:
            read = {end: rows(column, own) for end, own in fields(column).items()}
            if any(values.ndim > 1 and not values.shape[-1] for values, _ in read.values()):
                raise Unreadable("its rows are empty")
        except Unreadable as reason:
            left_out.append(f"{path}/{name}: {reason}")
            continue
        text = described(column, name)
        for end, (values, counts) in read.items():
            values, unit = in_ms(name + end, values, text)
            add(found, name + end, dim, values, unit, text + end.replace("_", " "), counts)
    return found


def add(
    found: Columns,
    name: str,
    dim: str,
    values: np.ndarray,
    unit: str,
    text: str,
    counts: Sequence[np.ndarray] = (),
) -> None:
    """Put a column under a free name; its further axes are ``{name}_index``, ``{name}_index_2``."""
    taken = {*found.coords, *found.variables, *found.own_dims}
    name = free_name(name, taken)
    if values.ndim == 1:
        found.coords[name] = (dim, values, unit, text)
        return
    axes = [f"{name}_index" + (f"_{k}" if k > 1 else "") for k in range(1, values.ndim)]
    axes = [free_name(axis, taken) for axis in axes]
    found.variables[name] = ((dim, *axes), values, unit, text)
    for level, count in enumerate(counts, 1):
        label = free_name(f"n_{name}" + (f"_{level}" if level > 1 else ""), taken)
        about = ("1", f"number of values of {name}")
        if level == 1:
            found.coords[label] = (dim, count, *about)
        else:
            found.variables[label] = ((dim, *axes[: level - 1]), count, *about)


def identity(table: Any, dim: str) -> dict[str, tuple]:
    """Labels of the rows: their ids, or numbers with the ids in ``{dim}_id`` if ids repeat."""
    text = f"id of the {dim} in the file"
    try:
        ids = flat(table.id)
    except Unreadable:
        return {dim: (dim, np.arange(len(table.id)), "1", dim)}
    missing = ids.dtype.kind == "f" and np.isnan(ids).any()
    if missing or ids.dtype.kind == "b" or np.unique(ids).size < ids.size:
        return {dim: (dim, np.arange(len(ids)), "1", dim), f"{dim}_id": (dim, ids, "1", text)}
    return {dim: (dim, ids, "1", dim)}


def described(column: Any, name: str) -> str:
    """The description of a column, else its name in words."""
    while hasattr(column, "target"):
        column = column.target
    text = str(getattr(column, "description", None) or "").strip()
    return text if text and text != "no description" else name.replace("_", " ")


def in_ms(name: str, values: np.ndarray, text: str) -> tuple[np.ndarray, str]:
    """Convert the times of a column to ms.

    A column holds times if its name ends in ``_time``, ``_times``, ``_timestamp``, ``_timestamps``
    (or is one of these words, or ``rt``), or if its description names a unit of time, as in "(s)",
    "[ms]" or "in seconds". Times are in seconds, as NWB defines, unless the description says else.

    Returns
    -------
    Values, float64 if they are times; and their unit, "ms" or "1".

    Examples
    --------
    >>> in_ms("go_time", np.array([1, 2]), "go cue")
    (array([1000., 2000.]), 'ms')
    """
    if values.dtype.kind not in "iuf":
        return values, "1"
    said = [factor for pattern, factor in _SAID if re.search(pattern, text, re.IGNORECASE)]
    factor = said[0] if said else 1e3 if _TIMES.search(name) else None
    return (values, "1") if factor is None else (values.astype(np.float64) * factor, "ms")
