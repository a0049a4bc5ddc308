"""Data that are not in memory: in the chunks of dask, or still in their file.

Functions that stream read such data chunk by chunk. Those that need all at once take up to `LARGE`
bytes of them, and refuse more, so that a recording of 200 GB is never loaded unasked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.convention import LARGE

#: Bytes of a chunk that is made here.
CHUNK = 1 << 26

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)
_LOAD = "if your memory holds it, load it yourself, .load()"


def is_chunked(array: Any) -> bool:
    """Whether an array, or the values of a labelled one, lie in the chunks of dask."""
    if isinstance(array, xr.DataArray | xr.Variable):
        return array.chunks is not None
    return hasattr(array, "dask")


def is_loaded(array: Any) -> bool:
    """Whether the values are in memory; asking for those of a file would read them."""
    if isinstance(array, xr.DataArray):
        array = array.variable
    return not is_chunked(array) and bool(getattr(array, "_in_memory", True))


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
    sizes = dict(zip(variable.dims, variable.shape, strict=True))
    if not stored and isinstance(given := variable.encoding.get("chunks"), tuple):
        stored = dict(zip(variable.dims, given, strict=True))
    room = CHUNK // variable.dtype.itemsize
    order = ("trial", "time", *variable.dims[:1])
    split = [dim for dim in dict.fromkeys(order) if dim in sizes]
    for i, dim in enumerate(split):
        # As much of this dim as fits beside the dims that are whole.
        beside = math.prod(n for d, n in sizes.items() if d not in split[: i + 1])
        step = min(stored.get(dim, 1), sizes[dim])
        fits = max(room // max(beside, 1), 1)
        size = max(fits // step * step, step)
        whole = fits >= step or dim == split[-1]
        sizes[dim] = min(sizes[dim], size if whole else step)
        if fits >= step:
            break
    return variable.chunk(sizes)


def held(array: _Labelled, *, what: str, instead: str = "") -> _Labelled:
    """Refuse data that are not in memory and too large to be loaded unasked.

    Parameters
    ----------
    array
        DataArray or Dataset.
    what
        Name of the data in errors.
    instead
        What to do instead, for the error.

    Raises
    ------
    LabelError
        If there are more than `LARGE` bytes in chunks, or in a file.
    """
    parts = [array] if isinstance(array, xr.DataArray) else list(array.data_vars.values())
    size = sum(v.nbytes for v in parts if not is_loaded(v))
    if size > LARGE:
        instead = instead or (
            "average over trials first (neurodyn.trials.average), take wider bins "
            "(neurodyn.spikes.bin, neurodyn.trials.resample) or select units and times"
        )
        raise LabelError(
            f"{what} holds {gib(size)} that are not in memory, and all of it is needed at once, "
            f"for which the limit is {gib(LARGE)}: {instead}; or, {_LOAD}."
        )
    return array


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


def gib(size: float) -> str:
    """A number of bytes in words."""
    return f"{size / 2**30:.3g} GiB" if size >= 2**28 else f"{size / 2**20:.3g} MiB"
