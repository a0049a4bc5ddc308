"""Clocks of signals, and of their sweeps or trials, as files of other programs need them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

#: Dims whose entries are pieces with clocks of their own.
PIECES = ("sweep", "trial", "condition")
#: Coordinates with the time of a piece on the clock of the recording.
STARTS = ("event_time", "start_time")


def is_signal(ds: xr.Dataset) -> bool:
    """Whether a part of a recording holds signals."""
    return "spike" not in ds.dims and any("time" in v.dims for v in ds.data_vars.values())


def row_dim(ds: xr.Dataset) -> str | None:
    """Dim of the rows of a table; None if it is no table."""
    return next((dim for dim in ("trial", "row") if dim in ds.dims), None)


def begins(ds: xr.Dataset, dim: str | None, time: np.ndarray) -> np.ndarray:
    """Time [ms] from which the times of each piece count."""
    if dim is None:
        return np.zeros(1)
    for name in (*STARTS[:1], ds.attrs.get("align_event"), *STARTS[1:]):
        there = name in ds.coords and ds[name].dims == (dim,) and ds[name].attrs["units"] == "ms"
        if there and np.isfinite(ds[name].values).all():
            return ds[name].values.astype(np.float64)
    step = time[-1] - time[-2] if time.size > 1 else 1.0
    return np.arange(ds.sizes[dim]) * (time[-1] - time[0] + step) - time[0]


def length(ds: xr.Dataset, dim: str | None, k: int, one: xr.DataArray) -> int:
    """Number of samples of a piece, without those after its end that only pad it."""
    if dim is None or "n_valid" not in ds.coords or ds["n_valid"].dims != (dim,):
        return one.sizes["time"]
    n = max(1, int(ds["n_valid"].values[k]))
    padding = one.dtype.kind == "f" and bool(np.isnan(one[n:].values).all())
    return n if padding else one.sizes["time"]


def padded(pieces: Sequence[Any], shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Samples (piece, *shape) of pieces (time, ...), with NaN or 0 after those that end before."""
    whole = np.full((len(pieces), *shape), np.nan if dtype.kind == "f" else 0, dtype)
    for k, each in enumerate(pieces):
        whole[k, : len(each)] = np.asarray(each).reshape(len(each), *shape[1:])
    return whole


def rate(time: np.ndarray) -> float | None:
    """Sampling rate [Hz] of times that are even to their precision; None of others."""
    if time.size < 2:
        return None
    if exact := exact_rate(time):
        return exact
    mean = _mean_rate(time)
    slack = 4 * np.spacing(np.abs(time).max())
    off = np.abs(even(time[0], time.size, mean) - time).max()
    return mean if off <= slack < 1e3 / mean / 8 else None


def exact_rate(time: np.ndarray) -> float | None:
    """Sampling rate [Hz] from which `even` gives times back to the bit; None if none does."""
    if time.size < 2:
        return None
    mean = _mean_rate(time)
    for hertz in (float(round(mean)), round(mean, 6), mean):
        if hertz > 0 and np.array_equal(even(time[0], time.size, hertz), time):
            return hertz
    return None


def even(start: float, n: int, hertz: float, first: int = 0) -> np.ndarray:
    """Times [ms] of `n` samples from number `first` on, that of number 0 at `start`.

    Readers and writers share it, because other orders of the operations round otherwise.
    """
    return start + np.arange(first, first + n) * 1e3 / hertz


def _mean_rate(time: np.ndarray) -> float:
    return float((time.size - 1) * 1e3 / (time[-1] - time[0]))
