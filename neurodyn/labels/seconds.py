"""Express labelled objects in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["to_seconds"]

#: attrs that hold times, for `to_seconds`.
TIME_ATTRS = ("bin_width", "dt", "sigma", "window")


def to_seconds(obj: xr.Dataset | xr.DataArray | xr.DataTree):
    """Express everything that is in ms in seconds, for plots and for those who think in seconds.

    Parameters
    ----------
    obj
        Dataset, DataArray or DataTree. Variables and coordinates with units "ms" are scaled, and so
        are the attributes named in `TIME_ATTRS`.

    Returns
    -------
    A new object; the library's own functions take milliseconds, so convert last.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> step = xr.DataArray([1, 2], coords={"time": ("time", [500.0, 1500.0], {"units": "ms"})})
    >>> labels.to_seconds(step).time.values
    array([0.5, 1.5])
    """
    if isinstance(obj, xr.DataTree):
        return xr.map_over_datasets(to_seconds, obj)
    scaled = obj.assign_coords({n: _in_seconds(c.variable) for n, c in obj.coords.items()})
    if isinstance(obj, xr.DataArray):
        variable = _in_seconds(obj.variable)
        return scaled.copy(data=variable.data).assign_attrs(variable.attrs)
    scaled = scaled.assign({n: _in_seconds(v.variable) for n, v in obj.data_vars.items()})
    return scaled.assign_attrs(_attrs_in_seconds(obj.attrs))


def _in_seconds(variable: xr.Variable) -> xr.Variable:
    attrs = _attrs_in_seconds(variable.attrs)
    if attrs.get("units") != "ms":
        return xr.Variable(variable.dims, variable.data, attrs)
    return xr.Variable(variable.dims, variable.data / 1e3, attrs | {"units": "s"})


def _attrs_in_seconds(attrs: Mapping[Any, Any]) -> dict[Any, Any]:
    scaled = {
        name: (np.asarray(attrs[name]) / 1e3).tolist() for name in TIME_ATTRS if name in attrs
    }
    return dict(attrs) | scaled
