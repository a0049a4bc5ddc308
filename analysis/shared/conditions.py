"""Condition means of trials, and the deviations of trials from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import trials
from neurodyn.analysis.shared.arrays import rows
from neurodyn.labels import LabelError
from neurodyn.labels.check_values import is_chunked
from neurodyn.labels.matching import columns
from neurodyn.labels.roles import chosen


def condition_means(
    array: xr.DataArray, by: str | Sequence[str] | None, *, what: str = "activity", least: int = 1
) -> xr.DataArray:
    """Average trials by their labels; condition means are returned as they are.

    By default conditions are those of the task's design, where a run knows them. Conditions in
    which a unit has fewer than `least` trials are left out.

    Raises
    ------
    LabelError
        If there are trials but no labels are known that make a condition, or no condition has
        enough trials.
    """
    if rows(array, what=what) == "condition":
        return array
    by = chosen(array, by, what=what)
    averaged = trials.average(array.rename("activity").to_dataset(), by=by)
    number = averaged["n_trials"]
    if "time" in number.dims:  # trials of different length
        number = number.max("time")
    enough = (number >= least).all([dim for dim in number.dims if dim != "condition"]).values
    if not enough.any():
        raise LabelError(f"no condition of {what} has {least} trials in every unit.")
    return averaged["activity"].isel(condition=enough).assign_attrs(array.attrs)


def task_variable(array: xr.DataArray, name: str, dim: str) -> xr.DataArray:
    """A label of trials or conditions, which all of them must have.

    Raises
    ------
    LabelError
        If there is no such label on `dim`, or it is missing in some rows.
    """
    if name not in array.coords or array[name].dims != (dim,):
        known = [str(n) for n, c in array.coords.items() if c.dims == (dim,) and n != dim]
        raise LabelError(f"there is no coordinate '{name}' on '{dim}': there are {known}.")
    if array[name].isnull().any():
        raise LabelError(f"'{name}' is missing in some of the {dim}s: leave these out first.")
    return array[name]


def condition_codes(array: xr.DataArray, means: xr.DataArray, by: Sequence[str]) -> np.ndarray:
    """Position in `means` of each trial's condition; the number of conditions where it has none."""
    if not by:
        return np.zeros(array.sizes[rows(array)], int)
    known, keys = columns(means, array, by)
    position = {key: i for i, key in enumerate(known)}
    return np.array([position.get(key, len(known)) for key in keys])


def refuse_apart(array: xr.Dataset | xr.DataArray, what: str, instead: str) -> None:
    """Refuse units that were not recorded at the same time, whose noise has no covariance.

    Raises
    ------
    LabelError
        If the attribute ``simultaneous`` is 0; it says what to do instead.
    """
    if not array.attrs.get("simultaneous", 1):
        raise LabelError(
            f"{what}: these units were not recorded at the same time (simultaneous=0), so that "
            "their trials do not belong together, and their noise has no covariance. Pass one "
            f"session, or {instead}."
        )


def noise(
    array: xr.DataArray, by: str | Sequence[str] | None, *, what: str = "activity"
) -> xr.DataArray:
    """Deviation of each trial from the mean of its condition, at each time.

    Raises
    ------
    LabelError
        If there are no single trials, or no labels are known that make a condition.
    """
    if rows(array, what=what) == "condition":
        raise LabelError(
            "noise is the deviation of single trials from their condition mean, but "
            f"{what} holds condition means only: pass the trials."
        )
    by = chosen(array, by, what=what)
    means = condition_means(array, by, what=what)
    codes = condition_codes(array, means, by)
    means = means.transpose("condition", *array.dims[1:])
    if not is_chunked(array):
        return array - array.copy(data=means.values[codes])
    import dask.array as da

    chunks: Any = array.chunks
    every = tuple(range(array.ndim))
    apart = da.blockwise(
        _apart,
        every,
        *(array.data, every),
        *(da.from_array(codes, chunks[0]), (0,)),
        *(da.from_array(means.values, (-1, *chunks[1:])), (-1, *every[1:])),
        concatenate=True,
        dtype=np.float64,
        meta=np.empty((0,) * array.ndim),
    )
    return array.copy(data=apart)


def _apart(block: np.ndarray, codes: np.ndarray, means: np.ndarray) -> np.ndarray:
    return block - means[codes]
