"""Values of the columns of an NWB table: enumerations, references, text, ragged rows."""

import datetime
from typing import Any

import numpy as np
from hdmf.common import DynamicTableRegion, VectorIndex
from hdmf.common.table import EnumData
from pynwb.base import TimeSeriesReferenceVectorData

from neurodyn.io.parts import decode
from neurodyn.labels.values import plain

#: Largest array that ragged rows are padded to: 256 MiB of float64.
_MOST = 1 << 25
#: Whole numbers up to this size are exact as float64, which padding needs.
_EXACT = 1 << 53


class Unreadable(ValueError):
    """A column that has no labelled form; the message is the reason."""


def flat(column: Any) -> np.ndarray:
    """Values of a column without its row index: numbers, truth values or text.

    Enumerations give their names, references to rows of another table the ids of these rows,
    references to objects their names, dates their text in ISO form.

    Raises
    ------
    Unreadable
        If the values are none of these.
    """
    if isinstance(column, EnumData):
        return _chosen(flat(column.elements), column.data, "names of its enumeration")
    if isinstance(column, DynamicTableRegion):
        return _chosen(flat(column.table.id), column.data, "rows of the table it refers to")
    data = getattr(column, "data", column)
    try:
        values = np.asarray(data[()] if getattr(data, "shape", None) == () else data[:])
    except (TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"its values make no array ({error})") from error
    return _storable(values)


def fields(column: Any) -> dict[str, np.ndarray | None]:
    """What a column is read as: ends of names, and values below its row index (None: its own).

    References to parts of series have three fields: the name of the series, the first sample and
    the number of samples.
    """
    while isinstance(column, VectorIndex):
        column = column.target
    if not isinstance(column, TimeSeriesReferenceVectorData):
        return {"": None}
    found = [column[i] for i in range(len(column.data))]
    numbers = [[each.idx_start, each.count] for each in found]
    first, count = np.array(numbers, np.float64).reshape(-1, 2).T
    if np.isfinite([first, count]).all():
        first, count = first.astype(np.int64), count.astype(np.int64)
    names = [each.timeseries.name if each.timeseries else "" for each in found]
    return {"": np.array(names, str), "_first_sample": first, "_n_samples": count}


def _chosen(options: np.ndarray, places: Any, what: str) -> np.ndarray:
    index = np.asarray(places[:])
    index = index.astype(np.int64) if not index.size else index
    if index.dtype.kind not in "iu":
        raise Unreadable(f"holds {index.dtype} instead of numbers of the {what}")
    if index.size and not 0 <= int(index.min()) <= int(index.max()) < len(options):
        raise Unreadable(f"names {index.max()}, and there are {len(options)} {what}")
    return options[index.astype(np.int64)]


def _storable(values: np.ndarray) -> np.ndarray:
    """The values in a dtype that every format stores, else an error."""
    kind = values.dtype.kind
    if kind == "M":
        return np.datetime_as_string(values).astype(str)
    if kind == "O":
        values = plain(_words(values))
        kind = values.dtype.kind
    if kind in "SU":
        return decode(values)
    if kind not in "biuf":
        raise Unreadable(f"holds {'mixed or compound values' if kind in 'OV' else values.dtype}")
    if kind == "f" and values.dtype.itemsize not in (4, 8):  # half and extended precision
        return values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _words(values: np.ndarray) -> np.ndarray:
    """Bytes, dates and objects with a name as text; everything else unchanged."""
    found = np.empty(values.shape, dtype=object)
    for at, value in np.ndenumerate(values):
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        elif isinstance(value, (datetime.date, datetime.time)):
            value = value.isoformat()
        elif hasattr(value, "neurodata_type"):
            value = value.name
        found[at] = value
    return found


def rows(column: Any, own: np.ndarray | None = None) -> tuple[np.ndarray, list[np.ndarray]]:
    """Values of a column, one row for each row of the table; ragged rows are padded.

    Parameters
    ----------
    column
        Column of pynwb, perhaps with an index of its rows.
    own
        Values to take in place of those below that index.

    Returns
    -------
    Values ``(row, ...)``; and, for each level of a ragged column, the number of values that are
    there: ``(row,)``, then ``(row, longest)``. Numbers are padded by NaN (and are then float64),
    text by "".

    Raises
    ------
    Unreadable
        If the values have no labelled form, or would be too large when padded.
    """
    counts = []
    while isinstance(column, VectorIndex):
        ends = np.asarray(column.data[:], np.int64)
        counts.append(np.diff(ends, prepend=0))
        column = column.target
        if (counts[-1] < 0).any() or (len(ends) and ends[-1] != len(column.data)):
            raise Unreadable("its index does not fit its values")
    shape = getattr(getattr(column, "data", column) if own is None else own, "shape", ())
    widths = [max(1, int(each.max(initial=0))) for each in counts]
    whole = (len(counts[0]), *widths, *shape[1:]) if counts else shape
    if np.prod([float(n) for n in whole]) > _MOST:
        size = " x ".join(map(str, whole))
        raise Unreadable(f"{size} values{' when padded' if counts else ''}, more than 256 MiB")
    values = flat(column) if own is None else own
    return _padded(values, counts, widths) if counts else (values, [])


def _padded(
    values: np.ndarray, counts: list[np.ndarray], widths: list[int]
) -> tuple[np.ndarray, list[np.ndarray]]:
    shape: tuple[int, ...] = (len(counts[0]),)
    place: tuple[np.ndarray, ...] = (np.arange(shape[0]),)
    levels = []
    for each, width in zip(counts, widths, strict=True):
        level = np.zeros(shape, np.int64)
        level[place] = each
        levels.append(level)
        within = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
        place = (*(np.repeat(at, each) for at in place), within)
        shape = (*shape, width)
    if len(values) < np.prod(shape):
        values = _with_nan(values)
    fill = "" if values.dtype.kind == "U" else np.nan
    filled = np.full if len(values) < np.prod(shape) else _unfilled
    padded = filled((*shape, *values.shape[1:]), fill, dtype=values.dtype)
    padded[place] = values
    return padded, levels


def _unfilled(shape: tuple[int, ...], fill: Any, dtype: Any) -> np.ndarray:
    return np.empty(shape, dtype)


def _with_nan(values: np.ndarray) -> np.ndarray:
    """The values in a dtype that has a missing value."""
    if values.dtype.kind in "fU":
        return values
    whole = values.dtype.kind in "iu" and values.size
    if whole and max(abs(int(values.min())), abs(int(values.max()))) > _EXACT:
        raise Unreadable("ragged, with whole numbers too large for padding by NaN")
    return values.astype(np.float64)
