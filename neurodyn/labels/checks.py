"""Check labelled data against the convention, and list everything that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurodyn.labels.check_values import spike_problems, value_problems
from neurodyn.labels.clock import axis_problem
from neurodyn.labels.convention import DIMS, GAPS, KINDS, OWN_DIMS, SOURCES, LabelError, ordered

_MEANT = {
    "neuron": "unit",
    "neurons": "unit",
    "cell": "unit",
    "cells": "unit",
    "neuroid": "unit",
    "hidden": "unit",
    "batch": "trial",
    "presentation": "trial",
    "t": "time",
    "time_bin": "time",
    "timestep": "time",
    "freq": "frequency",
    "event": "trial",
    "pc": "component",
    "feature": "unit",
}
#: Attributes that say why values are missing: units have trials of their own, or there are gaps.
_EXPLAIN_NAN = ("simultaneous", "gaps")


def check(
    obj: xr.Dataset | xr.DataArray | xr.DataTree, *, dims: Sequence[str] = (), values: bool = True
) -> None:
    """Check an object against the labelling convention.

    Parameters
    ----------
    obj
        Dataset, DataArray, or DataTree (every node is checked).
    dims
        Dims of your study, to be accepted in any position, besides those that the attribute
        ``dims`` of `obj` lists (or, in a DataTree, of a node above).
    values
        Whether to check the numbers too (NaN, infinite values); this loads lazy arrays, of which
        more than 1 GiB are refused.

    Raises
    ------
    LabelError
        If anything does not follow the convention. The error lists all of it, each with a remedy.
    TypeError
        If `obj` is none of the three.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> labels.check(xr.DataArray([[0.0]], dims=("trials", "unit"), name="rate"))
    Traceback (most recent call last):
    ...
    neurodyn.labels.LabelError: 3 things are off:
    - 'rate': unknown dim 'trials'; did you mean 'trial'? .rename(trials='trial')
    - 'rate' has no units: set .attrs['units'], e.g. 'Hz', 'mV', '1'
    - 'rate' has no long_name: set .attrs['long_name'], a few words for axes and tables
    """
    if isinstance(obj, xr.DataTree):
        found = [
            f"{node.path}: {problem}" if node.path != "/" else problem
            for node in obj.subtree
            for problem in _dataset_problems(
                node.to_dataset(),
                [*dims, *(dim for above in (node, *node.parents) for dim in _own(above.attrs))],
                values,
                node.has_data,
            )
        ]
    elif isinstance(obj, xr.Dataset):
        found = list(_dataset_problems(obj, [*dims, *_own(obj.attrs)], values, True))
    elif isinstance(obj, xr.DataArray):
        found = [*_array_problems(obj, [*dims, *_own(obj.attrs)]), *_coord_problems(obj)]
        found += value_problems(obj) if values else []
    else:
        raise TypeError(
            "check takes an xarray Dataset, DataArray or DataTree, got "
            f"{type(obj).__name__}; neurodyn.labels.dataset builds one from arrays."
        )
    if found:
        things = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
        raise LabelError("\n- ".join([f"{things} off:", *found]))


def _own(attrs: dict) -> list[str]:
    """The dims that an object declares as those of its study."""
    own = attrs.get(OWN_DIMS, ())
    # Other readers of netCDF give a list of one back as its item.
    return [own] if isinstance(own, str) else [str(dim) for dim in own]


def _dataset_problems(
    ds: xr.Dataset, dims: Sequence[str], values: bool, has_data: bool
) -> Iterator[str]:
    if has_data and (len(ds.data_vars) or "spike" in ds.dims):
        if ds.attrs.get("source") not in SOURCES:
            yield (
                f"source is {ds.attrs.get('source')!r}: set .attrs['source'] to one of "
                f"{', '.join(SOURCES)}"
            )
        yield from _kind_problems("the Dataset", ds.attrs)
    yield from _attr_problems("the Dataset", ds.attrs)
    for name, size in ds.sizes.items():
        if size == 0 and name not in ("spike", "interval"):
            yield f"dim '{name}' is empty: there is nothing to work on; look at what selected it"
    yield from _coord_problems(ds)
    for variable in ds.data_vars.values():
        yield from _array_problems(variable, dims)
        if values:
            known = {name: ds.attrs[name] for name in _EXPLAIN_NAN if name in ds.attrs}
            yield from value_problems(variable, **known)
    if "spike" in ds.dims:
        yield from spike_problems(ds)


def _array_problems(array: xr.DataArray, dims: Sequence[str]) -> Iterator[str]:
    name = "the array" if array.name is None else f"'{array.name}'"
    yield from _dim_problems(name, array, dims)
    if not array.attrs.get("units"):
        yield f"{name} has no units: set .attrs['units'], e.g. 'Hz', 'mV', '1'"
    if not array.attrs.get("long_name"):
        yield f"{name} has no long_name: set .attrs['long_name'], a few words for axes and tables"
    if "time" in array.dims and "time" not in array.coords:
        yield f"{name} has a dim 'time' without labels: .assign_coords(time=...) in ms (float64)"
    yield from _kind_problems(name, array.attrs)
    yield from _attr_problems(name, array.attrs)
    if array.dtype == object:
        yield f"{name} has dtype object, which cannot be saved: .astype(float) or .astype(str)"


def _dim_problems(name: str, array: xr.DataArray, dims: Sequence[str]) -> Iterator[str]:
    meant = {str(dim): str(dim) for dim in array.dims}
    for dim in meant:
        if dim not in DIMS and dim not in dims:
            close = difflib.get_close_matches(dim.lower(), DIMS, 1)
            meant[dim] = _MEANT.get(dim) or (close[0] if close else dim)
            if meant[dim] == dim:
                yield (
                    f"{name}: unknown dim '{dim}'; known dims are {', '.join(DIMS)}. If it is one "
                    f"of your study, declare it: .attrs['{OWN_DIMS}'] = ['{dim}']"
                )
            else:
                new = meant[dim]
                yield f"{name}: unknown dim '{dim}'; did you mean '{new}'? .rename({dim}='{new}')"
    now = tuple(meant.values())
    if now != (wanted := ordered(now)):
        call = ", ".join(map(repr, wanted))
        yield f"{name} has dims {now} out of order: .transpose({call})"


def _kind_problems(name: str, attrs: dict) -> Iterator[str]:
    kind = attrs.get("kind")
    if kind is not None and kind not in KINDS:
        yield f"{name} is of unknown kind {kind!r}: kinds are {', '.join(KINDS)}"


def _attr_problems(name: str, attrs: dict) -> Iterator[str]:
    for key, value in attrs.items():
        items = value if isinstance(value, (list, tuple)) else [value]
        if isinstance(value, np.ndarray) and value.ndim <= 1:
            items = value.ravel().tolist()
        if not all(_is_plain(item) for item in items):
            yield (
                f"attribute '{key}' of {name} is a {type(value).__name__} that cannot be saved: "
                "use str, int, float or a flat list of them (neurodyn.labels.encode_attrs)"
            )


def _is_plain(value: Any) -> bool:
    plain = isinstance(value, (str, int, float, np.integer, np.floating))
    return plain and not isinstance(value, bool)


def _coord_problems(obj: xr.Dataset | xr.DataArray) -> Iterator[str]:
    for name, coord in obj.coords.items():
        index = obj.indexes.get(name)
        if isinstance(index, pd.MultiIndex):
            if coord.dims == (name,):
                yield (
                    f"dim '{name}' has a MultiIndex, which cannot be saved: "
                    f".reset_index('{name}') makes its levels plain coordinates"
                )
            continue
        if coord.dtype == object and not all(isinstance(v, str) for v in coord.values.flat):
            yield f"coordinate '{name}' has dtype object, which cannot be saved: convert it"
        # Runs of an ensemble have the same labels with other values for each member.
        if len(set(coord.dims) - {"seed"}) > 1 and name not in GAPS:
            yield f"coordinate '{name}' has dims {coord.dims}: labels are 1-D; make it a variable"
        if index is not None and name != "time" and not index.is_unique:
            yield (
                f"labels along '{name}' repeat: number them and keep these in another coordinate "
                "(of spikes with neurodyn.spikes.relabel, which counts repeated ones each time)"
            )
        yield from _attr_problems(f"coordinate '{name}'", coord.attrs)
    if "time" in obj.coords and "time" in obj.dims and obj["time"].size:
        yield from _time_problems(obj)


def _time_problems(obj: xr.Dataset | xr.DataArray) -> Iterator[str]:
    time = obj["time"]
    problem = axis_problem(time)
    if problem is None and (units := time.attrs.get("units")) is None:
        problem = "'time' has no units: .time.attrs['units'] = 'ms' ('1' for steps of a map)"
    elif problem is None and units == "ms" and _looks_like_seconds(obj):
        problem = (
            f"time is labelled ms but runs from {float(time[0]):g} to {float(time[-1]):g}, "
            "which looks like seconds: .assign_coords(time=obj.time * 1e3)"
        )
    if problem is not None:
        yield problem
    if time.dtype != np.float64 and time.dtype.kind in "iuf":
        yield f"time is {time.dtype}, not float64: .assign_coords(time=obj.time.astype(float))"


def _looks_like_seconds(obj: xr.Dataset | xr.DataArray) -> bool:
    """Whether the step contradicts `bin_width`, or counts and recorded rates are absurdly fine."""
    time = obj["time"].values.astype(float)
    if time.size < 2:
        return False
    step, span = float(np.median(np.diff(time))), float(np.ptp(time))
    width = obj.attrs.get("bin_width")
    if isinstance(width, (int, float)) and np.isclose(step * 1e3, width):
        return True
    counted = obj.attrs.get("kind") == "spike_count"
    recorded = obj.attrs.get("kind") == "rate" and obj.attrs.get("source") == "recording"
    return (counted or recorded) and step < 0.2 and span < 20
