"""To and from rsatoolbox: data of conditions or trials, and dissimilarity matrices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.io.interop import notes
from neurodyn.io.interop.packages import package
from neurodyn.io.interop.times import UNITS, to_ms, to_seconds
from neurodyn.labels import LabelError

#: End of the name of the second dim of a matrix of pairs: ``condition``, ``condition_2``.
SECOND = "_2"
_ROWS, _COLUMNS = ("trial", "condition", "sample"), ("unit", "channel", "latent", "component")


def to_rsatoolbox(data: xr.DataArray | xr.Dataset) -> Any:
    """Convert data, or matrices of dissimilarities, to objects of rsatoolbox.

    Parameters
    ----------
    data
        Data on (trial or condition, unit or channel) and perhaps `time`; or dissimilarities on
        (condition, condition_2), symmetric and 0 on the diagonal, perhaps on one more dim, such as
        `seed`. Or a Dataset of one such variable.

    Returns
    -------
    - (condition, unit): `Dataset`; coordinates are ``obs_descriptors`` and
      ``channel_descriptors``
    - (condition, time, unit): `TemporalDataset`; the descriptor `time` is in s
    - (condition, condition_2): `RDMs` with one RDM; labels and coordinates of conditions are
      pattern_descriptors
    - (seed, condition, condition_2): `RDMs`; those of `seed` are rdm_descriptors

    The objects remember name, unit and attributes, and `from_rsatoolbox` gives the identical data
    back. What rsatoolbox makes of them holds values and descriptors only.

    Raises
    ------
    LabelError
        If dims are others, values are NaN in a Dataset, or a matrix is not symmetric or not 0 on
        its diagonal, because rsatoolbox keeps the upper triangle only.
    ImportError
        If rsatoolbox is not installed.

    Examples
    --------
    >>> rdms = to_rsatoolbox(dissimilarities)  # doctest: +SKIP
    """
    if isinstance(data, xr.Dataset) and len(data.data_vars) == 1:
        (data,) = data.data_vars.values()
    if not isinstance(data, xr.DataArray):
        raise TypeError(f"to_rsatoolbox takes a DataArray, got a {type(data).__name__}.")
    pairs = [str(dim) for dim in data.dims if f"{dim}{SECOND}" in data.dims]
    package("rsatoolbox", "to_rsatoolbox")
    return _rdms(data, pairs[0]) if pairs else _dataset(data)


def from_rsatoolbox(obj: Any, *, rows: str = "condition", columns: str = "unit") -> xr.DataArray:
    """Convert a `Dataset`, `TemporalDataset` or `RDMs` of rsatoolbox.

    Parameters
    ----------
    obj
        The object.
    rows, columns
        Dims of observations or patterns, and of channels; those of `to_rsatoolbox` are known.

    Returns
    -------
    Data on (rows, columns), (rows, time, columns) with times in ms, or dissimilarities on (rows,
    rows_2), with a dim `rdm` in front if there are several. Descriptors become coordinates; the
    descriptor called like the dim, or `index` if there is none, labels it.

    Raises
    ------
    TypeError
        If it is no object of rsatoolbox.

    Examples
    --------
    >>> dissimilarities = from_rsatoolbox(rdms)  # doctest: +SKIP
    """
    about = notes.attached(obj)
    if hasattr(obj, "dissimilarities"):
        found, given = _of_rdms(obj, rows, about), "dissimilarity"
    elif hasattr(obj, "measurements"):
        found, given = _of_dataset(obj, rows, columns, about), "measurement"
    else:
        raise TypeError(
            f"from_rsatoolbox takes a Dataset, TemporalDataset or RDMs, got a {type(obj).__name__}."
        )
    name = _name_in(about) or given
    if about is not None:  # coordinates that the data had not
        found = found.drop_vars([n for n in found.coords if n not in about["variables"]])
    ds = notes.noted(found.to_dataset(name=name), about)
    array = ds[name]
    if about is not None:
        return array.transpose(*about["variables"][name]["dims"])
    return array


def _name_in(about: Any) -> str | None:
    named = (about or {"attrs": {}})["attrs"].get("array")
    return str(named) if named is not None else None


def _noted(obj: Any, data: xr.DataArray, name: str) -> Any:
    """The object with a note of the data; it keeps coordinates for which the object has no place.

    These lie on several dims, or on the second dim of a matrix of pairs.
    """
    ds = data.to_dataset(name=name).assign_attrs(array=name)
    second = [(f"{dim}{SECOND}",) for dim in data.dims]
    own = {str(n): c.dims for n, c in ds.coords.items() if n not in data.dims}
    return notes.attach(obj, ds, [n for n, d in own.items() if len(d) > 1 or d in second])


def _descriptors(data: xr.DataArray, dim: str) -> dict[str, Any]:
    """Coordinates of a dim; labels are always among them."""
    label = data[dim].values if dim in data.coords else np.arange(data.sizes[dim])
    own = {str(n): c.values for n, c in data.coords.items() if c.dims == (dim,) and n != dim}
    return {dim: label.tolist()} | {name: values.tolist() for name, values in own.items()}


def _dataset(data: xr.DataArray) -> Any:
    from rsatoolbox.data import Dataset, TemporalDataset

    row = [str(d) for d in data.dims if d in _ROWS]
    column = [str(d) for d in data.dims if d in _COLUMNS]
    if len(row) != 1 or len(column) != 1 or {*data.dims} - {*row, *column, "time"}:
        raise LabelError(
            f"the data have dims {tuple(data.dims)}: rsatoolbox takes (trial or condition, unit or "
            f"channel), perhaps with time, and matrices on (condition, condition{SECOND}). Select "
            "along the others."
        )
    name = str(data.name or "measurement")
    about: dict[str, Any] = {
        "obs_descriptors": _descriptors(data, row[0]),
        "channel_descriptors": _descriptors(data, column[0]),
    }
    if "time" not in data.dims:
        return _noted(Dataset(data.transpose(row[0], column[0]).values, **about), data, name)
    ticks = labels.clock(data, even=False)
    if ticks.unit != "ms":
        raise LabelError("the data count steps without a duration, and rsatoolbox has seconds.")
    about["time_descriptors"] = {"time": to_seconds(ticks.time)}
    values = data.transpose(row[0], column[0], "time").values
    return _noted(TemporalDataset(values, **about), data, name)


def _rdms(data: xr.DataArray, dim: str) -> Any:
    from rsatoolbox.rdm import RDMs

    other = f"{dim}{SECOND}"
    more = [str(each) for each in data.dims if each not in (dim, other)]
    if len(more) > 1:
        raise LabelError(f"the matrices lie on {more}: rsatoolbox has one dim of RDMs; select.")
    sides = [data[d].values if d in data.coords else np.arange(data.sizes[d]) for d in (dim, other)]
    if not np.array_equal(sides[0], sides[1]):
        raise LabelError(f"'{dim}' and '{other}' have different labels: align them by .sel first.")
    values = data.transpose(*more, dim, other).values.astype(np.float64)
    turned = np.swapaxes(values, -1, -2)
    diagonal = np.diagonal(values, axis1=-2, axis2=-1)
    if not np.array_equal(values, turned, equal_nan=True) or np.nan_to_num(diagonal).any():
        raise LabelError(
            "a matrix is not symmetric, or not 0 on its diagonal, and rsatoolbox keeps only the "
            "upper triangle: symmetrise it, (d + d.T) / 2."
        )
    name = str(data.name or "dissimilarity")
    made = RDMs(
        values if more else values[None],
        dissimilarity_measure=str(data.attrs.get("measure", name)),
        rdm_descriptors=_descriptors(data, more[0]) if more else {},
        pattern_descriptors=_descriptors(data, dim),
    )
    return _noted(made, data, name)


def _coords(descriptors: Mapping[str, Any], dim: str, n: int) -> dict[str, Any]:
    """Coordinates from descriptors, of which that called like the dim labels it."""
    found: dict[str, Any] = {}
    for name, values in descriptors.items():
        column = np.asarray(values)
        column = column.astype(str) if column.dtype.kind in "OU" else column
        if column.shape == (n,) and name != "index":
            found[dim if name == dim else str(name)] = (dim, column)
    found.setdefault(dim, (dim, np.asarray(descriptors.get("index", np.arange(n)))))
    return found


def _of_dataset(obj: Any, rows: str, columns: str, about: Any) -> xr.DataArray:
    values = np.asarray(obj.measurements)
    if about is not None:
        dims = about["variables"][_name_in(about)]["dims"]
        rows = next(dim for dim in dims if dim in _ROWS)
        columns = next(dim for dim in dims if dim in _COLUMNS)
    coords = _coords(obj.obs_descriptors, rows, values.shape[0])
    coords |= _coords(obj.channel_descriptors, columns, values.shape[1])
    attrs = {"units": "1", "long_name": "measurement"}
    if values.ndim == 2:
        return xr.DataArray(values, coords, (rows, columns), attrs=attrs)
    seconds = obj.time_descriptors["time"]
    time = xr.Variable("time", to_ms(seconds, UNITS["s"], "time"), {"units": "ms"})
    found = xr.DataArray(values, coords | {"time": time}, (rows, columns, "time"), attrs=attrs)
    return found.transpose(rows, "time", columns)


def _of_rdms(obj: Any, rows: str, about: Any) -> xr.DataArray:
    more = "rdm"
    if about is not None:
        dims = about["variables"][_name_in(about)]["dims"]
        rows = next(dim for dim in dims if f"{dim}{SECOND}" in dims)
        rest = [dim for dim in dims if dim not in (rows, f"{rows}{SECOND}")]
        more = rest[0] if rest else ""
    pairs, n = np.asarray(obj.dissimilarities, np.float64), int(obj.n_cond)
    values = np.zeros((len(pairs), n, n))
    upper = np.triu_indices(n, 1)
    values[:, upper[0], upper[1]] = values[:, upper[1], upper[0]] = pairs
    coords = _coords(obj.pattern_descriptors, rows, n)
    coords |= {f"{n}{SECOND}": (f"{rows}{SECOND}", values) for n, (_, values) in coords.items()}
    attrs: dict[str, Any] = {"units": "1", "dims": [f"{rows}{SECOND}"]}
    attrs["long_name"] = str(obj.dissimilarity_measure or "dissimilarity")
    one = more == "" or (about is None and len(pairs) == 1)
    if not one:
        attrs["dims"] = [*attrs["dims"], *([] if more in labels.DIMS else [more])]
        coords |= _coords(obj.rdm_descriptors, more, len(pairs))
    dims = (rows, f"{rows}{SECOND}")
    return xr.DataArray(
        values[0] if one else values, coords, dims if one else (more, *dims), attrs=attrs
    )
