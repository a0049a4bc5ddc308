"""Labelled activity as patterns of conditions, folds and trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from neurodyn.labels import LabelError
from neurodyn.labels.roles import chosen
from neurodyn.labels.values import classes, missing
from neurodyn.signals.conditions import conditions_of

Times = Literal["pattern", "each", "mean"]
Batch = tuple[int, ...]


def batched(
    array: xr.DataArray, row: str
) -> tuple[Float[np.ndarray, "batch row time unit"], Batch]:
    """Values in double precision with all other dims as one batch, and the sizes of those dims."""
    if "time" not in array.dims:
        array = array.expand_dims("time")
    array = array.transpose(..., row, "time", "unit")
    batch = array.shape[:-3]
    values = np.asarray(array.values, np.float64)
    return values.reshape(math.prod(batch), *array.shape[-3:]), batch


def over_times(array: xr.DataArray, times: Times) -> xr.DataArray:
    """Take the times into the pattern, average over them, or keep each apart (as ``each_time``)."""
    if times not in ("pattern", "each", "mean"):
        raise ValueError(f"times must be 'pattern', 'each' or 'mean', got {times!r}.")
    if times == "pattern":
        return array
    if "time" not in array.dims:
        raise LabelError(f"times={times!r} needs a dim 'time', got dims {array.dims}.")
    if times == "mean":
        return array.mean("time").assign_attrs(array.attrs)
    return array.rename(time="each_time")


def by_condition(
    array: xr.DataArray, by: str | Sequence[str] | None
) -> tuple[Int[np.ndarray, " trial"], dict[str, xr.Variable]]:
    """Condition of each trial, and the labels of conditions."""
    return conditions_of(array.coords.to_dataset(), chosen(array, by))


def means_of(x: np.ndarray, codes: np.ndarray, n: int) -> Float[np.ndarray, "batch condition *f"]:
    """Condition means of trials on the second axis."""
    return fold_means(x, codes, np.zeros(len(codes), np.int64), n)[0][:, 0]


def fold_means(
    x: Float[np.ndarray, "batch trial *feature"], codes: np.ndarray, folds: np.ndarray, n: int
) -> tuple[Float[np.ndarray, "batch fold condition *feature"], Bool[np.ndarray, "fold condition"]]:
    """Mean of the trials of each condition in each fold, and where there are such trials."""
    cell = folds * n + codes
    number = np.bincount(cell, minlength=(folds.max() + 1) * n)
    order = np.argsort(cell, kind="stable")
    starts = np.concatenate([[0], np.cumsum(number)[:-1]])[number > 0]
    if number.max(initial=0) == 1:  # nothing to add up
        means = x[:, order]
    else:
        means = np.add.reduceat(x[:, order], starts, axis=1)
        means /= number[number > 0].reshape(-1, *[1] * (x.ndim - 2))
    if means.shape[1] < number.size:
        whole = np.zeros((len(x), number.size, *x.shape[2:]))
        whole[:, number > 0] = means
        means = whole
    return means.reshape(len(x), -1, n, *x.shape[2:]), (number > 0).reshape(-1, n)


def fold_codes(array: xr.DataArray, name: str) -> Int[np.ndarray, " trial"]:
    """Which fold each trial belongs to, by a label of the trials.

    Raises
    ------
    LabelError
        If trials have no such label, it is missing in some, or all have the same.
    """
    if name not in array.coords or array[name].dims != ("trial",):
        known = [str(n) for n, c in array.coords.items() if c.dims == ("trial",)]
        raise LabelError(f"folds={name!r} must be a label of the trials, which have {known}.")
    if missing(array[name].values).any():
        raise LabelError(f"'{name}' is missing in some trials, which then belong to no fold.")
    found, codes = classes(array[name].values, what=name)
    if len(found) < 2:
        raise LabelError(f"all trials have the same '{name}': cross-validation needs two folds.")
    return codes
