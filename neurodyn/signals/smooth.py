"""Smooth signals along time."""

from typing import Any, TypeVar

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels.convention import Number
from neurodyn.labels.plain import plain_times
from neurodyn.signals.chunked import chunked

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)
#: Standard deviations at which the kernel ends.
_REACH = 4.0


def smooth(activity: _Labelled, sigma: Number) -> _Labelled:
    """Smooth along time with a Gaussian.

    The kernel is normalised over the samples under it, so that edges are not pulled to zero and a
    constant signal stays constant. NaN samples have no weight and stay NaN.

    Parameters
    ----------
    activity
        DataArray or Dataset; in a Dataset the numeric variables on `time` are smoothed.
    sigma
        Standard deviation of the Gaussian [ms]; the kernel ends at four of them.

    Returns
    -------
    A new object of the same labels, with `sigma` in attrs. Integers become float32. Data in chunks
    (dask), and those above 1 GiB in a file, are smoothed chunk by chunk when they are used: memory
    is needed for a chunk with as many neighbours as the kernel reaches, some four times over.

    Raises
    ------
    LabelError
        If there is no time axis or its steps are uneven.
    ValueError
        If `sigma` is not a positive number.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> da = xr.DataArray(np.ones(5), coords={"time": np.arange(5.0)}, dims="time")
    >>> smooth(da, 2.0).values
    array([1., 1., 1., 1., 1.])
    """
    plain_times(sigma, "sigma")
    if not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma must be a positive number of ms, got {sigma}.")
    activity = chunked(activity)
    step = float(labels.clock(activity).step)
    if isinstance(activity, xr.DataArray):
        smoothed = activity.copy(data=_gaussian(activity, float(sigma) / step))
        return smoothed.assign_attrs(sigma=float(sigma))
    changed = {
        name: variable.copy(data=_gaussian(variable, float(sigma) / step))
        for name, variable in activity.data_vars.items()
        if "time" in variable.dims and variable.dtype.kind in "fiu"
    }
    return activity.assign(changed).assign_attrs(sigma=float(sigma))


def _gaussian(da: xr.DataArray, sigma: float) -> Any:
    data = da.data if da.dtype.kind == "f" else da.data.astype(np.float32)
    axis = da.dims.index("time")
    if not hasattr(data, "dask"):
        return _blurred(da.values.astype(data.dtype, copy=False), sigma, axis)
    # Each chunk with as many neighbours as the kernel reaches gives what the whole would.
    depth = {axis: int(_REACH * sigma + 0.5)}
    how = {"depth": depth, "boundary": "none", "dtype": data.dtype, "meta": data._meta}
    return data.map_overlap(_blurred, sigma=sigma, axis=axis, **how)


def _blurred(values: np.ndarray, sigma: float, axis: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    kernel: dict = {"sigma": sigma, "axis": axis, "mode": "constant", "truncate": _REACH}
    missing = np.isnan(values)
    if missing.any():
        weight = gaussian_filter1d((~missing).astype(values.dtype), **kernel)
        filled = gaussian_filter1d(np.where(missing, 0, values), **kernel)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(missing, np.nan, filled / weight).astype(values.dtype)
    weight = gaussian_filter1d(np.ones(values.shape[axis]), **kernel | {"axis": 0})
    shape = [-1 if i == axis else 1 for i in range(values.ndim)]
    return gaussian_filter1d(values, **kernel) / weight.astype(values.dtype).reshape(shape)
