"""Averages over groups of trials of data in chunks, in one pass.

Blocks give the number, the mean and the sum of squared deviations of each group of trials in them,
and are merged pairwise (Chan, Golub & LeVeque 1983), in a tree whose shape depends on the chunks
alone.
"""

from __future__ import annotations

import itertools
import operator
import uuid
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.labels.check_values import is_chunked
from neurodyn.signals import chunked as big
from neurodyn.signals.trees import Given, block_keys, graph_of, grow

#: Numbers that are averaged at once.
_AT_ONCE = 1 << 20


class Group(NamedTuple):
    """Number, mean and sum of squared deviations of the trials of a group."""

    number: np.ndarray
    mean: np.ndarray
    square: np.ndarray


def kept(ndim: int, varying: list[int]) -> tuple[Any, ...]:
    """The index that drops dims, other than the first, along which numbers do not vary."""
    return tuple(slice(None) if i in (0, *varying) else 0 for i in range(ndim))


def lazy_averages(
    values: Any, codes: np.ndarray, dtype: np.dtype, *, name: str
) -> tuple[Any, Any, Any, list[int]]:
    """Means, standard errors and numbers of the trials of each group.

    Parameters
    ----------
    values
        Dask array ``(trial, ...)``.
    codes
        Group of each trial, 0 to their number less one.
    dtype
        Type of the means.
    name
        Name of the values in errors.

    Returns
    -------
    Means and errors ``(group, ...)``, in memory where they come to `LARGE` bytes at most, else as
    dask arrays; the numbers of trials ``(group, ...)`` without the dims along which they do not
    vary, and the dims that are left.

    Raises
    ------
    LabelError
        If a chunk is too large for memory.
    """
    import dask

    dims = [f"dim_{i}" for i in range(1, values.ndim)]
    big.refuse_wide_chunks(xr.DataArray(values, dims=["trial", *dims]), what=name)
    n_groups = int(codes.max()) + 1
    mean, error, number = _arrays(values, codes, n_groups, dtype)
    size = mean.size * (2 * dtype.itemsize + number.dtype.itemsize)
    if size <= big.LARGE:
        mean, error, number = dask.compute(mean, error, number)
    varies = [(number != number[_first(number.ndim, i)]).any() for i in range(1, number.ndim)]
    varying = [i for i, found in enumerate(dask.compute(*varies), 1) if found]
    number = number[kept(number.ndim, varying)]
    if is_chunked(number) and number.nbytes <= big.LARGE:
        number = number.compute()
    return mean, error, number, varying


def _first(ndim: int, axis: int) -> tuple[slice, ...]:
    return tuple(slice(0, 1) if i == axis else slice(None) for i in range(ndim))


def _arrays(values: Any, codes: np.ndarray, n_groups: int, dtype: np.dtype) -> tuple[Any, ...]:
    """Means, errors and numbers as dask arrays, which share one pass over the data."""
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph

    name = f"groups-{uuid.uuid4().hex}"
    layer: dict[Any, Any] = {}
    edges = np.cumsum([0, *values.chunks[0]])
    for i, (a, b) in enumerate(itertools.pairwise(edges)):
        layer[(name, "codes", i)] = Given(codes=codes[a:b])
    tops = {}
    keys = block_keys(values)
    for place in np.ndindex(*keys.shape[1:]):
        column = enumerate(keys[(slice(None), *place)])
        leaves = [(_groups, block, (name, "codes", i)) for i, block in column]
        root = grow(layer, f"{name}-{place}", leaves, _merged)
        tops[place] = (f"{name}-{place}", "finished")
        layer[tops[place]] = (_finished, root, n_groups, dtype)
    graph = graph_of(name, layer, values)
    made = []
    for k, kind in enumerate((dtype, dtype, np.dtype(np.int64))):
        own = f"{name}-{k}"
        # The first dim, that of groups, is not split.
        taken: dict[Any, Any] = {
            (own, 0, *place): (operator.getitem, top, k) for place, top in tops.items()
        }
        whole = HighLevelGraph({**graph.layers, own: taken}, {**graph.dependencies, own: {name}})
        made.append(da.Array(whole, own, ((n_groups,), *values.chunks[1:]), kind))
    return tuple(made)


def _groups(block: np.ndarray, of: Given) -> dict[int, Group]:
    """The groups of the trials of a block."""
    codes = of.values["codes"]
    some = max(1, _AT_ONCE // max(1, block[0].size))
    found = {}
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        parts = [_group(block[rows[i : i + some]]) for i in range(0, rows.size, some)]
        found[int(code)] = _together(parts)
    return found


def _group(values: np.ndarray) -> Group:
    """Number, mean and squares over the first axis, leaving NaN out."""
    values = values.astype(np.float64)
    valid = ~np.isnan(values)
    number = valid.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(valid, values, 0).sum(axis=0) / number
        square = np.where(valid, values - mean, 0.0)
        square = (square * square).sum(axis=0)
    return Group(number, np.where(number > 0, mean, 0.0), square)


def _merged(parts: list[dict[int, Group]]) -> dict[int, Group]:
    codes = dict.fromkeys(code for part in parts for code in part)
    return {code: _together([part[code] for part in parts if code in part]) for code in codes}


def _together(parts: list[Group]) -> Group:
    first, *others = parts
    for part in others:
        number = first.number + part.number
        share = part.number / np.maximum(number, 1)
        with np.errstate(invalid="ignore"):
            apart = part.mean - first.mean
            mean = first.mean + apart * share
            # Infinite values have an infinite mean, not that of infinity less infinity.
            mean = np.where(np.isfinite(apart), mean, first.mean + part.mean)
            square = first.square + part.square + apart * apart * first.number * share
        first = Group(number, mean, square)
    return first


def _finished(
    found: dict[int, Group], n_groups: int, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means, standard errors and numbers of all groups."""
    groups = [found[code] for code in range(n_groups)]
    number, mean, square = (np.stack(each) for each in zip(*groups, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(square / (number - 1) / number)
    mean = np.where(number > 0, mean, np.nan).astype(dtype)
    return mean, np.where(number > 1, error, np.nan).astype(dtype), number
