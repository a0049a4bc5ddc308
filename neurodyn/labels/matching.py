"""Match two labelled objects by their labels, along chosen dims."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels.clock import check_labelled
from neurodyn.labels.convention import SPIKE_KEYS, TIME_TOLERANCE, LabelError, Number
from neurodyn.labels.roles import outcomes
from neurodyn.labels.times import CLOCKS, match_times

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)
Join = Literal["exact", "inner"]


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

    `pair` does this along all dims of two objects that belong together. `match` is for objects that
    share some dims only, or whose entries are identified by coordinates of your choice.

    Parameters
    ----------
    a, b
        Datasets or DataArrays.
    dim
        One dim or several.
    by
        Coordinates on `dim` that identify an entry. Default: along `trial` and `condition`, every
        1-D coordinate that both have except outcomes of a run such as `choice` and `rt`, together
        with the labels of the dim if those coordinates repeat; along other dims, the labels of the
        dim. Numbers must be equal; if one side is float32, both are compared as float32.
    tolerance
        Largest difference between two equal times [ms] (dims `time` and `lag`).
    join
        "exact": both must have the same labels, in any order. "inner": keep those that both have.
    what
        Names of the two in errors, after "the".

    Returns
    -------
    `a` and `b` with the same labels in the order of `a`; `b` takes `a`'s labels along `dim`.

    Raises
    ------
    LabelError
        If labels differ (the error lists those of both sides), repeat, or are missing; or if times
        are in other units.
    TypeError
        If one of the two is no Dataset or DataArray.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> a = xr.DataArray([1, 2], dims="condition", coords={"context": ("condition", ["m", "c"])})
    >>> b = xr.DataArray([2, 1], dims="condition", coords={"context": ("condition", ["c", "m"])})
    >>> labels.match(a, b, "condition")[1].values
    array([1, 2])
    """
    for side, obj in zip(what, (a, b), strict=True):
        check_labelled(obj, f"the {side} object")
    for name in [dim] if isinstance(dim, str) else dim:
        for side, obj in zip(what, (a, b), strict=True):
            if name not in obj.dims:
                raise LabelError(
                    f"the {side} object has no dim '{name}': its dims are {tuple(obj.dims)}."
                )
        given = [by] if isinstance(by, str) else by
        if given is None:
            given = _default(a, b, name)
        a, b = match_by(a, b, name, list(given), tolerance=tolerance, join=join, what=what)
    return a, b


def _default(a: Any, b: Any, dim: str) -> list[str]:
    """Coordinates that identify the entries along a dim by default."""
    names = shared_coords(a, b, dim) if dim in ("trial", "condition") else []
    if names and dim in a.coords and dim in b.coords:
        found = columns(a, b, names)
        if any(len(set(keys)) < len(keys) for keys in found):
            return [dim, *names]
    return names or [dim]


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
    if dim in CLOCKS and list(by) == [dim]:
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
    # The end and the outcomes of a trial do not identify it.
    apart = {dim, "n_valid", "valid_until", *SPIKE_KEYS.values()}
    if dim == "trial":
        apart |= outcomes(a) | outcomes(b)
    return [
        str(n)
        for n, c in a.coords.items()
        if n not in apart and c.dims == (dim,) and n in b.coords and b[n].dims == (dim,)
    ]


def _match_labels(
    a: Any, b: Any, dim: str, by: Sequence[str], join: Join, what: tuple[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    for obj, side in zip((a, b), what, strict=True):
        _check_there(obj, dim, by, side)
    keys_a, keys_b = columns(a, b, by)
    for obj, found, side in zip((a, b), (keys_a, keys_b), what, strict=True):
        _check_unique(obj, dim, by, found, side)
    position = {key: i for i, key in enumerate(keys_b)}
    shared = [i for i, key in enumerate(keys_a) if key in position]
    complete = len(shared) == len(keys_a) == len(keys_b)
    if not complete and (join == "exact" or not shared):
        known = set(keys_a)
        inner = shared and dim == "condition"
        raise LabelError(
            f"the labels along '{dim}' (by {', '.join(by)}) differ:\n"
            f"  only in the {what[0]}: {_list(k for k in keys_a if k not in position)}\n"
            f"  only in the {what[1]}: {_list(k for k in keys_b if k not in known)}\n"
            f"  in both: {_list(keys_a[i] for i in shared)}\n"
            f"Select the same ones on both sides, e.g. .sel({dim}=[...]), or give both their true "
            f"labels by .assign_coords({dim}=...)."
            + (" Or keep those in both, join='inner' here or in labels.match." if inner else "")
        )
    return np.array(shared, int), np.array([position[keys_a[i]] for i in shared], int)


def _check_there(obj: Any, dim: str, names: Sequence[str], side: str) -> None:
    missing = [name for name in names if name not in obj.coords or obj[name].dims != (dim,)]
    if missing:
        raise LabelError(
            f"the {side} object has no coordinate {missing} on '{dim}'. "
            f"Assign it, e.g. .assign_coords({missing[0]}=('{dim}', values)), or choose others "
            "by `by`."
        )


def _check_unique(obj: Any, dim: str, names: Sequence[str], found: list[tuple], side: str) -> None:
    repeated = [key for key, n in Counter(found).items() if n > 1]
    if not repeated:
        return
    own = columns(obj, obj, names)[0]
    if len(set(own)) == len(own):
        raise LabelError(
            f"labels along '{dim}' of the {side} object (by {', '.join(names)}) are the same when "
            f"rounded to the float32 of the other: {_list(repeated)}. Give the other its float64 "
            f"labels by .assign_coords({dim}=...)."
        )
    raise LabelError(
        f"labels along '{dim}' of the {side} object (by {', '.join(names)}) are not unique: "
        f"{_list(repeated)}. Average over the repetitions first (neurodyn.trials.average), "
        "name further coordinates by `by`, or give each its own label by "
        f".assign_coords({dim}=...)."
    )


def columns(a: Any, b: Any, names: Sequence[str]) -> tuple[list[tuple], list[tuple]]:
    """Values of some coordinates of two objects, entry by entry, in types that compare."""
    pairs = [_comparable(a[name].values, b[name].values) for name in names]
    first, second = (list(zip(*(pair[i] for pair in pairs), strict=True)) for i in (0, 1))
    return first, second


def _comparable(x: np.ndarray, y: np.ndarray) -> tuple[list[Hashable], list[Hashable]]:
    if x.dtype.kind == y.dtype.kind == "f":
        # A label that one side stores as float32 has only that precision.
        coarse = min(x.dtype, y.dtype, key=lambda dtype: dtype.itemsize)
        x, y = x.astype(coarse), y.astype(coarse)
    return [_plain(value) for value in x.tolist()], [_plain(value) for value in y.tolist()]


def _plain(value: Any) -> Hashable:
    # math.nan is one object, so that tuples with it are equal.
    return math.nan if isinstance(value, float) and math.isnan(value) else value


def _list(found: Iterable[tuple]) -> str:
    texts = [str(key[0]) if len(key) == 1 else str(key) for key in found]
    return (
        ", ".join(texts[:12]) + (f", ... ({len(texts)} in all)" if len(texts) > 12 else "") or "-"
    )
