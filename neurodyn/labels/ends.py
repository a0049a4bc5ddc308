"""Ends of trials: the samples that belong to a trial, and those that pad it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Int

from neurodyn.labels.convention import TIME_TOLERANCE, LabelError


def valid(obj: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """Mark the samples that belong to their trial; the others pad it.

    The coordinate ``valid_until`` [ms] on `trial` is the time at which a trial ends, on the clock
    of `time`. Because it is a time, it stays right when samples and trials are selected, sorted or
    joined. A trial for which it is NaN has no end within the data; merging trials with and without
    ends gives such NaN.
    The coordinate ``n_valid`` counts the samples of whole trials. It is used if there is no
    ``valid_until`` and the data do not contradict it.

    Parameters
    ----------
    obj
        Dataset or DataArray with the dim `time`.

    Returns
    -------
    Boolean DataArray on those of the dims `trial` and `time` that `obj` has. Without either
    coordinate it is True everywhere.

    Raises
    ------
    LabelError
        If there are no times, if ``valid_until`` has other units than `time`, or if ``n_valid``
        does not fit the samples of `obj`.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> x = xr.DataArray(
    ...     [[1.0, 2.0, 3.0], [4.0, float("nan"), float("nan")]],
    ...     dims=("trial", "time"),
    ...     coords={"time": [10.0, 20.0, 30.0], "valid_until": ("trial", [30.0, 10.0])},
    ... )
    >>> labels.valid(x.isel(time=[2, 0])).values
    array([[ True,  True],
           [False,  True]])
    """
    if "time" not in obj.dims:
        raise LabelError(f"trials end in time, but there is no dim 'time': dims are {obj.dims}.")
    if "valid_until" in obj.coords:
        inside = _before(obj)
    elif "n_valid" in obj.coords:
        inside = _agreed(obj)
    else:
        dims = [d for d in ("trial", "time") if d in obj.dims]
        coords = {d: obj[d] for d in dims if d in obj.coords}
        inside = xr.DataArray(np.ones([obj.sizes[d] for d in dims], bool), coords, dims)
    inside = inside.reset_coords(drop=True).transpose(..., "time")
    return inside.rename("valid").assign_attrs(units="1", long_name="sample of the trial")


def counted(obj: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """The first ``n_valid`` samples of each trial, for objects that hold whole trials."""
    place = xr.DataArray(np.arange(obj.sizes["time"]), dims="time")
    return (place < obj["n_valid"]) | obj["n_valid"].isnull()


def _before(obj: xr.Dataset | xr.DataArray) -> xr.DataArray:
    time, until = obj["time"], obj["valid_until"]
    if "time" not in obj.coords or time.dtype.kind not in "iuf" or until.dtype.kind not in "iuf":
        raise LabelError(
            "valid_until is a time in ms, which needs labels of `time` in ms: "
            ".assign_coords(time=...)."
        )
    units = [x.attrs.get("units", "ms") for x in (time, until)]
    if units[0] != units[1]:
        raise LabelError(
            f"time is in {units[0]!r}, but valid_until in {units[1]!r}: convert both to ms."
        )
    return (time <= until + TIME_TOLERANCE) | until.isnull()


def _agreed(obj: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """The first ``n_valid`` samples, after a check that the data hold all of them."""
    arrays = obj.data_vars.values() if isinstance(obj, xr.Dataset) else [obj]
    known = {"time", *obj["n_valid"].dims}
    arrays = [a for a in arrays if a.dtype.kind in "fc" and known <= set(a.dims)]
    inside = counted(obj)
    empty = [a.isnull().all([d for d in a.dims if d not in known]) for a in arrays]
    missing = any(bool((e & inside).any()) for e in empty)
    if float(obj["n_valid"].max()) > obj.sizes["time"]:  # only a part is here
        missing |= not empty or any(bool((~e & ~inside).any()) for e in empty)
    if missing:
        raise LabelError(
            "n_valid counts the samples of whole trials, and does not fit the samples of this "
            "object, e.g. after a selection along time. Give the time at which each trial ends: "
            ".assign_coords(valid_until=('trial', ...)) in ms."
        )
    return inside


def end_time(n_valid: Any, dt: float, t0: float) -> np.ndarray:
    """Time at which trials of `n_valid` steps end [ms], as exact as the labels of `time`."""
    return float(t0) + np.asarray(n_valid, np.float64) * float(dt)


def end_coords(
    n_valid: Any, steps: Int[np.ndarray, " time"], dt: float, t0: float, unit: str = "ms"
) -> dict[str, tuple]:
    """The coordinates ``n_valid`` and ``valid_until`` of trials.

    Parameters
    ----------
    n_valid
        Steps of each trial.
    steps
        Number of the step of every sample; the first step is 1.
    dt, t0
        Step and start.
    unit
        Unit of both: "ms", or "1" for steps.
    """
    samples = np.searchsorted(steps, np.asarray(n_valid), side="right")
    return {
        "n_valid": ("trial", samples),
        "valid_until": ("trial", end_time(n_valid, dt, t0), unit),
    }


def padded(array: Any, n_valid: Any, steps: Int[np.ndarray, " time"]) -> np.ndarray:
    """Set an array ``(trial, time, ...)`` of floats to NaN after the end of each trial.

    Whole numbers are returned unchanged, because they have no NaN.
    """
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array
    inside = steps[None, :] <= np.asarray(n_valid)[:, None]
    inside = inside.reshape(*inside.shape, *(1,) * (array.ndim - 2))
    return np.where(inside, array, np.asarray(np.nan, array.dtype))
