"""Two labelled objects that belong together: matched by their labels along every dim."""

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

__all__ = ["in_positions", "like", "pair"]

_A = TypeVar("_A", xr.Dataset, xr.DataArray)
_B = TypeVar("_B", xr.Dataset, xr.DataArray)
#: Names that say a number, as tasks and models give them: "0", "input 0".
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
    """Bring `b` onto the labels and the order of dims of `a`, so that their values are of the same.

    Along each dim entries are identified by the dim's own labels where both have them (times within
    a tolerance), else by the coordinates on it that both have. A dim without labels on either side
    has only positions, and must be equally long.

    Parameters
    ----------
    a, b
        Datasets or DataArrays.
    dims
        Along which dims; other dims stay as they are. Default: all, which must be the same in both.
    join
        "exact": both must have the same labels, in any order. "inner": keep those that both have.
    tolerance
        Largest difference between two equal times [ms] (dims `time` and `lag`).
    what
        What errors call the two, after "the".

    Returns
    -------
    `a` and `b` with the same labels, in the order of `a`. Dims of `b` that `a` has come last and in
    the order of `a`.

    Raises
    ------
    LabelError
        If dims or labels differ, labels repeat, or only one side has them; or labels only count
        entries, and another coordinate says that they count different ones.
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
    """The coordinates that tell entries apart; none where they have only positions."""
    own = [dim in obj.coords for obj in (a, b)]
    if all(own):
        return [dim]
    shared = shared_coords(a, b, dim)
    if any(own) and not shared:
        has, lacks = what if own[0] else what[::-1]
        raise LabelError(
            f"'{dim}' has labels in the {has} but not in the {lacks}, so that nothing says which "
            f"belongs to which: .assign_coords({dim}=...) on the {lacks}, or .drop_vars('{dim}') "
            f"on the {has} where positions are meant."
        )
    if not shared:
        return []
    x, y = columns(a, b, shared)
    # Labels that repeat identify nothing, but in the same order they contradict nothing either.
    return [] if x == y and len(set(x)) < len(x) else shared


def _check_counted(a: Any, b: Any, dim: Any, what: tuple[str, str]) -> None:
    """Refuse labels that count other things on both sides, as numbering anew after sorting does."""
    if dim in TIMES or not counts(a[dim].values):
        return
    for name in shared_coords(a, b, dim):
        x, y = columns(a, b, [name])
        # The same values in another order; others are another measurement of the same entries.
        # What trials came to may differ between two runs of the same ones.
        if name not in OUTCOMES and x != y and Counter(x) == Counter(y):
            raise LabelError(
                f"'{dim}' only counts entries (0 to {len(x) - 1}), and '{name}' of the {what[0]} "
                f"and of the {what[1]} has the same values in another order, so that they do not "
                f"count the same: give both their true labels by .assign_coords({dim}=...), match "
                f"them by neurodyn.labels.match(..., by=[...]), or .drop_vars('{name}') on one."
            )


def like(
    values: Any,
    labelled: xr.DataArray,
    dims: Sequence[str] | None = None,
    *,
    what: tuple[str, str] = ("first", "second"),
) -> xr.DataArray:
    """A plain array under the labels of the object that it goes with.

    An array has only positions. Where the labels of a dim count positions (0 to n - 1 in any order,
    also as "1" or "output 1"), entry i goes to the label i; where they are names, or numbers that
    increase, the order of the labels is taken for that of the array. Anything else contradicts it.

    Parameters
    ----------
    values
        Array, its axes in the order of `dims`.
    labelled
        What it goes with.
    dims
        Dims of the array. Default: those of `labelled`.
    what
        What errors call `labelled` and the array, after "the".

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
        f"while the {what[1]} knows only positions: .sortby('{dim}') on the {what[0]} if the "
        f"{what[1]} is in that order, or give the {what[1]} labels."
    )


def as_numbers(labels: np.ndarray) -> np.ndarray | None:
    """Labels that are numbers, or names that say one; None for other names."""
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
    """Entries in the order of the positions that their labels count.

    For what is handed to something that knows its entries by position: the units of a model, its
    inputs. Labels 0 to n - 1 say which position an entry has, also as "1" or "output 1"; other
    names, and numbers that increase, are in order as they are.

    Parameters
    ----------
    array
        Any dims.
    dim
        The dim that is to be in order.
    what
        What errors call the array, after "the".

    Raises
    ------
    LabelError
        If labels are numbers out of order that do not count from 0.
    """
    if dim not in array.coords:
        return array
    names = like(np.arange(array.sizes[dim]), array[dim], what=(what, "model"))
    return pair(names, array, dim, what=("model", what))[1].transpose(*array.dims)
