"""Labelled data as plain tables of columns, and back to the bit.

A variable on one dim is a column of the table of that dim: `units`, `trials`, `spikes`. A variable
on time and one other dim is a wide table, with a column for each label of the other dim. Variables
on several dims are long tables, with a column of labels for each dim, and one for each variable. A
note (see `neurodyn.io.layout`) holds the rest: attributes, dtypes, order, values without a dim.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurodyn.io import layout
from neurodyn.io.archive import FileFormatError
from neurodyn.io.interop.texts import from_text
from neurodyn.labels import LabelError

#: Columns of a table, by name.
Columns = dict[str, np.ndarray]
#: Names of the tables of these dims.
PLURAL = {"spike": "spikes", "trial": "trials", "unit": "units", "channel": "channels"}


def to_tables(recording: xr.Dataset | xr.DataTree) -> tuple[dict[str, Columns], str]:
    """Tables of a recording, or of any labelled data, and the note that goes with them.

    Returns
    -------
    ``{name: {column: values}}``; names of the parts of a DataTree begin with their path. The note
    is JSON text.
    """
    tables: dict[str, Columns] = {}
    texts: dict[str, str] = {}
    for at, ds in layout.parts_of(recording).items():
        own, places = _tables(ds)
        tables |= {join(at, name): columns for name, columns in own.items()}
        texts[at] = layout.describe(ds, columns=places)
    tree = isinstance(recording, xr.DataTree)
    if not tables:
        raise LabelError("there is nothing to convert: no variable has a dim.")
    return tables, layout.joined(texts, tree=tree, name=recording.name if tree else None)


def from_tables(tables: Mapping[str, Columns], note: str) -> xr.Dataset | xr.DataTree:
    """The data of which `to_tables` made these tables.

    Rows and columns may be in another order, rows of 1-D tables may be missing: columns are found
    by name, entries of long and wide tables by their labels.

    Raises
    ------
    FileFormatError
        If the note is damaged or from a newer version, or a table or column is missing.
    """

    def part(at: str, about: Mapping[str, Any]) -> xr.Dataset:
        try:
            return _dataset(at, about, tables)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError(
                f"the note of {at or 'these data'} is damaged ({type(error).__name__}: {error})."
            ) from error

    return layout.rebuild(note, part)


def join(at: str, name: str) -> str:
    """Name of a table of the part at a path."""
    return f"{at}/{name}" if at else name


def labels_of(ds: xr.Dataset, dim: Any) -> np.ndarray:
    """Labels of a dim; numbers if it has none."""
    own = ds.coords.get(dim)
    return np.arange(ds.sizes[dim]) if own is None else own.values


def _tables(ds: xr.Dataset) -> tuple[dict[str, Columns], dict[str, dict[str, str]]]:
    tables: dict[str, Columns] = {}
    places: dict[str, dict[str, str]] = {}
    long: dict[tuple, list[str]] = {}
    for key, variable in ds.variables.items():
        name, dims = str(key), tuple(map(str, variable.dims))
        if len(dims) == 1:
            table = PLURAL.get(dims[0], dims[0])
            table = dims[0] if table in ds.dims else table
            tables.setdefault(table, {})[name] = variable.values
            places[name] = {"table": table, "form": "column"}
        elif _is_wide(ds, dims):
            places[name] = {"table": name, "form": "wide"}
        elif dims:
            long.setdefault(dims, []).append(name)
    for name in [n for n, place in places.items() if place["form"] == "wide"]:
        table = _free(name, tables)
        places[name]["table"] = table
        tables[table] = _wide(ds, name)
    for dims, names in long.items():
        table = _free("_".join(dims), tables)
        tables[table] = _long(ds, dims, names)
        places |= {name: {"table": table, "form": "long"} for name in names}
    return tables, places


def _free(name: str, taken: Mapping[str, Any]) -> str:
    while name in taken:
        name += "_"
    return name


def _is_wide(ds: xr.Dataset, dims: tuple[str, ...]) -> bool:
    if len(dims) != 2 or dims[0] != "time":
        return False
    names = [str(label) for label in labels_of(ds, dims[1]).tolist()]
    return len({*names, "time"}) == len(names) + 1


def _wide(ds: xr.Dataset, name: str) -> Columns:
    dim, values = str(ds[name].dims[1]), ds[name].values
    names = [str(label) for label in labels_of(ds, dim).tolist()]
    return {"time": labels_of(ds, "time")} | {n: values[:, i] for i, n in enumerate(names)}


def _long(ds: xr.Dataset, dims: tuple[str, ...], names: list[str]) -> Columns:
    shape = tuple(ds.sizes[dim] for dim in dims)
    columns: Columns = {}
    for axis, dim in enumerate(dims):
        turned = labels_of(ds, dim).reshape([-1 if k == axis else 1 for k in range(len(dims))])
        columns[dim] = np.broadcast_to(turned, shape).ravel()
    return columns | {name: ds[name].values.ravel() for name in names}


def _dataset(at: str, about: Mapping[str, Any], tables: Mapping[str, Columns]) -> xr.Dataset:
    """Build one part: the sizes are those of the tables, so that rows may have been taken out."""
    if about.get("version") != layout.VERSION:
        raise FileFormatError(
            f"these tables were written by another version of neurodyn (layout "
            f"{about.get('version')}, this one reads {layout.VERSION}): upgrade neurodyn."
        )
    built: dict[str, xr.Variable] = {}
    entries, places = about["variables"], about["columns"]
    for name, entry in entries.items():
        if "values" in entry:
            values = layout.unlisted(entry["values"], entry["dtype"])
            built[name] = xr.Variable((), values.reshape(()), entry["attrs"])
        elif places[name]["form"] == "column":
            column = _column(at, tables, places[name]["table"], name)
            built[name] = _variable(name, entry, typed(column, entry["dtype"]))
    for name, entry in entries.items():
        if name not in built:
            values = _cells(at, name, entry, places[name], built, about["sizes"], tables)
            built[name] = _variable(name, entry, values)
    ordered = {name: built[name] for name in entries}
    coords = [name for name, entry in entries.items() if entry["coord"]]
    try:
        return xr.Dataset(ordered, attrs=about["attrs"]).set_coords(coords)
    except ValueError as error:
        raise FileFormatError(
            f"the tables of {at or 'these data'} do not fit together: {error}."
        ) from error


def _variable(name: str, entry: Mapping[str, Any], values: np.ndarray) -> xr.Variable:
    return xr.Variable(tuple(entry["dims"]), values, entry["attrs"])


def _column(at: str, tables: Mapping[str, Columns], table: str, name: str) -> np.ndarray:
    whole = tables.get(join(at, table))
    if whole is None:
        raise FileFormatError(f"the table '{join(at, table)}' is missing, which holds '{name}'.")
    if name not in whole:
        raise FileFormatError(
            f"the table '{join(at, table)}' has no column '{name}': its columns are {list(whole)}."
        )
    return np.asarray(whole[name])


def _cells(
    at: str,
    name: str,
    entry: Mapping[str, Any],
    place: Mapping[str, str],
    built: Mapping[str, xr.Variable],
    sizes: Mapping[str, int],
    tables: Mapping[str, Columns],
) -> np.ndarray:
    """Values of a variable on several dims, whose cells are found by their labels."""
    dims = entry["dims"]
    labels = {d: built[d].values if d in built else np.arange(sizes[d]) for d in dims}
    shape = tuple(len(labels[dim]) for dim in dims)
    if place["form"] == "wide":
        index = {"time": _column(at, tables, place["table"], "time")}
        columns = [_column(at, tables, place["table"], str(x)) for x in labels[dims[1]].tolist()]
        values = np.stack([typed(column, entry["dtype"]) for column in columns], 1)
        rows, size = _rows(index, {"time": labels["time"]}, len(values)), shape[0]
    else:
        index = {dim: _column(at, tables, place["table"], dim) for dim in dims}
        values = typed(_column(at, tables, place["table"], name), entry["dtype"])
        rows, size = _rows(index, labels, len(values)), int(np.prod(shape))
    there = rows >= 0
    if np.unique(rows[there]).size < size or there.sum() > size:
        raise FileFormatError(
            f"the table '{join(at, place['table'])}' has {len(values)} rows, and '{name}' needs "
            f"one for each of {size} cells of {dict(zip(dims, shape, strict=True))}."
        )
    found = np.empty((size, *values.shape[1:]), values.dtype)
    found[rows[there]] = values[there]
    return found.reshape(shape)


def _rows(index: Columns, labels: Columns, n: int) -> np.ndarray:
    """Position of each row of a table among the cells; -1 for labels that are not there."""
    rows = np.zeros(n, np.int64)
    known = np.ones(n, bool)
    size = int(np.prod([len(own) for own in labels.values()]))
    for dim, own in labels.items():
        table = pd.Index(own)
        if not table.is_unique:  # nothing but their order tells cells apart
            return np.arange(n) if n == size else np.full(n, -1)
        place = table.get_indexer(pd.Index(typed(index[dim], kind_of(own))))
        known &= place >= 0
        rows = rows * len(own) + place
    return np.where(known, rows, -1)


def kind_of(values: np.ndarray) -> str:
    """The dtype as notes have it."""
    return "str" if values.dtype.kind == "U" else values.dtype.str


def typed(values: Any, dtype: str) -> np.ndarray:
    """A column as its dtype; one that holds other values by now, such as NaN, stays as it is."""
    values = np.asarray(values)
    if values.dtype.kind in "UO" and all(isinstance(each, str) for each in values.flat):
        return from_text(values, dtype)
    if dtype == "str":
        return from_text(values.astype(str), dtype)
    kind = np.dtype(dtype)
    if values.dtype == kind:
        return values
    if values.dtype.kind == "O":
        return layout.unlisted(values.tolist(), dtype)
    if kind.kind in "iubmM" and values.dtype.kind == "f":
        whole = np.isfinite(values).all() and (values == np.round(values)).all()
        return values.astype(kind) if whole else values
    return values.astype(kind)
