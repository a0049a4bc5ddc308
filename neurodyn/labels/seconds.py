"""Express labelled objects in seconds, and bring them back into milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.clock import SECONDS
from neurodyn.labels.convention import LabelError

#: attrs that hold times, for `to_seconds`.
TIME_ATTRS = ("bin_width", "dt", "sigma", "window", "obs_intervals")
#: Coordinates that are times in ms if they have no units.
_TIMES = ("time", "lag")


def to_seconds(obj: xr.Dataset | xr.DataArray | xr.DataTree):
    """Convert all values in ms to seconds, e.g. for figures.

    Parameters
    ----------
    obj
        Dataset, DataArray or DataTree. Variables and coordinates with units "ms" are scaled, and
        with them the attributes named in `TIME_ATTRS`; `time` and `lag` without units are ms.

    Returns
    -------
    A new object. Functions of the library refuse it, because they take milliseconds: convert last,
    or convert back by `to_milliseconds`.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> step = xr.DataArray([1, 2], coords={"time": ("time", [500.0, 1500.0], {"units": "ms"})})
    >>> labels.to_seconds(step).time.values
    array([0.5, 1.5])
    """
    # Dividing by 1000 is exact where multiplying by 0.001 is not.
    return _convert(obj, ("ms",), lambda times: times / 1e3, "s")


def to_milliseconds(obj: xr.Dataset | xr.DataArray | xr.DataTree):
    """Convert times in seconds or of dtype timedelta64 to float64 milliseconds.

    Parameters
    ----------
    obj
        Dataset, DataArray or DataTree. Variables and coordinates with units "s" are scaled. The
        attributes named in `TIME_ATTRS` are scaled with them, because they have no unit of their
        own: correct those that are in ms already, such as the `bin_width` of counts whose labels
        are in seconds. With times of dtype timedelta64, attributes stay unchanged.

    Returns
    -------
    A new object. Of an object from `to_seconds` it is the original, to rounding.

    Raises
    ------
    LabelError
        If times are dates, because the event from which they count is unknown.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> step = xr.DataArray([1, 2], coords={"time": ("time", [0.5, 1.5], {"units": "s"})})
    >>> labels.to_milliseconds(step).time.values
    array([ 500., 1500.])
    """
    return _convert(obj, SECONDS, lambda times: times * 1e3, "ms")


def _convert(obj: Any, old: tuple[str, ...], scale: Callable[[Any], Any], new: str) -> Any:
    if isinstance(obj, xr.DataTree):
        return xr.map_over_datasets(lambda node: _convert(node, old, scale, new), obj)
    if isinstance(obj, xr.DataArray):
        # A name that no coordinate has, so that the array can be a variable beside its coordinates.
        whole = obj.to_dataset(name="_values_of_the_array")
        converted = _convert(whole, old, scale, new)["_values_of_the_array"]
        return converted.rename(obj.name)
    units = {name: _unit(name, variable) for name, variable in obj.variables.items()}
    # Attributes have no unit of their own: they are in that of the object's times.
    attrs = TIME_ATTRS if any(unit in old for unit in units.values()) else ()
    changed = {}
    for name, variable in obj.variables.items():
        about = _attrs(variable.attrs, attrs, scale)
        if variable.dtype.kind == "m" and new == "ms":
            data, about["units"] = variable.values / np.timedelta64(1, "ms"), new
        elif units[name] in old:
            data, about["units"] = scale(variable.data), new
        elif any(attr in about for attr in attrs):
            data = variable.data
        else:
            continue
        changed[name] = xr.Variable(variable.dims, data, about)
    coords = {name: changed.pop(name) for name in obj.coords if name in changed}
    return obj.assign(changed).assign_coords(coords).assign_attrs(_attrs(obj.attrs, attrs, scale))


def _unit(name: Any, variable: xr.Variable) -> str | None:
    if variable.dtype.kind == "M" and name in _TIMES:
        raise LabelError(
            f"'{name}' holds dates ({variable.dtype}): say from which event they count, "
            f".assign_coords({name}=obj.{name} - obj.{name}[0])."
        )
    unit = variable.attrs.get("units")
    if variable.dtype.kind == "m":
        return None
    return "ms" if unit is None and name in _TIMES else unit


def _attrs(
    attrs: Mapping[Any, Any], names: Iterable[str], scale: Callable[[Any], Any]
) -> dict[Any, Any]:
    scaled = {name: scale(np.asarray(attrs[name])).tolist() for name in names if name in attrs}
    return dict(attrs) | scaled
