"""Labels for which objects of other tools have no place: kept with the object, applied by name."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.io import layout
from neurodyn.io.interop.tables import typed

#: Attribute of an object with the note. Not in its metadata, because these are shown and saved, and
#: an object that is made from another one holds other data.
_HELD = "_neurodyn"


def attach(obj: Any, ds: xr.Dataset, keep: Iterable[str] = ()) -> Any:
    """Attach attributes, dtypes and order of a Dataset to the object that was made of it.

    Parameters
    ----------
    obj
        The object.
    ds
        The Dataset.
    keep
        Variables for whose values the object has no place.
    """
    obj.__dict__[_HELD] = layout.describe(ds, keep=keep)
    return obj


def attached(obj: Any) -> Mapping[str, Any] | None:
    """The note of an object; None if it has none."""
    text = getattr(obj, "__dict__", {}).get(_HELD)
    return None if text is None else json.loads(text)


def noted(ds: xr.Dataset, about: Mapping[str, Any] | None) -> xr.Dataset:
    """A Dataset with what a note says of its variables, matched by name.

    What is no longer there is left out, and what is new stays as it is. Edges of the recording are
    those of the Dataset, but for rounding.
    """
    if about is None:
        return ds
    built: dict[str, xr.Variable] = {}
    for name, entry in about["variables"].items():
        if "values" in entry:
            shape = tuple(about["sizes"][dim] for dim in entry["dims"])
            if all(ds.sizes.get(d) == n for d, n in zip(entry["dims"], shape, strict=True)):
                values = layout.unlisted(entry["values"], entry["dtype"]).reshape(shape)
                built[name] = xr.Variable(entry["dims"], values, entry["attrs"])
        elif name in ds.variables:
            own = ds.variables[name]
            built[name] = xr.Variable(own.dims, typed(own.values, entry["dtype"]), entry["attrs"])
    built |= {str(n): v for n, v in ds.variables.items() if str(n) not in built}
    entries = about["variables"]
    coords = [n for n in built if (entries[n]["coord"] if n in entries else n in ds.coords)]
    attrs = dict(about["attrs"])
    for name in ("window", "obs_intervals"):
        given, own = attrs.pop(name, None), ds.attrs.get(name)
        if own is not None:
            same = given is not None and len(given) == len(own) and np.allclose(given, own, 0, 1e-6)
            attrs[name] = given if same else own
    order = [name for name in about["attrs"] if name in attrs]
    attrs = {name: attrs[name] for name in [*order, *(n for n in attrs if n not in order)]}
    return xr.Dataset(built, attrs=attrs).set_coords(coords)
