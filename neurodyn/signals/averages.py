"""Averages of trials by condition, and random halves of trials."""

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np
import xarray as xr

from neurodyn.common.random import as_key
from neurodyn.labels import LabelError
from neurodyn.labels.check_values import is_chunked
from neurodyn.labels.roles import chosen, without_role
from neurodyn.signals.chunked import chunked
from neurodyn.signals.conditions import conditions_of, outcomes_of, refuse_words, to_average
from neurodyn.signals.grouped import kept, lazy_averages

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


def average(
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None = None,
    *,
    of: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Average trials by condition: activity, or what each trial has once, such as reaction times.

    Parameters
    ----------
    activity
        Variables on `trial`, e.g. `rate` (trial, time, unit); or a label of trials, such as
        ``run["correct"]``. NaN marks missing values: the padding of short trials, units that were
        not recorded in a trial, trials without a response. Data in chunks (dask), and those above
        1 GiB in a file, are read once, chunk by chunk; see Notes.
    by
        Trial coordinates that make a condition, e.g. ``["coherence", "choice"]``. Every combination
        that occurs becomes a condition, in sorted order. An empty list averages all trials.
        Default: the conditions of the task, for runs; recordings have no default.
    of
        Which variables or labels of trials are averaged: ``"rt"``, ``["rt", "correct"]``. Default:
        the variables; of data without variables on `trial` the outcomes of their trials, or if
        nothing says which these are, all columns of numbers and truth values that are not in `by`.

    Returns
    -------
    Dataset on `condition` instead of `trial`. Each variable keeps its name; beside it stand `sem`,
    the standard error of the mean (NaN for a single trial), and `n_trials`, the number of trials
    behind it: per condition, and per time or unit too if it varies along them. With several
    variables these are `NAME_sem` and `NAME_n_trials`. The columns `by` become coordinates on
    `condition`, whose own labels are text made of them, and so do epochs (`NAME_start`,
    `NAME_stop`) that are the same in all trials of each condition. The mean of truth values is a
    fraction; so is that of the `choice` of a run, of which -1, no choice, is missing.

    Raises
    ------
    LabelError
        If there are no trials, a column is missing, trials lack a label (NaN), what is to be
        averaged are words, or a chunk of lazy data is above 1 GiB.

    Notes
    -----
    Of data in chunks, means up to 1 GiB are computed at once, in one pass over the data; larger
    ones stay lazy. Memory is needed for a chunk, its deviations in float64, some 8 MB at a time,
    and 24 bytes for each value of the means that a chunk contributes to, for each thread. Blocks
    are merged by pairwise updates in float64, so that the result does not depend on the chunks but
    for rounding, some 1e-15 of the largest value.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> da = xr.DataArray([1.0, 3.0, 5.0], {"side": ("trial", ["l", "l", "r"])}, "trial")
    >>> means = average(da.rename("rate"), by="side")
    >>> means["rate"].values, means["n_trials"].values, means.condition.values
    (array([2., 5.]), array([2, 1]), array(['side=l', 'side=r'], dtype='<U6'))
    >>> float(average(da.side == "r", by=[])["side"][0].round(3))
    0.333
    """
    ds = to_average(activity, of)
    by = chosen(ds, by)
    if of is None and not any("trial" in v.dims for v in ds.data_vars.values()):
        ds = outcomes_of(ds, by)
    codes, columns = conditions_of(ds, by)
    numeric = [n for n, v in ds.data_vars.items() if "trial" in v.dims and v.dtype.kind in "fiub"]
    if not numeric:
        refuse_words(ds)
    averaged: dict[str, Any] = {}
    for name in numeric:
        mean, sem, n_trials = _averages(ds[name], codes)
        prefix = "" if len(numeric) == 1 else f"{name}_"
        averaged |= {str(name): mean, f"{prefix}sem": sem, f"{prefix}n_trials": n_trials}
    kept = {n: v.variable for n, v in ds.data_vars.items() if not {"trial", "spike"} & {*v.dims}}
    # Spikes are dropped with the trials that they belong to.
    coords = {n: c.variable for n, c in ds.coords.items() if not {"trial", "spike"} & {*c.dims}}
    coords |= {n: c for n, c in _epochs(ds, codes).items() if n not in {*columns, *averaged}}
    return xr.Dataset(averaged | kept, coords | columns, attrs=ds.attrs)


def _epochs(ds: xr.Dataset, codes: np.ndarray) -> dict[str, xr.Variable]:
    """Epochs (NAME_start, NAME_stop) that are the same in all trials of each condition."""
    found = {}
    first = np.unique(codes, return_index=True)[1]
    for start in [str(n) for n in ds.coords if str(n).endswith("_start")]:
        both = [start, start.removesuffix("_start") + "_stop"]
        if all(n in ds.coords and ds[n].dims == ("trial",) for n in both):
            times = np.stack([ds[n].values for n in both])
            if np.array_equal(times, times[:, first][:, codes]):
                one = {n: t[first] for n, t in zip(both, times, strict=True)}
                found |= {n: xr.Variable("condition", t, ds[n].attrs) for n, t in one.items()}
    return found


def _averages(da: xr.DataArray, codes: np.ndarray) -> tuple[xr.Variable, ...]:
    rest = tuple(dim for dim in da.dims if dim != "trial")
    dtype = da.dtype if da.dtype.kind == "f" else np.dtype(np.float64)
    values = chunked(da).variable.transpose("trial", ...).data
    if is_chunked(values):
        mean, sem, n_trials, varying = lazy_averages(values, codes, dtype, name=f"'{da.name}'")
    else:
        groups = [_moments(values[codes == code]) for code in range(int(codes.max()) + 1)]
        mean, sem, counts = (np.stack(each) for each in zip(*groups, strict=True))
        mean, sem = mean.astype(dtype), sem.astype(dtype)
        # The count is constant along the other dims, which are dropped from it.
        varying = [i for i in range(1, counts.ndim) if (counts != counts.take([0], i)).any()]
        n_trials = counts[kept(counts.ndim, varying)]
    order = [dim if dim != "trial" else "condition" for dim in da.dims]

    def variable(dims, array, attrs):
        built = xr.Variable(("condition", *dims), array, attrs)
        return built.transpose(*[dim for dim in order if dim in built.dims])

    units, long_name = da.attrs.get("units", "1"), da.attrs.get("long_name", da.name)
    error = {"units": units, "long_name": f"standard error of the mean of {long_name}"}
    number = {"units": "count", "long_name": "number of trials"}
    about = {"units": units, "long_name": long_name} | without_role(da.attrs)
    return (
        variable(rest, mean, about),
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
        Dataset or DataArray with the dim `trial`; also a label of trials, ``run["rt"]``.
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
    if "trial" not in activity.dims:
        raise LabelError(f"there is no dim 'trial' to split: dims are {tuple(activity.dims)}.")
    # The labels alone say how to split; a label of trials has itself as a coordinate.
    ds = activity.coords.to_dataset()
    if "trial" not in ds.dims:
        ds = ds.assign_coords(trial=np.arange(activity.sizes["trial"]))
    by = chosen(ds, by)
    codes, columns = conditions_of(ds, by)
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
