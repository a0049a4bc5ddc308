"""Pair two labelled objects by their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels.convention import TIME_TOLERANCE, LabelError, Number

__all__ = ["match"]

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


def match(
    a: _Labelled,
    b: _Labelled,
    dim: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    tolerance: Number = TIME_TOLERANCE,
    join: Literal["exact", "inner"] = "exact",
) -> tuple[_Labelled, _Labelled]:
    """Bring two labelled objects onto the same labels along `dim`, never by position.

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
        "exact": both must have the same labels. "inner": keep those that both have.

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
    if join not in ("exact", "inner"):
        raise ValueError(f"join must be 'exact' or 'inner', got {join!r}.")
    for name in [dim] if isinstance(dim, str) else dim:
        for side, obj in (("first", a), ("second", b)):
            if name not in obj.dims:
                raise LabelError(
                    f"the {side} object has no dim '{name}': its dims are {tuple(obj.dims)}."
                )
        if name in ("time", "lag"):
            take_a, take_b = _match_times(a, b, name, tolerance, join)
        else:
            take_a, take_b = _match_labels(a, b, name, by, join)
        a, b = a.isel({name: take_a}), b.isel({name: take_b})
        if name in a.coords:
            b = b.assign_coords({name: a[name].variable})
    return a, b


def _match_times(a, b, dim: str, tolerance: Number, join: str):
    for side, obj in (("first", a), ("second", b)):
        if dim not in obj.coords:
            raise LabelError(f"the {side} object has no '{dim}' coordinate; assign it in ms.")
    ta, tb = a[dim].values, b[dim].values
    if join == "exact":
        if len(ta) == len(tb) and np.all(np.abs(ta - tb) <= tolerance):
            return slice(None), slice(None)
    elif len(tb):
        nearest = np.abs(ta[:, None] - tb[None, :]).argmin(axis=1)
        same = np.abs(ta - tb[nearest]) <= tolerance
        if same.any():
            return np.flatnonzero(same), nearest[same]
    raise LabelError(
        f"the {dim} axes differ (tolerance {tolerance:g} ms):\n  first:  {_axis(ta)}\n"
        f"  second: {_axis(tb)}\nCut both to one window with .sel({dim}=slice(start, stop)) and "
        f"bring them to one step (neurodyn.spikes.bin, or .interp({dim}=other.{dim}))."
    )


def _axis(times: np.ndarray) -> str:
    if len(times) < 2:
        return f"{times.tolist()} ms"
    step = np.median(np.diff(times))
    return f"{len(times)} samples, {times[0]:g} to {times[-1]:g} ms, step {step:g} ms"


def _match_labels(a, b, dim: str, by: str | Sequence[str] | None, join: str):
    names = _identifying(a, b, dim, by)
    keys_a, keys_b = _keys(a, dim, names, "first"), _keys(b, dim, names, "second")
    position = {key: i for i, key in enumerate(keys_b)}
    shared = [i for i, key in enumerate(keys_a) if key in position]
    complete = len(shared) == len(keys_a) == len(keys_b)
    if not shared or (join == "exact" and not complete):
        raise LabelError(
            f"the labels along '{dim}' (by {', '.join(names)}) differ:\n"
            f"  only in the first:  {_list(k for k in keys_a if k not in position)}\n"
            f"  only in the second: {_list(k for k in keys_b if k not in set(keys_a))}\n"
            f"  in both:            {_list(keys_a[i] for i in shared)}\n"
            f"Select the same ones on both sides, or pass join='inner' to keep those in both."
        )
    return np.array(shared), np.array([position[keys_a[i]] for i in shared])


def _identifying(a, b, dim: str, by: str | Sequence[str] | None) -> list[str]:
    if by is not None:
        return [by] if isinstance(by, str) else list(by)
    if dim in ("trial", "condition"):
        # When a trial ends says nothing about which trial it is.
        apart = {dim, "n_valid", "valid_until"}
        shared = [
            n for n, c in a.coords.items() if c.dims == (dim,) and n not in apart and n in b.coords
        ]
        if shared:
            return [str(name) for name in shared]
    return [dim]


def _keys(obj, dim: str, names: Sequence[str], side: str) -> list[tuple]:
    missing = [name for name in names if name not in obj.coords or obj[name].dims != (dim,)]
    if missing:
        raise LabelError(
            f"the {side} object has no coordinate {missing} on '{dim}'. "
            f"Assign it, e.g. .assign_coords({missing[0]}=('{dim}', values)), or choose others "
            "by `by`."
        )
    columns = [[_plain(value) for value in obj[name].values.tolist()] for name in names]
    keys = list(zip(*columns, strict=True))
    repeated = {key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else set()
    if repeated:
        raise LabelError(
            f"labels along '{dim}' of the {side} object (by {', '.join(names)}) are not unique: "
            f"{_list(repeated)}. Average over the repetitions first (neurodyn.trials.average), or "
            "name further coordinates by `by`."
        )
    return keys


def _plain(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _list(keys) -> str:
    texts = [str(key[0]) if len(key) == 1 else str(key) for key in keys]
    return (
        ", ".join(texts[:12]) + (f", ... ({len(texts)} in all)" if len(texts) > 12 else "") or "-"
    )
