"""The one array that is meant, where a Dataset or a tree holds one that suits."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import xarray as xr

from neurodyn.labels.convention import LabelError

__all__ = ["DATASET", "dataset_of", "only", "takes"]

_Call = TypeVar("_Call", bound=Callable[..., Any])
#: Where a function wants a Dataset, so that an array is named in one, and a tree gives its spikes.
DATASET = "dataset"
_NUMBERS = "fiubc"


def takes(**needed: Sequence[str] | str) -> Callable[[_Call], _Call]:
    """Let a function take a Dataset with one suitable variable as well as the array, or a tree.

    Parameters
    ----------
    **needed
        By name of the argument, the dims that its array needs. Of a mapping each value is meant.
        `DATASET` where it is a Dataset that is needed.
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
            return only(given, name, needed[name])

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = [array(name, x) for name, x in zip(names, args, strict=False)]
            named = {name: array(name, x) for name, x in kwargs.items()}
            return function(*given, *args[len(names) :], **named)

        return call  # type: ignore[return-value]

    return decorate


def only(data: Any, what: str, dims: Sequence[str] = (), *, kinds: str = _NUMBERS) -> Any:
    """The variable of a Dataset (or of a tree) that suits; anything else as it came.

    Parameters
    ----------
    data
        Dataset or DataTree, or what is no such thing.
    what
        What errors call it: the name of the argument.
    dims
        Dims that it needs.
    kinds
        Kinds of its dtype.

    Returns
    -------
    DataArray, with the attributes of its Dataset beneath its own.

    Raises
    ------
    LabelError
        If none suits, or several: candidates are listed.
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
        held = [f"{n}/{v}" if n else str(v) for n, ds in nodes.items() for v in ds.data_vars]
        raise LabelError(f"`{what}` needs one variable{needed}; there are {held}.")
    names = [name for name, _, _ in found]
    raise LabelError(
        f"`{what}` needs one variable{needed}, but {names} are such: pass e.g. "
        f"{what}[{names[0]!r}]."
    )


def dataset_of(data: Any, what: str = "data") -> Any:
    """The spike Dataset of a tree, or its only one; an array as a Dataset; anything else as it is.

    Raises
    ------
    LabelError
        If a tree holds no spikes, or in several nodes: these are listed.
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
        f"{found} have them: pass e.g. {what}[{found[0]!r}].dataset" if found else "none has them"
    )
    raise LabelError(f"`{what}` needs one node with spikes, but of {list(nodes)} {said}.")


def _nodes(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    return {n.path.strip("/"): n.to_dataset() for n in tree.subtree if n.variables}
