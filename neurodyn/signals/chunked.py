"""Data that are not in memory: in the chunks of dask, or still in their file.

Functions that stream read such data chunk by chunk. Those that need all at once take up to `LARGE`
bytes of them, and refuse more, so that a recording of 200 GB is never loaded unasked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.check_values import gib, is_chunked, is_loaded
from neurodyn.labels.convention import LARGE

#: Bytes of a chunk that is made here.
CHUNK = 1 << 26

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


def chunked(data: _Labelled) -> _Labelled:
    """The same with what is large and still in its file in chunks of dask.

    Parameters
    ----------
    data
        Dataset or DataArray. Variables in memory, in chunks already, or of up to `LARGE` bytes stay
        as they are.

    Returns
    -------
    Data whose chunks are whole along all dims but the first, ``time`` and ``trial``, and hold some
    64 MB, in whole chunks of the file where these are known and small enough.
    """
    if isinstance(data, xr.DataArray):
        variable = _in_chunks(data.variable)
        return data if variable is data.variable else data.copy(data=variable.data)
    changed = {n: _in_chunks(v.variable) for n, v in data.data_vars.items()}
    changed = {n: v for n, v in changed.items() if v is not data[n].variable}
    return data.assign(changed) if changed else data


def _in_chunks(variable: xr.Variable) -> xr.Variable:
    if is_chunked(variable) or variable.nbytes <= LARGE or is_loaded(variable):
        return variable
    stored = variable.encoding.get("preferred_chunks") or {}
    if not stored and isinstance(given := variable.encoding.get("chunks"), tuple):
        stored = dict(zip(variable.dims, given, strict=True))
    names = [str(dim) for dim in variable.dims]
    return variable.chunk(chunk_sizes(names, variable.shape, variable.dtype.itemsize, stored))


def chunk_sizes(
    dims: Sequence[str], shape: Sequence[int], itemsize: int, stored: Mapping[Any, int]
) -> dict[str, int]:
    """Sizes of chunks of some 64 MB, in whole chunks of the file, of all units or channels.

    Parameters
    ----------
    dims, shape, itemsize
        Of the array.
    stored
        Sizes of the chunks in the file, by dim; a dim that is left out is not in chunks.
    """
    sizes = dict(zip(dims, shape, strict=True))
    for dim in dict.fromkeys(d for d in ("trial", "time", *dims[:1]) if d in sizes):
        step = max(1, min(stored.get(dim, 1), sizes[dim]))
        beside = math.prod(n for d, n in sizes.items() if d != dim) * itemsize
        fits = CHUNK // max(beside, 1)
        sizes[dim] = min(sizes[dim], max(fits // step, 1) * step)
        if fits >= step:
            break
    return sizes


def refuse_wide_chunks(array: xr.DataArray, whole: Sequence[str] = (), *, what: str) -> None:
    """Refuse chunks of which one, or all along the dims `whole`, are too large for memory.

    Raises
    ------
    LabelError
        If they come to more than `LARGE` bytes.
    """
    if array.chunks is None:
        return
    names = [str(dim) for dim in array.dims]
    largest = {dim: max(sizes) for dim, sizes in zip(names, array.chunks, strict=True)}
    largest |= {dim: array.sizes[dim] for dim in whole}
    size = math.prod(largest.values()) * array.dtype.itemsize
    if size <= LARGE:
        return
    split = [dim for dim in ("time", "trial", "condition", *names) if dim not in whole]
    dim = next((d for d in split if largest.get(d, 1) > 1), None)
    held_whole = f", with all of {' and '.join(whole)}," if whole else ""
    fix = "select some of them"
    if dim is not None:
        fits = {dim: max(1, int(largest[dim] * CHUNK / size)), **dict.fromkeys(whole, -1)}
        fix = f"make chunks that are short along '{dim}', .chunk({fits})"
    raise LabelError(
        f"a chunk of {what}{held_whole} is {gib(size)}, of which several are in memory at a time "
        f"(limit {gib(LARGE)}): {fix}; open data of a file in such chunks "
        "(xarray.open_zarr(path, chunks=...)), or write them so once."
    )
