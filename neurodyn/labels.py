"""The labelling convention: how dims, times, units and trials are named in runs and recordings.

Dims are singular and come in the order of `DIMS`, so ``(trial | condition, time, unit)``. Time is
in milliseconds, rates in Hz. Every variable says its `units` and `long_name`; attrs hold only what
netCDF and Zarr can store. `dataset` builds such objects, `check` says what is off with one, `match`
pairs two of them by label.

A spike Dataset is flat: `spike_time`, `spike_unit` and (when cut into trials) `spike_trial` on dim
`spike`, the last two being positions along `unit` and `trial`, whose coords hold the unit and trial
tables. See `neurodyn.spikes`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels_check import DIMS, KINDS, SOURCES, LabelError, check

__all__ = [
    "CONVENTION",
    "DIMS",
    "KINDS",
    "SOURCES",
    "TIME_TOLERANCE",
    "LabelError",
    "check",
    "dataset",
    "encode_attrs",
    "match",
    "time_axis",
    "to_seconds",
]

CONVENTION = "neurodyn-1"
#: Two time stamps are the same when they differ by no more than this [ms]: far below any sampling
#: step in use, far above what float64 loses in an hour.
TIME_TOLERANCE = 1e-6

#: Units and long name of the coordinates that have a fixed meaning.
COORDS = {
    "time": ("ms", "time"),
    "lag": ("ms", "lag"),
    "frequency": ("Hz", "frequency"),
    "tau": ("ms", "time constant"),
    "rt": ("ms", "reaction time"),
    "start_time": ("ms", "start of the trial on the clock of the recording"),
    "stop_time": ("ms", "end of the trial on the clock of the recording"),
    "n_valid": ("1", "number of samples before padding"),
    "ei": ("1", "sign of the outgoing weights"),
}
#: attrs that hold times, for `to_seconds`.
TIME_ATTRS = ("bin_width", "dt", "sigma", "window")

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


@functools.cache
def _version() -> str:
    from importlib.metadata import version

    return version("neurodyn")


def time_axis(n: int, dt: float, t0: float = 0.0) -> np.ndarray:
    """Time labels of `n` samples: sample k is what holds after input k, so ``t0 + (k + 1) dt``.

    Parameters
    ----------
    n
        Number of samples.
    dt
        Step [ms].
    t0
        Time at which the first input starts [ms].

    Returns
    -------
    Float64 array of shape ``(n,)``, computed from integers, so that late labels are as exact as
    early ones.

    Examples
    --------
    >>> time_axis(3, 20.0)
    array([20., 40., 60.])
    """
    if n < 0:
        raise ValueError(f"n is the number of samples and cannot be {n}.")
    if not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"dt must be a positive number of ms, got {dt}.")
    return float(t0) + np.arange(1, n + 1, dtype=np.float64) * float(dt)


def encode_attrs(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Bring attrs into the types that netCDF and Zarr store: str, int, float and lists of them.

    bools become 0 or 1, NumPy scalars Python numbers, tuples and 1-D arrays lists, dicts JSON text.

    Raises
    ------
    LabelError
        For anything else (None included), naming the attribute.

    Examples
    --------
    >>> encode_attrs({"simultaneous": True, "window": (0.0, 500.0), "preset": {"n": 3}})
    {'simultaneous': 1, 'window': [0.0, 500.0], 'preset': '{"n": 3}'}
    """
    return {str(name): _encode(str(name), value) for name, value in attrs.items()}


def _encode(name: str, value: Any) -> Any:
    if isinstance(value, np.generic) or (hasattr(value, "ndim") and value.ndim == 0):
        value = np.asarray(value).item()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        try:
            return json.dumps(value, sort_keys=True)
        except TypeError as error:
            raise LabelError(f"attribute '{name}' cannot be written as JSON: {error}.") from error
    if isinstance(value, (list, tuple)) or (hasattr(value, "ndim") and value.ndim == 1):
        items = [_encode(name, item) for item in value]
        if not any(isinstance(item, list) for item in items):
            return items
    raise LabelError(
        f"attribute '{name}' is a {type(value).__name__}, which cannot be saved. attrs hold str, "
        "int, float and flat lists of them; leave None out, make larger arrays variables."
    )


def dataset(
    variables: Mapping[str, tuple],
    coords: Mapping[str, Any],
    *,
    source: str,
    kind: str | None = None,
    attrs: Mapping[str, Any] | None = None,
    values: bool = True,
) -> xr.Dataset:
    """Build a Dataset that follows the convention.

    Parameters
    ----------
    variables
        ``{name: (dims, array, units, long_name)}`` or ``(..., long_name, kind)``; dims is a name or
        a tuple of names in the order of `DIMS`.
    coords
        ``{name: array}`` for a dim's own labels, else ``{name: (dim, array)}``,
        ``(dim, array, units)`` or ``(dim, array, units, long_name)``. Known coordinates bring
        their units and long name, others get "1" and their name in words. `time` must be given
        (float64, ms); the other dims are numbered from 0 where nothing is given.
    source
        "model", "recording", "task" or "analysis".
    kind
        What the variables hold, one of `KINDS`.
    attrs
        Further attributes, encoded by `encode_attrs`.
    values
        Whether to look for NaN and infinite values too.

    Returns
    -------
    The Dataset, after `check`.

    Raises
    ------
    LabelError
        Listing everything that does not follow the convention.

    Examples
    --------
    >>> import numpy as np
    >>> ds = dataset(
    ...     {"rate": (("trial", "time", "unit"), np.ones((2, 3, 4)), "Hz", "firing rate")},
    ...     {"time": time_axis(3, 20.0), "coherence": ("trial", [-0.5, 0.5])},
    ...     source="model",
    ...     kind="rate",
    ... )
    >>> dict(ds.sizes)
    {'trial': 2, 'time': 3, 'unit': 4}
    """
    built = {name: _variable(name, spec) for name, spec in variables.items()}
    labels = {name: _coord(name, spec) for name, spec in coords.items()}
    _refuse_conflicting_sizes(built | labels)
    for variable in built.values():
        for dim, size in zip(variable.dims, variable.shape, strict=True):
            if dim not in labels and dim not in ("time", "spike"):
                labels[dim] = _coord(dim, np.arange(size))
    about = {"source": source, "kind": kind, "convention": CONVENTION, "neurodyn": _version()}
    about = {name: value for name, value in about.items() if value is not None}
    ds = xr.Dataset(built, labels, attrs=about | encode_attrs(attrs or {}))
    check(ds, values=values)
    return ds


def _variable(name: str, spec: tuple) -> xr.Variable:
    if not isinstance(spec, tuple) or len(spec) not in (4, 5):
        raise LabelError(
            f"variable '{name}' must be (dims, array, units, long_name) or "
            f"(dims, array, units, long_name, kind), got {type(spec).__name__}"
            + (f" of length {len(spec)}." if isinstance(spec, tuple) else ".")
        )
    dims, array, units, long_name, *kind = spec
    attrs = {"units": units, "long_name": long_name} | ({"kind": kind[0]} if kind else {})
    return _labelled(name, dims, array, attrs)


def _coord(name: str, spec: Any) -> xr.Variable:
    units, long_name = COORDS.get(name, ("1", name.replace("_", " ")))
    known = {"units": units, "long_name": long_name}
    if isinstance(spec, (xr.DataArray, xr.Variable)):
        return _labelled(name, spec.dims, spec.values, known | spec.attrs)
    dims, array, *described = spec if isinstance(spec, tuple) else (name, spec)
    given = dict(zip(("units", "long_name"), described, strict=False))
    return _labelled(name, dims, array, known | given)


def _labelled(name: str, dims: Any, array: Any, attrs: dict[str, str]) -> xr.Variable:
    dims = (dims,) if isinstance(dims, str) else tuple(dims)
    # Lazy arrays (dask) stay lazy; JAX arrays and lists come to the host.
    array = array if hasattr(array, "dask") else np.asarray(array)
    if array.dtype == object and all(isinstance(item, str) for item in array.flat):
        array = array.astype(str)
    if array.ndim != len(dims):
        raise LabelError(
            f"'{name}' has dims {dims} but its array has shape {array.shape}: "
            f"give {array.ndim} dim names, or reshape it to {len(dims)} axes."
        )
    return xr.Variable(dims, array, attrs)


def _refuse_conflicting_sizes(variables: Mapping[str, xr.Variable]) -> None:
    sizes: dict[Hashable, dict[int, list[str]]] = {}
    for name, variable in variables.items():
        for dim, size in zip(variable.dims, variable.shape, strict=True):
            sizes.setdefault(dim, {}).setdefault(size, []).append(name)
    wrong = [
        f"dim '{dim}' has " + ", ".join(f"size {n} in {names}" for n, names in found.items())
        for dim, found in sizes.items()
        if len(found) > 1
    ]
    if wrong:
        raise LabelError("sizes do not agree: " + "; ".join(wrong) + ".")


def match(
    a: _Labelled,
    b: _Labelled,
    dim: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    tolerance: float = TIME_TOLERANCE,
    join: Literal["exact", "inner"] = "exact",
) -> tuple[_Labelled, _Labelled]:
    """Bring two labelled objects onto the same labels along `dim`, never by position.

    Parameters
    ----------
    a, b
        Datasets or DataArrays.
    dim
        One dim or several.
    by
        Coordinates on `dim` that identify an entry. Default: along `trial` and `condition` every
        1-D coordinate that both have, elsewhere the dim's own labels. Numbers are compared to six
        significant digits, so that a float32 label meets its float64 twin.
    tolerance
        Largest difference between two equal times [ms] (dims `time` and `lag`).
    join
        "exact": both must have the same labels. "inner": keep those that both have.

    Returns
    -------
    `a` and `b` with the same labels in the order of `a`; `b` takes `a`'s labels along `dim`.

    Raises
    ------
    LabelError
        If the labels differ (listing those of both sides), repeat, or are missing.

    Examples
    --------
    >>> import xarray as xr
    >>> a = xr.DataArray([1, 2], dims="condition", coords={"context": ("condition", ["m", "c"])})
    >>> b = xr.DataArray([2, 1], dims="condition", coords={"context": ("condition", ["c", "m"])})
    >>> match(a, b, "condition")[1].values
    array([1, 2])
    """
    if join not in ("exact", "inner"):
        raise ValueError(f"join must be 'exact' or 'inner', got {join!r}.")
    for name in [dim] if isinstance(dim, str) else dim:
        for side, obj in (("first", a), ("second", b)):
            if name not in obj.dims:
                raise LabelError(
                    f"the {side} object has no dim '{name}': its dims are {tuple(obj.dims)}."
                )
        if name in ("time", "lag"):
            take_a, take_b = _match_times(a, b, name, tolerance, join)
        else:
            take_a, take_b = _match_labels(a, b, name, by, join)
        a, b = a.isel({name: take_a}), b.isel({name: take_b})
        if name in a.coords:
            b = b.assign_coords({name: a[name].variable})
    return a, b


def _match_times(a, b, dim: str, tolerance: float, join: str):
    for side, obj in (("first", a), ("second", b)):
        if dim not in obj.coords:
            raise LabelError(f"the {side} object has no '{dim}' coordinate; assign it in ms.")
    ta, tb = a[dim].values, b[dim].values
    if join == "exact":
        if len(ta) == len(tb) and np.all(np.abs(ta - tb) <= tolerance):
            return slice(None), slice(None)
    elif len(tb):
        nearest = np.abs(ta[:, None] - tb[None, :]).argmin(axis=1)
        same = np.abs(ta - tb[nearest]) <= tolerance
        if same.any():
            return np.flatnonzero(same), nearest[same]
    raise LabelError(
        f"the {dim} axes differ (tolerance {tolerance:g} ms):\n  first:  {_axis(ta)}\n"
        f"  second: {_axis(tb)}\nCut both to one window with .sel({dim}=slice(start, stop)) and "
        f"bring them to one step (neurodyn.spikes.bin, or .interp({dim}=other.{dim}))."
    )


def _axis(times: np.ndarray) -> str:
    if len(times) < 2:
        return f"{times.tolist()} ms"
    step = np.median(np.diff(times))
    return f"{len(times)} samples, {times[0]:g} to {times[-1]:g} ms, step {step:g} ms"


def _match_labels(a, b, dim: str, by: str | Sequence[str] | None, join: str):
    names = _identifying(a, b, dim, by)
    keys_a, keys_b = _keys(a, dim, names, "first"), _keys(b, dim, names, "second")
    position = {key: i for i, key in enumerate(keys_b)}
    shared = [i for i, key in enumerate(keys_a) if key in position]
    complete = len(shared) == len(keys_a) == len(keys_b)
    if not shared or (join == "exact" and not complete):
        raise LabelError(
            f"the labels along '{dim}' (by {', '.join(names)}) differ:\n"
            f"  only in the first:  {_list(k for k in keys_a if k not in position)}\n"
            f"  only in the second: {_list(k for k in keys_b if k not in set(keys_a))}\n"
            f"  in both:            {_list(keys_a[i] for i in shared)}\n"
            f"Select the same ones on both sides, or pass join='inner' to keep those in both."
        )
    return np.array(shared), np.array([position[keys_a[i]] for i in shared])


def _identifying(a, b, dim: str, by: str | Sequence[str] | None) -> list[str]:
    if by is not None:
        return [by] if isinstance(by, str) else list(by)
    if dim in ("trial", "condition"):
        shared = [n for n, c in a.coords.items() if c.dims == (dim,) and n != dim and n in b.coords]
        if shared:
            return [str(name) for name in shared]
    return [dim]


def _keys(obj, dim: str, names: Sequence[str], side: str) -> list[tuple]:
    missing = [name for name in names if name not in obj.coords or obj[name].dims != (dim,)]
    if missing:
        raise LabelError(
            f"the {side} object has no coordinate {missing} on '{dim}'. "
            f"Assign it, e.g. .assign_coords({missing[0]}=('{dim}', values)), or choose others "
            "by `by`."
        )
    columns = [[_plain(value) for value in obj[name].values.tolist()] for name in names]
    keys = list(zip(*columns, strict=True))
    repeated = {key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else set()
    if repeated:
        raise LabelError(
            f"labels along '{dim}' of the {side} object (by {', '.join(names)}) are not unique: "
            f"{_list(repeated)}. Average over the repetitions first (neurodyn.trials.average), or "
            "name further coordinates by `by`."
        )
    return keys


def _plain(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _list(keys) -> str:
    texts = [str(key[0]) if len(key) == 1 else str(key) for key in keys]
    return (
        ", ".join(texts[:12]) + (f", ... ({len(texts)} in all)" if len(texts) > 12 else "") or "-"
    )


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
    >>> import xarray as xr
    >>> step = xr.DataArray([1, 2], coords={"time": ("time", [500.0, 1500.0], {"units": "ms"})})
    >>> to_seconds(step).time.values
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
