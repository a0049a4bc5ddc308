"""Results of a point as named arrays, which travel to the caller and fit into one store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError, encode_attrs

#: Name of a result that has none.
RESULT = "result"
#: What begins the names of the records that a sweep keeps of every point.
RECORD = "point_"
#: Largest whole number below which every one is a float64.
_EXACT = 2**53


class Part(NamedTuple):
    """One array of a result.

    Attributes
    ----------
    node, name
        Path of its group, ``"/"`` for the root, and its name there.
    dims
        Dims of its own, without those of the sweep.
    values
        Values: floats, complex numbers or text; an index keeps its type.
    attrs
        Attributes.
    index
        Whether it labels a dim, and so is the same at all points.
    """

    node: str
    name: str
    dims: tuple[str, ...]
    values: np.ndarray
    attrs: dict[str, Any]
    index: bool


class Found(NamedTuple):
    """A result in parts.

    Attributes
    ----------
    parts
        Its arrays.
    attrs
        Attributes of its groups by path.
    """

    parts: list[Part]
    attrs: dict[str, dict[str, Any]]


def parts_of(result: Any, labels: Mapping[str, Any], keep: Sequence[str] | None = None) -> Found:
    """Take a result apart.

    Parameters
    ----------
    result
        A number, an array, a DataArray, a Dataset, a DataTree, or a dict of them.
    labels
        Label of the point along each dim of the sweep. A dim of these names in the result must have
        this one entry, and is dropped.
    keep
        Names of variables, paths of variables, or paths of groups; None: everything.

    Raises
    ------
    TypeError
        If it is something else, or holds values that cannot be stored beside NaN.
    ValueError
        If a name is taken by the sweep, or nothing is left.
    """
    found, attrs = [], {}
    for node, ds in _datasets(result).items():
        squeezed = _squeezed(ds, labels)
        chosen = {name for name in squeezed.variables if _kept(node, str(name), keep)}
        used = {dim for name in chosen for dim in squeezed[name].dims}
        chosen -= set(squeezed.indexes)
        for name in (*chosen, *(used & set(squeezed.indexes))):
            found.append(_part(node, squeezed, str(name), labels))
        if chosen:
            attrs[node] = _plain(squeezed.attrs)
    if not any(not part.index for part in found):
        every = _datasets(result).items()
        there = sorted(f"{node.rstrip('/')}/{name}" for node, ds in every for name in ds.data_vars)
        raise ValueError(
            f"The result has nothing of `keep` {list(keep)}; it has {', '.join(there)}."
            if keep
            else "The result is empty: return a number, an array, a Dataset or a dict of them."
        )
    return Found(sorted(found, key=lambda part: (part.node, part.name)), attrs)


def _datasets(result: Any) -> dict[str, xr.Dataset]:
    """A result as Datasets by the path of their group."""
    if isinstance(result, xr.DataTree):
        nodes = {node.path: node.to_dataset() for node in result.subtree}
        return {path: ds for path, ds in nodes.items() if ds.variables or path == "/"}
    if isinstance(result, xr.Dataset):
        return {"/": result}
    if isinstance(result, xr.DataArray):
        return {"/": result.to_dataset(name=result.name or RESULT)}
    if isinstance(result, Mapping):
        return dict(_from_mapping(result))
    return {"/": xr.Dataset({RESULT: _variable(RESULT, result)})}


def _from_mapping(result: Mapping[Any, Any]) -> Iterator[tuple[str, xr.Dataset]]:
    own: dict[str, Any] = {}
    for name, value in result.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise TypeError(f"Names in a result are texts without '/', got {name!r}.")
        if isinstance(value, (xr.Dataset, xr.DataTree, Mapping)):
            for path, ds in _datasets(value).items():
                yield f"/{name}{path}".rstrip("/"), ds
        else:
            own[name] = value if isinstance(value, xr.DataArray) else _variable(name, value)
    if own:
        each = [xr.Dataset({name: value}) for name, value in own.items()]
        yield "/", xr.merge(each, join="exact", compat="equals")


def _variable(name: str, value: Any) -> xr.Variable:
    if value is None or isinstance(value, (set, frozenset)) or callable(value):
        raise _unfit(name, type(value).__name__)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise _unfit(name, type(value).__name__) from error
    if array.dtype == object:
        raise _unfit(name, type(value).__name__)
    return xr.Variable([f"{name}_{axis}" for axis in range(array.ndim)], array)


def _unfit(name: str, kind: str) -> TypeError:
    return TypeError(
        f"{name!r} is a {kind}. A point returns numbers, arrays, DataArrays, Datasets, DataTrees, "
        "or a dict of them."
    )


def _squeezed(ds: xr.Dataset, labels: Mapping[str, Any]) -> xr.Dataset:
    """A Dataset without the dims of the sweep, which it may have with one entry: the point's."""
    for dim, label in labels.items():
        if dim in ds.dims and ds.sizes[dim] != 1:
            raise ValueError(
                f"The result has {ds.sizes[dim]} entries along {dim!r}, which is a dim of the "
                "sweep: return one, or rename the dim."
            )
        if dim in ds.coords and ds[dim].size == 1 and ds[dim].values.item() != label:
            raise ValueError(
                f"The result is labelled {dim}={ds[dim].values.item()!r} at the point "
                f"{dim}={label!r}."
            )
    gone = [dim for dim in labels if dim in ds.dims]
    left = ds.squeeze(gone, drop=True)
    return left.drop_vars([dim for dim in labels if dim in left.coords])


def _kept(node: str, name: str, keep: Sequence[str] | None) -> bool:
    path = f"{node.rstrip('/')}/{name}"
    if keep is None:
        return True
    asked = [f"/{one.strip('/')}" for one in keep]
    return name in keep or any(path == one or path.startswith(f"{one}/") for one in asked)


def _part(node: str, ds: xr.Dataset, name: str, labels: Mapping[str, Any]) -> Part:
    variable = ds.variables[name]
    where = f"{node.rstrip('/')}/{name}".lstrip("/")
    if name in labels or name.startswith(RECORD):
        raise ValueError(
            f"The result holds {where!r}, a name that the sweep uses itself: rename it."
        )
    index = name in ds.indexes
    values = np.asarray(variable.values)
    if index and values.dtype.kind in "biufUOT":
        values = as_text(values) if values.dtype.kind in "UOT" else values
    else:
        values = _storable(where, values)
    return Part(node, name, tuple(map(str, variable.dims)), values, _plain(variable.attrs), index)


def _storable(name: str, values: np.ndarray) -> np.ndarray:
    """Values of a type that can be missing: whole numbers and truth values become float64."""
    kind = values.dtype.kind
    if kind in "biu":
        ends = (int(values.min()), int(values.max())) if values.size else (0, 0)
        if max(map(abs, ends)) > _EXACT:
            raise TypeError(
                f"{name!r} holds whole numbers above 2**53, which cannot stand beside the NaN of "
                "failed points: return them as text."
            )
        return values.astype(np.float64)
    if (kind == "f" and values.dtype.itemsize <= 8) or (kind == "c" and values.itemsize <= 16):
        return values
    if kind in "UT" or (kind == "O" and all(isinstance(value, str) for value in values.flat)):
        return as_text(values)
    if values.dtype.name == "bfloat16":
        return values.astype(np.float32)
    raise TypeError(
        f"{name!r} holds {values.dtype}, which a sweep does not store: return numbers or text."
    )


def as_text(values: np.ndarray) -> np.ndarray:
    """Text in NumPy's own type; that of Zarr has no size, and cannot be cast."""
    return np.asarray(values.tolist(), str).reshape(values.shape)


def _plain(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes that JSON holds; others are left out."""
    found = {}
    for name, value in attrs.items():
        try:
            found |= encode_attrs({name: value})
        except LabelError:
            continue
    return found
