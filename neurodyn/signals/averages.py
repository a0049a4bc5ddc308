"""Averages of trials by condition, and random halves of trials."""

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np
import xarray as xr

from neurodyn.common.random import as_key
from neurodyn.labels import LabelError
from neurodyn.labels.roles import chosen, without_role
from neurodyn.labels.values import classes, missing, plain

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


def average(
    activity: xr.Dataset | xr.DataArray, by: str | Sequence[str] | None = None
) -> xr.Dataset:
    """Average trials by condition.

    Parameters
    ----------
    activity
        Variables on `trial`, e.g. `rate` (trial, time, unit). NaN marks missing values: the padding
        of short trials, and units that were not recorded in a trial.
    by
        Trial coordinates that make a condition, e.g. ``["coherence", "choice"]``. Every combination
        that occurs becomes a condition, in sorted order. An empty list averages all trials.
        Default: the conditions of the task, for runs; recordings have no default.

    Returns
    -------
    Dataset on `condition` instead of `trial`. Each variable keeps its name; beside it stand `sem`,
    the standard error of the mean (NaN for a single trial), and `n_trials`, the number of trials
    behind it: per condition, and per time or unit too if it varies along them. With several
    variables these are `NAME_sem` and `NAME_n_trials`. The columns `by` become coordinates on
    `condition`, whose own labels are text made of them.

    Raises
    ------
    LabelError
        If there are no trials, a column is missing, or trials lack a label (NaN).

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> da = xr.DataArray([1.0, 3.0, 5.0], {"side": ("trial", ["l", "l", "r"])}, "trial")
    >>> means = average(da.rename("rate"), by="side")
    >>> means["rate"].values, means["n_trials"].values, means.condition.values
    (array([2., 5.]), array([2, 1]), array(['side=l', 'side=r'], dtype='<U6'))
    """
    ds = _as_dataset(activity)
    by = chosen(ds, by)
    codes, columns = _conditions(ds, by)
    numeric = [n for n, v in ds.data_vars.items() if "trial" in v.dims and v.dtype.kind in "fiub"]
    if not numeric:
        raise LabelError(f"no variable lies on 'trial': variables are {list(ds.data_vars)}.")
    averaged: dict[str, Any] = {}
    for name in numeric:
        mean, sem, n_trials = _averages(ds[name], codes)
        prefix = "" if len(numeric) == 1 else f"{name}_"
        averaged |= {str(name): mean, f"{prefix}sem": sem, f"{prefix}n_trials": n_trials}
    kept = {n: v.variable for n, v in ds.data_vars.items() if not {"trial", "spike"} & {*v.dims}}
    # Spikes are dropped with the trials that they belong to.
    coords = {n: c.variable for n, c in ds.coords.items() if not {"trial", "spike"} & {*c.dims}}
    return xr.Dataset(averaged | kept, coords | columns, attrs=ds.attrs)


def _as_dataset(obj: xr.Dataset | xr.DataArray) -> xr.Dataset:
    if "spike_time" in obj.coords and not any(
        "trial" in v.dims for v in getattr(obj, "data_vars", {}).values()
    ):
        raise LabelError(
            "these are spike times: neurodyn.trials.psth averages them, neurodyn.spikes.bin and "
            "neurodyn.spikes.rate turn them into counts and rates."
        )
    if "trial" not in obj.dims:
        raise LabelError(
            f"there is no dim 'trial' to average over: dims are {tuple(obj.dims)}."
            + (" This is averaged already." if "condition" in obj.dims else "")
        )
    if isinstance(obj, xr.DataArray):
        # A label of trials, such as a reaction time, has itself as a coordinate.
        obj = obj.drop_vars([obj.name], errors="ignore") if obj.name else obj
        return obj.to_dataset(name=obj.name or "mean").assign_attrs(
            {n: obj.attrs[n] for n in ("source", "bin_width", "align_event") if n in obj.attrs}
        )
    return obj


def _conditions(ds: xr.Dataset, by: Sequence[str]):
    """Code of each trial's condition, and the coordinates that describe the conditions."""
    n = ds.sizes["trial"]
    if n == 0:
        raise LabelError("there are no trials to average: check the selection of trials.")
    available = [c for c in ds.coords if ds[c].dims == ("trial",) and c != "trial"]
    if unknown := [name for name in by if name not in available]:
        raise LabelError(f"no trial coordinate {unknown}; there are {available}.")
    codes = np.zeros(n, np.int64)
    for name in by:
        unlabelled = np.flatnonzero(missing(ds[name].values))
        if unlabelled.size:
            raise LabelError(
                f"{unlabelled.size} trials have no '{name}' (NaN), the first is trial "
                f"{unlabelled[0]}: drop them with .isel(trial=obj.{name}.notnull())."
            )
        levels, code = classes(ds[name].values, what=name)
        codes = codes * len(levels) + code
    found, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    columns = {
        name: xr.Variable("condition", plain(ds[name].values)[first], without_role(ds[name].attrs))
        for name in by
    }
    spelt = [
        " ".join(f"{name}={_short(columns[name].values[i])}" for name in by) or "all"
        for i in range(len(found))
    ]
    columns["condition"] = xr.Variable("condition", np.array(spelt), {"long_name": "condition"})
    return codes, columns


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


def _averages(da: xr.DataArray, codes: np.ndarray) -> tuple[xr.Variable, ...]:
    values = np.moveaxis(da.values, da.dims.index("trial"), 0)
    rest = tuple(dim for dim in da.dims if dim != "trial")
    shape = (int(codes.max()) + 1, *values.shape[1:])
    dtype = da.dtype if da.dtype.kind == "f" else np.float64
    mean, sem, counts = np.empty(shape, dtype), np.empty(shape, dtype), np.empty(shape, np.int64)
    for condition in range(shape[0]):
        mean[condition], sem[condition], counts[condition] = _moments(values[codes == condition])
    # The count is constant along the other dims, which are dropped from it.
    varying = [i for i in range(1, counts.ndim) if (counts != counts.take([0], i)).any()]
    n_trials = counts[tuple(slice(None) if i in (0, *varying) else 0 for i in range(counts.ndim))]
    order = [dim if dim != "trial" else "condition" for dim in da.dims]

    def variable(dims, array, attrs):
        built = xr.Variable(("condition", *dims), array, attrs)
        return built.transpose(*[dim for dim in order if dim in built.dims])

    units, long_name = da.attrs.get("units", "1"), da.attrs.get("long_name", da.name)
    error = {"units": units, "long_name": f"standard error of the mean of {long_name}"}
    number = {"units": "count", "long_name": "number of trials"}
    return (
        variable(rest, mean, {"units": units, "long_name": long_name} | da.attrs),
        variable(rest, sem, error),
        variable([rest[i - 1] for i in varying], n_trials, number),
    )


def _moments(values: np.ndarray) -> tuple[Any, Any, Any]:
    """Mean, standard error and count over the first axis, leaving NaN out, in float64."""
    valid = ~np.isnan(values)
    count = valid.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(valid, values, 0).sum(axis=0, dtype=np.float64) / count
        spread = np.where(valid, values - mean, 0.0)
        sem = np.sqrt((spread**2).sum(axis=0) / (count - 1) / count)
    mean = np.where(count > 0, mean, np.nan)
    return mean, np.where(count > 1, sem, np.nan), count


def split_half(
    activity: _Labelled, by: str | Sequence[str] | None = None, *, key: Any
) -> tuple[_Labelled, _Labelled]:
    """Split the trials of each condition into two halves at random.

    Parameters
    ----------
    activity
        Dataset or DataArray with the dim `trial`.
    by
        Trial coordinates that make a condition; default as for `average`.
    key
        Seed or JAX key.

    Returns
    -------
    Two disjoint selections of trials, each in the original order. Conditions with an odd number of
    trials give the odd one to either half at random.

    Raises
    ------
    LabelError
        If a condition has a single trial.

    Examples
    --------
    >>> import xarray as xr
    >>> da = xr.DataArray([1, 2, 3, 4], dims="trial", name="rate")
    >>> [half.size for half in split_half(da, by=[], key=0)]
    [2, 2]
    """
    ds = (
        activity
        if isinstance(activity, xr.Dataset)
        else activity.to_dataset(name=activity.name or "values")
    )
    if "trial" not in ds.dims:
        raise LabelError(f"there is no dim 'trial' to split: dims are {tuple(ds.dims)}.")
    by = chosen(ds, by)
    codes, columns = _conditions(ds, by)
    sizes = np.bincount(codes)
    if sizes.min() < 2:
        alone = columns["condition"].values[sizes < 2].tolist()
        raise LabelError(f"conditions {alone} have a single trial: halves need at least two.")
    seed: Any = as_key(key, needed_for="split_half")
    generator = np.random.default_rng(np.asarray(jax.random.key_data(seed)).tolist())
    order = np.lexsort([generator.random(codes.size), codes])
    rank = np.arange(codes.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    offset = np.repeat(generator.integers(0, 2, sizes.size), sizes)
    half = np.empty(codes.size, np.int64)
    half[order] = (rank + offset) % 2
    first, second = (activity.isel(trial=np.flatnonzero(half == number)) for number in (0, 1))
    return first, second
