"""Pair two labelled objects that belong together, by their labels along every dim."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels.clock import check_labelled
from neurodyn.labels.convention import TIME_TOLERANCE, LabelError, Number
from neurodyn.labels.matching import Join, columns, match_by, shared_coords
from neurodyn.labels.roles import OUTCOMES
from neurodyn.labels.times import TIMES

_A = TypeVar("_A", xr.Dataset, xr.DataArray)
_B = TypeVar("_B", xr.Dataset, xr.DataArray)
#: Names with a number, as tasks and models give them: "0", "input 0".
_NUMBERED = re.compile(r"((?:input|output|unit|channel|latent) )?(\d+)")


def pair(
    a: _A,
    b: _B,
    dims: str | Sequence[str] | None = None,
    *,
    join: Join = "exact",
    tolerance: Number = TIME_TOLERANCE,
    what: tuple[str, str] = ("first", "second"),
) -> tuple[_A, _B]:
    """Bring `b` into the order of the labels and dims of `a`, so that their values correspond.

    Along each dim, entries are identified by the labels of the dim if both objects have them (times
    within a tolerance), else by the coordinates on it that both have. If neither object has labels
    on a dim, entries are paired by position, and the sizes must be equal.

    Parameters
    ----------
    a, b
        Datasets or DataArrays.
    dims
        Dims to pair along; other dims stay unchanged. Default: all dims, which must then be the
        same in both.
    join
        "exact": both must have the same labels, in any order. "inner": keep those that both have.
    tolerance
        Largest difference between two equal times [ms] (dims `time` and `lag`).
    what
        Names of the two in errors, after "the".

    Returns
    -------
    `a` and `b` with the same labels, in the order of `a`. The dims that both have come last in `b`,
    in the order of `a`.

    Raises
    ------
    LabelError
        If dims or labels differ, labels repeat, or only one object has them; or if labels only
        number the entries, and another coordinate shows that the numbers mean different entries.
    TypeError
        If one of the two is no Dataset or DataArray.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> a = xr.DataArray([1, 2], coords={"channel": ["p", "q"]})
    >>> b = xr.DataArray([2, 1], coords={"channel": ["q", "p"]})
    >>> labels.pair(a, b)[1].values
    array([1, 2])
    """
    for side, obj in zip(what, (a, b), strict=True):
        check_labelled(obj, f"the {side} object")
    for dim in _dims(a, b, dims, what):
        by = _identified_by(a, b, dim, what)
        if by:
            a, b = match_by(a, b, dim, by, tolerance=tolerance, join=join, what=what)
            if by == [dim]:
                _check_counted(a, b, dim, what)
        elif a.sizes[dim] != b.sizes[dim]:
            raise LabelError(
                f"'{dim}' has {a.sizes[dim]} entries in the {what[0]}, {b.sizes[dim]} in the "
                f"{what[1]}, and no labels to match them by: .assign_coords({dim}=...) on both."
            )
    return a, b.transpose(..., *[dim for dim in a.dims if dim in b.dims])


def _dims(a: Any, b: Any, dims: Any, what: tuple[str, str]) -> list[Hashable]:
    if dims is None:
        if set(a.dims) != set(b.dims):
            raise LabelError(
                f"the dims differ: the {what[0]} has {tuple(a.dims)}, the {what[1]} has "
                f"{tuple(b.dims)}; rename or select, so that both have the same."
            )
        return list(a.dims)
    wanted = [dims] if isinstance(dims, str) else list(dims)
    for side, obj in zip(what, (a, b), strict=True):
        if missing := [dim for dim in wanted if dim not in obj.dims]:
            raise LabelError(
                f"the {side} object has no dim {missing}: its dims are {tuple(obj.dims)}."
            )
    return wanted


def _identified_by(a: Any, b: Any, dim: Any, what: tuple[str, str]) -> list[str]:
    """The coordinates that identify entries; none if entries have only positions."""
    own = [dim in obj.coords for obj in (a, b)]
    if all(own):
        return [dim]
    shared = shared_coords(a, b, dim)
    if any(own) and not shared:
        has, lacks = what if own[0] else what[::-1]
        raise LabelError(
            f"'{dim}' has labels in the {has} but not in the {lacks}, so that their entries cannot "
            f"be matched: .assign_coords({dim}=...) on the {lacks}, or .drop_vars('{dim}') on the "
            f"{has} if both have the same order."
        )
    if not shared:
        return []
    x, y = columns(a, b, shared)
    # Labels that repeat identify nothing, but in the same order they contradict nothing either.
    return [] if x == y and len(set(x)) < len(x) else shared


def _check_counted(a: Any, b: Any, dim: Any, what: tuple[str, str]) -> None:
    """Refuse labels that number the entries in different orders, as after sorting one object."""
    if dim in TIMES or not counts(a[dim].values):
        return
    for name in shared_coords(a, b, dim):
        x, y = columns(a, b, [name])
        # Only the same values in another order are a contradiction: other values may be another
        # measurement of the same entries. Outcomes may differ between two runs of the same trials.
        if name not in OUTCOMES and x != y and Counter(x) == Counter(y):
            raise LabelError(
                f"'{dim}' only counts entries (0 to {len(x) - 1}), and '{name}' of the {what[0]} "
                f"and of the {what[1]} has the same values in another order, so that equal numbers "
                f"are different entries: give both their true labels by .assign_coords({dim}=...), "
                f"match them by neurodyn.labels.match(..., by=[...]), or .drop_vars('{name}') on "
                "one."
            )


def like(
    values: Any,
    labelled: xr.DataArray,
    dims: Sequence[str] | None = None,
    *,
    what: tuple[str, str] = ("first", "second"),
) -> xr.DataArray:
    """Give a plain array the labels of the object that it belongs to.

    An array has only positions. If the labels of a dim number the entries (0 to n - 1 in any order,
    also as "1" or "output 1"), entry i gets the label i. If they are names, or numbers that
    increase, the entries get them in their order. Other labels are refused.

    Parameters
    ----------
    values
        Array with axes in the order of `dims`.
    labelled
        The object that it belongs to.
    dims
        Dims of the array. Default: those of `labelled`.
    what
        Names of `labelled` and of the array in errors, after "the".

    Returns
    -------
    The array with labels, which `pair` brings into the order of `labelled`.

    Raises
    ------
    LabelError
        If sizes differ, or the labels are numbers out of order.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> reversed_trials = xr.DataArray([1, 0], coords={"trial": [1, 0]})
    >>> labels.pair(reversed_trials, labels.like([0, 1], reversed_trials))[1].values
    array([1, 0])
    """
    values, dims = np.asarray(values), list(labelled.dims if dims is None else dims)
    sizes = tuple(labelled.sizes[dim] for dim in dims)
    if values.shape != sizes:
        raise LabelError(
            f"the {what[1]} has shape {values.shape}, but the {what[0]} has sizes "
            f"{dict(zip(dims, sizes, strict=True))}."
        )
    coords = {dim: _in_order(labelled[dim], what) for dim in dims if dim in labelled.coords}
    return xr.DataArray(values, coords, dims)


def _in_order(labels: xr.DataArray, what: tuple[str, str]) -> Any:
    """Labels of the entries of an array."""
    numbers, dim = as_numbers(labels.values), labels.name
    if numbers is None or np.all(np.diff(numbers) > 0):
        return labels.variable
    if dim not in TIMES and counts(numbers):
        return labels.variable[np.argsort(numbers)]
    raise LabelError(
        f"'{dim}' of the {what[0]} is not in increasing order ({labels.values[:4].tolist()}...), "
        f"while the {what[1]} has only positions: .sortby('{dim}') on the {what[0]} if the "
        f"{what[1]} is in that order, or give the {what[1]} labels."
    )


def as_numbers(labels: np.ndarray) -> np.ndarray | None:
    """Labels that are numbers, or the numbers in names such as "input 0"; None for other names."""
    if labels.dtype.kind in "iuf":
        return labels
    found = [_NUMBERED.fullmatch(x) if isinstance(x, str) else None for x in labels.tolist()]
    if not all(found) or len({m[1] for m in found if m}) > 1:
        return None
    return np.array([int(m[2]) for m in found if m])


def counts(labels: np.ndarray) -> bool:
    """Whether labels count from 0, in any order."""
    numbers = as_numbers(labels)
    return numbers is not None and np.array_equal(np.sort(numbers), np.arange(numbers.size))


def in_positions(array: xr.DataArray, dim: str, *, what: str = "array") -> xr.DataArray:
    """Sort the entries of an array by the positions that their labels number.

    The units and inputs of a model have positions and no labels, so that an array for them must be
    in that order. Labels 0 to n - 1, also as "1" or "output 1", are such positions. Entries with
    other names, or with numbers that increase, stay in their order.

    Parameters
    ----------
    array
        Any dims.
    dim
        Dim to sort along.
    what
        Name of the array in errors, after "the".

    Raises
    ------
    LabelError
        If labels are numbers out of order that do not count from 0.
    """
    if dim not in array.coords:
        return array
    names = like(np.arange(array.sizes[dim]), array[dim], what=(what, "model"))
    return pair(names, array, dim, what=("model", what))[1].transpose(*array.dims)
