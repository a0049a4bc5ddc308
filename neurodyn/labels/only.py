"""Find the one array in a Dataset or DataTree that suits an argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import xarray as xr

from neurodyn.labels.check_values import held
from neurodyn.labels.convention import LabelError

_Call = TypeVar("_Call", bound=Callable[..., Any])
#: Marks an argument that must be a Dataset: an array becomes one, a tree gives its spikes.
DATASET = "dataset"
_NUMBERS = "fiubc"


def takes(streams: bool = False, /, **needed: Sequence[str] | str) -> Callable[[_Call], _Call]:
    """Let a function of an array also take a Dataset or a DataTree with one suitable variable.

    Parameters
    ----------
    streams
        Whether the function reads data in chunks chunk by chunk, or refuses them itself. Of others,
        arrays that are not in memory are refused where they are large.
    **needed
        For each such argument, the dims that the array needs, or `DATASET` if the function needs a
        Dataset. If the argument is a mapping, this holds for each of its values.
    """

    def decorate(function: _Call) -> _Call:
        names = list(inspect.signature(function).parameters)

        def array(name: str, given: Any) -> Any:
            if name not in needed:
                return given
            if isinstance(given, Mapping) and not isinstance(given, xr.Dataset | xr.DataTree):
                return {key: array(name, value) for key, value in given.items()}
            if needed[name] == DATASET:
                return dataset_of(given, name)
            found = only(given, name, needed[name])
            if not streams and isinstance(found, xr.DataArray):
                held(found, what=f"`{name}`")
            return found

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = [array(name, x) for name, x in zip(names, args, strict=False)]
            named = {name: array(name, x) for name, x in kwargs.items()}
            return function(*given, *args[len(names) :], **named)

        return call  # type: ignore[return-value]

    return decorate


def only(data: Any, what: str, dims: Sequence[str] = (), *, kinds: str = _NUMBERS) -> Any:
    """Find the one suitable variable of a Dataset or a DataTree; return other objects unchanged.

    Parameters
    ----------
    data
        Dataset, DataTree, or anything else.
    what
        Name of the argument, for errors.
    dims
        Dims that the variable must have.
    kinds
        Kinds of dtype that the variable may have.

    Returns
    -------
    DataArray, with the attributes of its Dataset beneath its own.

    Raises
    ------
    LabelError
        If no variable suits, or several do; the error lists them.
    """
    if not isinstance(data, xr.Dataset | xr.DataTree):
        return data
    nodes = {"": data} if isinstance(data, xr.Dataset) else _nodes(data)
    found = [
        (f"{node}/{name}" if node else str(name), ds, v)
        for node, ds in nodes.items()
        for name, v in ds.data_vars.items()
        if set(dims) <= set(v.dims) and v.dtype.kind in kinds
    ]
    if len(found) == 1:
        _, ds, array = found[0]
        return array.assign_attrs(ds.attrs | array.attrs)
    needed = f" with the dims {', '.join(dims)}" if dims else ""
    if not found:
        there = [f"{n}/{v}" if n else str(v) for n, ds in nodes.items() for v in ds.data_vars]
        raise LabelError(f"`{what}` needs one variable{needed}; its variables are {there}.")
    names = [name for name, _, _ in found]
    raise LabelError(
        f"`{what}` needs one variable{needed}, but {names} all suit: pass one of them, e.g. "
        f"{what}[{names[0]!r}]."
    )


def dataset_of(data: Any, what: str = "data") -> Any:
    """Get a Dataset: the one with spikes of a DataTree, or a DataArray as the only variable.

    Other objects are returned unchanged.

    Raises
    ------
    LabelError
        If no node of a tree holds spikes, or several do; the error lists them.
    """
    if isinstance(data, xr.DataArray):
        return data.to_dataset(name=data.name or "values").assign_attrs(data.attrs)
    if not isinstance(data, xr.DataTree):
        return data
    nodes = _nodes(data)
    found = [name for name, ds in nodes.items() if "spike_time" in ds.variables]
    found = found or list(nodes)[: len(nodes) == 1]
    if len(found) == 1:
        return nodes[found[0]]
    said = (
        f"{found} all have them: pass one, e.g. {what}[{found[0]!r}].dataset"
        if found
        else "none has them"
    )
    raise LabelError(f"`{what}` needs one node with spikes, but of {list(nodes)} {said}.")


def _nodes(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    return {n.path.strip("/"): n.to_dataset() for n in tree.subtree if n.variables}
