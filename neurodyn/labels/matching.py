"""Pair two labelled objects by their labels, along dims that the caller names."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels.convention import SPIKE_KEYS, TIME_TOLERANCE, LabelError, Number
from neurodyn.labels.times import match_times

__all__ = ["match", "match_by", "shared_coords"]

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)
Join = Literal["exact", "inner"]
#: Dims whose labels are times: equal within a tolerance.
TIMES = ("time", "lag")


def match(
    a: _Labelled,
    b: _Labelled,
    dim: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    tolerance: Number = TIME_TOLERANCE,
    join: Join = "exact",
    what: tuple[str, str] = ("first", "second"),
) -> tuple[_Labelled, _Labelled]:
    """Bring two labelled objects onto the same labels along `dim`, never by position.

    `pair` does this along all dims of two objects that belong together; `match` is for those that
    share some dims only, or whose entries are identified by coordinates that the caller chooses.

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
        "exact": both must have the same labels, in any order. "inner": keep those that both have.
    what
        What errors call the two, after "the".

    Returns
    -------
    `a` and `b` with the same labels in the order of `a`; `b` takes `a`'s labels along `dim`.

    Raises
    ------
    LabelError
        If the labels differ (listing those of both sides), repeat, or are missing.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> a = xr.DataArray([1, 2], dims="condition", coords={"context": ("condition", ["m", "c"])})
    >>> b = xr.DataArray([2, 1], dims="condition", coords={"context": ("condition", ["c", "m"])})
    >>> labels.match(a, b, "condition")[1].values
    array([1, 2])
    """
    for name in [dim] if isinstance(dim, str) else dim:
        for side, obj in zip(what, (a, b), strict=True):
            if name not in obj.dims:
                raise LabelError(
                    f"the {side} object has no dim '{name}': its dims are {tuple(obj.dims)}."
                )
        given = [by] if isinstance(by, str) else by
        if given is None:
            several = name in ("trial", "condition")
            given = (several and shared_coords(a, b, name)) or [name]
        a, b = match_by(a, b, name, list(given), tolerance=tolerance, join=join, what=what)
    return a, b


def match_by(
    a: Any,
    b: Any,
    dim: Any,
    by: Sequence[str],
    *,
    tolerance: Number,
    join: Join,
    what: tuple[str, str],
) -> tuple[Any, Any]:
    """Match along one dim, by these coordinates on it."""
    if join not in ("exact", "inner"):
        raise ValueError(f"join must be 'exact' or 'inner', got {join!r}.")
    if dim in TIMES and list(by) == [dim]:
        take = match_times(a, b, dim, tolerance=tolerance, join=join, what=what)
    else:
        take = _match_labels(a, b, dim, by, join, what)
    for obj, index in zip((a, b), take, strict=True):
        if not np.array_equal(index, np.arange(obj.sizes[dim])):
            break
    else:
        take = (slice(None), slice(None))
    a, b = a.isel({dim: take[0]}), b.isel({dim: take[1]})
    if dim in a.coords and not (dim in b.coords and a[dim].variable.equals(b[dim].variable)):
        b = b.assign_coords({dim: a[dim].variable})
    return a, b


def shared_coords(a: Any, b: Any, dim: str) -> list[str]:
    """1-D coordinates on a dim that both have, its own labels aside."""
    # When a trial ends says nothing about which trial it is.
    apart = {dim, "n_valid", "valid_until", *SPIKE_KEYS.values()}
    return [
        str(n)
        for n, c in a.coords.items()
        if n not in apart and c.dims == (dim,) and n in b.coords and b[n].dims == (dim,)
    ]


def _match_labels(
    a: Any, b: Any, dim: str, by: Sequence[str], join: Join, what: tuple[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    keys_a, keys_b = (keys(obj, dim, by, side) for obj, side in zip((a, b), what, strict=True))
    position = {key: i for i, key in enumerate(keys_b)}
    shared = [i for i, key in enumerate(keys_a) if key in position]
    complete = len(shared) == len(keys_a) == len(keys_b)
    if not complete and (join == "exact" or not shared):
        known = set(keys_a)
        raise LabelError(
            f"the labels along '{dim}' (by {', '.join(by)}) differ:\n"
            f"  only in the {what[0]}: {_list(k for k in keys_a if k not in position)}\n"
            f"  only in the {what[1]}: {_list(k for k in keys_b if k not in known)}\n"
            f"  in both: {_list(keys_a[i] for i in shared)}\n"
            f"Select the same ones on both sides, e.g. .sel({dim}=[...]), or give both their true "
            f"labels by .assign_coords({dim}=...)."
        )
    return np.array(shared, int), np.array([position[keys_a[i]] for i in shared], int)


def keys(obj: Any, dim: str, names: Sequence[str], side: str) -> list[tuple]:
    """What identifies each entry along a dim, refusing what repeats."""
    missing = [name for name in names if name not in obj.coords or obj[name].dims != (dim,)]
    if missing:
        raise LabelError(
            f"the {side} object has no coordinate {missing} on '{dim}'. "
            f"Assign it, e.g. .assign_coords({missing[0]}=('{dim}', values)), or choose others "
            "by `by`."
        )
    found = columns(obj, names)
    if len(set(found)) < len(found):
        repeated = {key for key in found if found.count(key) > 1}
        raise LabelError(
            f"labels along '{dim}' of the {side} object (by {', '.join(names)}) are not unique: "
            f"{_list(repeated)}. Average over the repetitions first (neurodyn.trials.average), "
            "name further coordinates by `by`, or give each its own label by "
            f".assign_coords({dim}=...)."
        )
    return found


def columns(obj: Any, names: Sequence[str]) -> list[tuple]:
    """The values of some coordinates on a dim, entry by entry, such that equal ones compare so."""
    return list(zip(*([_plain(x) for x in obj[n].values.tolist()] for n in names), strict=True))


def _plain(value: Any) -> Hashable:
    if isinstance(value, float):
        # The one NaN of `math` is equal to itself as part of a tuple.
        return math.nan if math.isnan(value) else float(f"{value:.6g}")
    return value


def _list(found: Iterable[tuple]) -> str:
    texts = [str(key[0]) if len(key) == 1 else str(key) for key in found]
    return (
        ", ".join(texts[:12]) + (f", ... ({len(texts)} in all)" if len(texts) > 12 else "") or "-"
    )
