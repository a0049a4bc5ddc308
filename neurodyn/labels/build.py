"""Build labelled Datasets from arrays."""

from __future__ import annotations

import functools
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.checks import check
from neurodyn.labels.convention import (
    CONVENTION,
    COORDS,
    END_OF_STEP,
    OWN_DIMS,
    SPIKE_COLUMNS,
    LabelError,
    Number,
)
from neurodyn.labels.plain import refuse_units
from neurodyn.labels.values import plain


@functools.cache
def _version() -> str:
    from importlib.metadata import version

    return version("neurodyn")


def horizons(n: int, dt: Number, unit: str = "ms") -> dict[str, tuple]:
    """Coordinates of predictions of the next `n` steps: number of steps, and time ahead.

    Parameters
    ----------
    n
        Number of steps.
    dt, unit
        One step, and its unit: "ms", or "1" for steps without physical time.

    Examples
    --------
    >>> from neurodyn import labels
    >>> labels.horizons(3, 20.0)["ahead"][1]
    array([20., 40., 60.])
    """
    steps = np.arange(1, n + 1)
    return {
        "horizon": ("horizon", steps, "1", "steps ahead"),
        "ahead": ("horizon", steps * float(dt), unit, "time ahead"),
    }


def encode_attrs(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Bring attrs into the types that netCDF and Zarr store: str, int, float and lists of them.

    bools become 0 or 1, NumPy scalars Python numbers, tuples and 1-D arrays lists, dicts JSON text.

    Raises
    ------
    LabelError
        For values of other types (None included); the error names the attribute.

    Examples
    --------
    >>> from neurodyn import labels
    >>> labels.encode_attrs({"simultaneous": True, "window": (0.0, 500.0), "preset": {"n": 3}})
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
    dims: Sequence[str] = (),
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
        ``(dim, array, units)`` or ``(dim, array, units, long_name)``. Known coordinates have
        default units and long names; others get "1" and their name in words. `time` must be given
        (float64, ms); other dims without labels are numbered from 0.
    source
        "model", "recording", "task" or "analysis".
    kind
        Kind of the variables, one of `KINDS`.
    attrs
        Further attributes, encoded by `encode_attrs`.
    dims
        Dims of your study that are not in `DIMS`, such as the animals. They may stand in any place,
        and are kept in the attribute ``dims``, so that `check` knows them.
    values
        Whether to check for NaN and infinite values too.

    Returns
    -------
    The Dataset, after `check`.

    Raises
    ------
    LabelError
        If anything does not follow the convention; the error lists all of it.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import numpy as np
    >>> ds = labels.dataset(
    ...     {"rate": (("trial", "time", "unit"), np.ones((2, 3, 4)), "Hz", "firing rate")},
    ...     {"time": labels.time_axis(3, 20.0), "coherence": ("trial", [-0.5, 0.5])},
    ...     source="model",
    ...     kind="rate",
    ... )
    >>> dict(ds.sizes)
    {'trial': 2, 'time': 3, 'unit': 4}
    """
    built = {name: _variable(name, spec) for name, spec in variables.items()}
    labels = {name: _coord(name, spec) for name, spec in coords.items()}
    # The table of spikes consists of coordinates, because `where` and arithmetic change variables.
    labels |= {name: built.pop(name) for name in SPIKE_COLUMNS if name in built}
    _refuse_conflicting_sizes(built | labels)
    for variable in built.values():
        for dim, size in zip(map(str, variable.dims), variable.shape, strict=True):
            if dim not in labels and dim not in ("time", "spike", "interval"):
                labels[dim] = _coord(dim, np.arange(size))
    if source in ("model", "task") and "time" in labels and "bin_width" not in (attrs or {}):
        labels["time"].attrs["sample"] = END_OF_STEP
    about = {"source": source, "kind": kind, "convention": CONVENTION, "neurodyn": _version()}
    about = {name: value for name, value in about.items() if value is not None}
    about |= encode_attrs(attrs or {}) | ({OWN_DIMS: list(dims)} if dims else {})
    ds = xr.Dataset(built, labels, attrs=about)
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
    refuse_units(f"'{name}'", array)
    array = array if hasattr(array, "dask") else np.asarray(array)
    words = array.dtype.kind == "O" and all(isinstance(item, str) for item in array.flat)
    if words or array.dtype.kind == "T":
        array = plain(array)
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
