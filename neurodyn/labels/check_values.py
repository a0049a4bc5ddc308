"""Check the numbers of labelled data: infinite and missing values, tables of spikes, and size.

Data that are not in memory lie in the chunks of dask, or are still in their file. Functions that
need all of them at once take up to `LARGE` bytes, and refuse more, so that a recording of 200 GB is
never loaded unasked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels.clock import SECONDS
from neurodyn.labels.convention import INFINITE, LARGE, TIME_TOLERANCE, LabelError
from neurodyn.labels.ends import counted, valid

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


def value_problems(array: xr.DataArray, simultaneous: Any = 1, gaps: Any = 0) -> Iterator[str]:
    """Infinite values, and NaN in places that no end of a trial and no gap explains."""
    if array.dtype.kind not in "fc" or array.size == 0:
        return
    name = "the array" if array.name is None else f"'{array.name}'"
    instead = "values=False checks the labels alone; or check a part, .isel(time=slice(0, 1000))"
    numbers = held(array, what=name, instead=instead).values
    if not array.attrs.get(INFINITE) and np.isinf(numbers).any():
        yield (
            f"{name} holds infinite values: find the division or the diverging run behind them, "
            f"or set its .attrs['{INFINITE}'] = 1 where infinity is a value"
        )
    missing = np.isnan(numbers)
    if "time" not in array.dims or not missing.any() or gaps:
        return
    ends = [n for n in ("valid_until", "n_valid") if n in array.coords and "time" in array.coords]
    if ends:
        try:
            inside = valid(array) if ends[0] == "valid_until" else counted(array)
        except LabelError as error:
            yield f"{name}: {error}"
            return
        there = xr.Variable(array.dims, missing) & inside.variable
        missing = there.transpose(*array.dims).values
    if "lag" in array.dims and "lag" in array.coords:
        # A window reaches back to before the first sample, where there is nothing.
        reached = array["lag"].variable + array["time"].variable
        there = reached >= float(array["time"][0]) - TIME_TOLERANCE
        missing = (xr.Variable(array.dims, missing) & there).transpose(*array.dims).values
    traces = np.moveaxis(missing, array.dims.index("time"), -1)
    if "condition" in array.dims or not simultaneous:
        # A unit not recorded in a trial, or without a trial of a condition, is NaN throughout; the
        # mean of trials that end ends with the last of them, and its error one trial before.
        again = traces[..., :-1] & ~traces[..., 1:]
        never = np.isnan(numbers).all(array.dims.index("time"))
        if (again if "condition" in array.dims else traces.any(-1) & ~never).any():
            yield (
                f"{name} has NaN in the middle of traces: cut the trials, interpolate, or set "
                ".attrs['gaps'] = 1 where NaN marks times that were not observed"
            )
    elif traces.any():
        where = f"before {ends[0]} ends" if ends else "and no n_valid coordinate"
        yield (
            f"{name} has NaN in {traces.any(-1).sum()} of {traces[..., 0].size} traces {where}:"
            " give valid_until (trial), the time at which each trial ends, or "
            ".attrs['simultaneous'] = 0 where units have different trials, or .attrs['gaps'] = 1 "
            "where NaN marks times that were not observed"
        )


def spike_problems(ds: xr.Dataset) -> Iterator[str]:
    """Columns of the table of spikes that are missing or of a wrong kind."""
    for name, dim in (("spike_time", None), ("spike_unit", "unit"), ("spike_trial", "trial")):
        if name not in ds:
            if name != "spike_trial":
                yield f"a spike Dataset needs '{name}' on dim 'spike': build it by neurodyn.spikes"
            continue
        if name not in ds.coords:
            yield f"'{name}' is a variable, which `where` would change: .set_coords('{name}')"
        values = ds[name].values
        if dim is None:
            if values.dtype != np.float64 or not np.isfinite(values).all():
                yield "spike_time must be finite float64 milliseconds"
            if ds[name].attrs.get("units") in SECONDS:
                yield "spike_time is in seconds; all times are in ms: multiply it by 1e3"
        elif dim not in ds.coords:
            yield f"'{name}' names entries of '{dim}', which has no labels: assign {dim}=..."
        elif values.size and _kind(values) != _kind(ds[dim].values):
            yield (
                f"'{name}' holds {values.dtype} and the labels of '{dim}' are {ds[dim].dtype}: it "
                "holds labels, not positions (neurodyn.spikes.relabel changes both)"
            )


def _kind(array: np.ndarray) -> str:
    return {"i": "whole", "u": "whole", "f": "number"}.get(array.dtype.kind, "text")


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
            f"for which the limit is {gib(LARGE)}: {instead}; or, if your memory holds "
            "it, load it yourself, .load()."
        )
    return array


def gib(size: float) -> str:
    """A number of bytes in words."""
    return f"{size / 2**30:.3g} GiB" if size >= 2**28 else f"{size / 2**20:.3g} MiB"
