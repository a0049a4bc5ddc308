"""Smooth signals along time."""

from typing import TypeVar

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels.convention import Number

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


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
    A new object of the same labels, with `sigma` in attrs. Integers become float32.

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
    if not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma must be a positive number of ms, got {sigma}.")
    step = labels.clock(activity).step
    if isinstance(activity, xr.DataArray):
        smoothed = activity.copy(data=_gaussian(activity, sigma / step))
        return smoothed.assign_attrs(sigma=float(sigma))
    changed = {
        name: variable.copy(data=_gaussian(variable, sigma / step))
        for name, variable in activity.data_vars.items()
        if "time" in variable.dims and variable.dtype.kind in "fiu"
    }
    return activity.assign(changed).assign_attrs(sigma=float(sigma))


def _gaussian(da: xr.DataArray, sigma: Number) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    values = da.values if da.dtype.kind == "f" else da.values.astype(np.float32)
    axis = da.dims.index("time")
    kernel = {"sigma": sigma, "axis": axis, "mode": "constant", "truncate": 4.0}
    missing = np.isnan(values)
    if missing.any():
        weight = gaussian_filter1d((~missing).astype(values.dtype), **kernel)
        filled = gaussian_filter1d(np.where(missing, 0, values), **kernel)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(missing, np.nan, filled / weight).astype(values.dtype)
    weight = gaussian_filter1d(np.ones(values.shape[axis]), **kernel | {"axis": 0})
    shape = [-1 if i == axis else 1 for i in range(values.ndim)]
    return gaussian_filter1d(values, **kernel) / weight.astype(values.dtype).reshape(shape)
