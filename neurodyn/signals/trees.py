"""Reduce the chunks of dask arrays in a tree whose shape depends on the chunks alone.

So the result is the same for any number of threads and any scheduler, and few partial results are
in memory at a time: some `ARITY` for each level of the tree and each thread.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

#: Partial results that are merged at once.
ARITY = 8

Key = tuple[Any, ...]


class Given:
    """Further arguments of the first function, which dask is not to look into."""

    def __init__(self, **values: Any):
        self.values = values


def reduced(each: Callable[..., Any], merge: Callable[[list], Any], *arrays: Any, **given) -> Any:
    """Reduce dask arrays with the same number of blocks to one object, and compute it.

    Parameters
    ----------
    each
        Partial result ``each(block, ..., **given)`` of the blocks of all arrays at one place.
    merge
        Result of a list of partial results in their order, which are not to be changed.
    *arrays
        Dask arrays.
    **given
        Further arguments of `each`, sent once.
    """
    import dask.array as da

    name = f"reduced-{uuid.uuid4().hex}"
    layer: dict[Key, Any] = {(name, "given"): Given(**given)}
    blocks = zip(*(block_keys(a).ravel() for a in arrays), strict=True)
    leaves = [(_called, each, (name, "given"), *block) for block in blocks]
    root = grow(layer, name, leaves, merge)
    layer[(name,)] = (_boxed, root)
    return da.Array(graph_of(name, layer, *arrays), name, (), dtype=object).compute().item()


def grow(layer: dict[Key, Any], name: Any, leaves: Sequence[Any], merge: Callable) -> Key:
    """Add a tree to a layer of a graph, and return the key of its root."""
    keys: list[Key] = [(name, "leaf", i) for i in range(len(leaves))]
    layer.update(zip(keys, leaves, strict=True))
    level = 0
    while len(keys) > 1:
        parts = [keys[i : i + ARITY] for i in range(0, len(keys), ARITY)]
        keys = [(name, f"level {level}", i) for i in range(len(parts))]
        layer.update({key: (merge, part) for key, part in zip(keys, parts, strict=True)})
        level += 1
    return keys[0]


def graph_of(name: str, layer: dict[Any, Any], *arrays: Any) -> Any:
    """A graph with a layer on top of those of arrays."""
    from dask.highlevelgraph import HighLevelGraph

    return HighLevelGraph.from_collections(name, layer, dependencies=list(arrays))


def block_keys(array: Any) -> np.ndarray:
    """The keys of the blocks of a dask array, in their places."""
    keys = np.empty(array.numblocks, object)
    for place in np.ndindex(*array.numblocks):
        keys[place] = (array.name, *place)
    return keys


def _called(each: Callable[..., Any], given: Given, *blocks: np.ndarray) -> Any:
    return each(*blocks, **given.values)


def _boxed(found: Any) -> np.ndarray:
    box = np.empty((), object)
    box[()] = found
    return box
