"""Condition means of trials, and what is left of the trials around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurodyn import trials
from neurodyn.analysis.arrays import rows
from neurodyn.labels import LabelError
from neurodyn.labels.matching import columns

__all__ = ["condition_codes", "condition_means", "names", "noise"]


def names(by: str | Sequence[str]) -> list[str]:
    """Return `by` as a list."""
    return [by] if isinstance(by, str) else list(by)


def condition_means(
    array: xr.DataArray, by: str | Sequence[str] | None, *, what: str = "data", least: int = 1
) -> xr.DataArray:
    """Average trials by their labels; condition means are returned as they are.

    Conditions in which a unit has fewer than `least` trials are left out.

    Raises
    ------
    LabelError
        If there are trials but no `by`, or no condition has enough of them.
    """
    if rows(array, what=what) == "condition":
        return array
    if by is None:
        known = [n for n, c in array.coords.items() if c.dims == ("trial",) and n != "trial"]
        raise LabelError(
            f"{what} holds single trials: say which of their labels make a condition, "
            f"by=[...], out of {known}; or average first (neurodyn.trials.average)."
        )
    averaged = trials.average(array.rename("activity").to_dataset(), by=names(by))
    number = averaged["n_trials"]
    if "time" in number.dims:  # trials of different length
        number = number.max("time")
    enough = (number >= least).all([dim for dim in number.dims if dim != "condition"]).values
    if not enough.any():
        raise LabelError(f"no condition of {what} has {least} trials in every unit.")
    return averaged["activity"].isel(condition=enough).assign_attrs(array.attrs)


def condition_codes(array: xr.DataArray, means: xr.DataArray, by: Sequence[str]) -> np.ndarray:
    """Position in `means` of each trial's condition; the number of conditions where it has none."""
    known, keys = columns(means, array, by)
    position = {key: i for i, key in enumerate(known)}
    return np.array([position.get(key, len(known)) for key in keys])


def noise(
    array: xr.DataArray, by: str | Sequence[str] | None, *, what: str = "data"
) -> xr.DataArray:
    """What each trial differs by from the mean of its condition at each time.

    Raises
    ------
    LabelError
        If there are no single trials, or no `by`.
    """
    if rows(array, what=what) == "condition":
        raise LabelError(f"noise is what trials differ by: {what} holds condition means only.")
    means = condition_means(array, by, what=what)
    codes = condition_codes(array, means, names(by))
    return array - array.copy(data=means.transpose("condition", *array.dims[1:]).values[codes])
