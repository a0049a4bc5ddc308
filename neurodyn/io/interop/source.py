"""Where a mapping finds its columns: tables with named columns."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurodyn.labels import LabelError


class Source:
    """Tables with named columns.

    Parameters
    ----------
    tables
        ``{table: {column: values}}``.
    what
        What they are, in words, for errors.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, np.ndarray]], what: str):
        self.tables, self.what = tables, what

    def names(self) -> list[str]:
        """Names by which columns are found: their own, or TABLE.COLUMN if several have it."""
        own = [name for columns in self.tables.values() for name in columns]
        return [
            name if own.count(name) == 1 else f"{table}.{name}"
            for table, columns in self.tables.items()
            for name in columns
        ]

    def told(self) -> list[str]:
        """Names of columns, for errors."""
        return self.names()

    def get(self, name: str) -> Any:
        """A column.

        Raises
        ------
        LabelError
            If there is none of that name, or several.
        """
        places = {
            key: columns[own]
            for table, columns in self.tables.items()
            for own in columns
            for key in [f"{table}.{own}"]
            if name in (own, key)
        }
        if len(places) > 1:
            raise LabelError(
                f"'{name}' is a column of several tables: call it one of {list(places)}."
            )
        if not places:
            raise missing(name, self.names(), self.what)
        return next(iter(places.values()))


def missing(name: str, names: Sequence[str], what: str) -> LabelError:
    """The error for a name that is not there."""
    close = difflib.get_close_matches(name, names, 3)
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    meant = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
    return LabelError(f"there is no '{name}' in {what}{meant}: there are {shown or 'none'}.")


def vector(value: Any, name: str) -> np.ndarray:
    """A column of numbers or words: an array, a cell array or a list of single values.

    Raises
    ------
    LabelError
        If there is more than one value in a place, or there are several rows and columns.
    """
    if isinstance(value, (str, int, float, complex, np.generic)):
        return np.array([value])
    if isinstance(value, list) or is_objects(value):
        items = list(value) if isinstance(value, list) else value.ravel(order="F").tolist()
        single = [_single(each) for each in items]
        if any(each is None for each in single):
            raise LabelError(
                f"'{name}' holds several values in one place, or none, and a column has one for "
                "each row: use another field, or take them apart before."
            )
        words = [isinstance(each, str) for each in single]
        return np.array(single, dtype=str) if any(words) else np.array(single)
    array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    if sum(size != 1 for size in array.shape) > 1:
        raise LabelError(
            f"'{name}' has shape {array.shape}, and a column has one value for each row: take a "
            "field with a single row or column."
        )
    return array.ravel()


def is_objects(value: Any) -> bool:
    """Whether a value is an array of objects, such as a cell array."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "O"


def _single(value: Any) -> Any:
    """The only value of an array; None if there are none or several."""
    if isinstance(value, (str, int, float, complex)):
        return value
    array = np.asarray(value)
    return array.ravel()[0].item() if array.size == 1 and array.dtype.kind != "O" else None


def cells(value: Any, name: str, n_dims: int) -> np.ndarray:
    """Times of cells: an object array with one vector in each, with `n_dims` axes.

    A matrix of numbers has a row for each cell, padded by NaN.

    Raises
    ------
    LabelError
        If there are more axes than that, or a cell holds something else than numbers.
    """
    if isinstance(value, list):
        value = _objects(value)
    array = np.asarray(value)
    if array.dtype.kind != "O":
        if array.dtype.kind not in "iuf" or n_dims > 1 or array.ndim > 2:
            raise LabelError(
                f"'{name}' is an array of {array.dtype}, shape {array.shape}: give a cell array "
                f"with {n_dims} axes, or a matrix of times with one row for each unit."
            )
        rows = np.atleast_2d(array)
        array = _objects([row[~np.isnan(row.astype(np.float64))] for row in rows])
    if array.ndim > n_dims:
        kept = tuple(size for size in array.shape if size != 1) or (1,)
        kept = (*[1] * (n_dims - len(kept)), *kept) if len(kept) <= n_dims else kept
        if len(kept) > n_dims:
            raise LabelError(
                f"'{name}' has shape {array.shape}: give its axes, such as "
                "'dims': ['unit', 'trial']."
            )
        array = array.reshape(kept, order="F")
    found = np.empty(array.shape, object)
    for place, each in np.ndenumerate(array):
        if each is None or (hasattr(each, "size") and not each.size):
            found[place] = np.zeros(0)
        else:
            found[place] = vector(each, name)
    return found


def _objects(items: Sequence[Any]) -> np.ndarray:
    found = np.empty(len(items), object)
    for i, each in enumerate(items):
        found[i] = each
    return found
