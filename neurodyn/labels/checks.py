"""A check that lists everything that does not follow the labelling convention."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurodyn.labels.clock import SECONDS, axis_problem
from neurodyn.labels.convention import DIMS, KINDS, SOURCES, TIME_TOLERANCE, LabelError
from neurodyn.labels.ends import counted, valid

__all__ = ["check"]

_RANK = {dim: rank for rank, dim in enumerate(DIMS)}
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


def check(
    obj: xr.Dataset | xr.DataArray | xr.DataTree,
    *,
    dims: Sequence[str] = (),
    values: bool = True,
) -> None:
    """Check an object against the labelling convention.

    Parameters
    ----------
    obj
        Dataset, DataArray, or DataTree (every node is checked).
    dims
        Further dim names to accept, in any position.
    values
        Whether to look at the numbers too (NaN, infinite values); this loads lazy arrays.

    Raises
    ------
    LabelError
        Listing everything that is off, each with what to do about it.
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
            for problem in _dataset_problems(node.to_dataset(), dims, values, node.has_data)
        ]
    elif isinstance(obj, xr.Dataset):
        found = list(_dataset_problems(obj, dims, values, True))
    elif isinstance(obj, xr.DataArray):
        found = [*_array_problems(obj, dims), *_coord_problems(obj)]
        found += _value_problems(obj) if values else []
    else:
        raise TypeError(
            "check takes an xarray Dataset, DataArray or DataTree, got "
            f"{type(obj).__name__}; neurodyn.labels.dataset builds one from arrays."
        )
    if found:
        things = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
        raise LabelError("\n- ".join([f"{things} off:", *found]))


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
            yield from _value_problems(variable, simultaneous=ds.attrs.get("simultaneous", 1))
    if "spike" in ds.dims:
        yield from _spike_problems(ds)


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
                yield f"{name}: unknown dim '{dim}'; known dims are {', '.join(DIMS)}"
            else:
                new = meant[dim]
                yield f"{name}: unknown dim '{dim}'; did you mean '{new}'? .rename({dim}='{new}')"
    known = [dim for dim in meant.values() if dim in _RANK]
    ordered = sorted(known, key=_RANK.__getitem__)
    if known != ordered:
        order = iter(ordered)
        wanted = [next(order) if dim in _RANK else dim for dim in meant.values()]
        call = ", ".join(map(repr, wanted))
        yield f"{name} has dims {tuple(meant.values())} out of order: .transpose({call})"


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
        if len(set(coord.dims) - {"seed"}) > 1:
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


def _value_problems(array: xr.DataArray, simultaneous: Any = 1) -> Iterator[str]:
    if array.dtype.kind not in "fc" or array.size == 0:
        return
    name = "the array" if array.name is None else f"'{array.name}'"
    numbers = array.values
    if np.isinf(numbers).any():
        yield f"{name} holds infinite values: find the division or the diverging run behind them"
    missing = np.isnan(numbers)
    if "time" not in array.dims or not missing.any():
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
            yield f"{name} has NaN in the middle of traces: cut the trials, or interpolate"
    elif traces.any():
        where = f"before {ends[0]} ends" if ends else "and no n_valid coordinate"
        yield (
            f"{name} has NaN in {traces.any(-1).sum()} of {traces[..., 0].size} traces {where}:"
            " give valid_until (trial), the time at which each trial ends, or "
            ".attrs['simultaneous'] = 0 where units have different trials"
        )


def _spike_problems(ds: xr.Dataset) -> Iterator[str]:
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
