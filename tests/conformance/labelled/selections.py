"""A selection is as if there had never been more; parts that are joined again are the whole."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from tests.conformance.labelled import zoo
from tests.conformance.labelled.calls import (
    Case,
    Change,
    apart_from_draws,
    attempt,
    leaf,
    ours,
    reference,
    said_by,
    whole,
    within,
)
from tests.conformance.labelled.seen import difference, labels_of_spikes, seen

__all__ = ["concatenated", "fresh", "selected"]


#: Words of a refusal for too few entries.
FEW = re.compile(r"at least|few|single|too short|only one|needs? (two|three|more)|\bone\b", re.I)


def fresh(select: Change, x: Any) -> Any:
    """A selection built anew from arrays, with those entries only."""
    if not isinstance(x, xr.Dataset) or "spike" not in x.dims:
        made = select(x)
        return _with_ends(made) if "time" in made.dims and made.sizes != x.sizes else made
    base = select(x.drop_dims("spike"))
    held = labels_of_spikes(x)
    inside = np.isin(held["spike_unit"].values, base["unit"].values)
    trial = None
    if "spike_trial" in x.variables:
        inside &= np.isin(held["spike_trial"].values, base["trial"].values)
        trial = held["spike_trial"].values[inside]
    made = zoo.spike_table(
        held["spike_time"].values[inside],
        held["spike_unit"].values[inside],
        trial,
        coords={d: base[d].values for d in (["unit"] if trial is None else ["unit", "trial"])},
        source=x.attrs["source"],
    )
    columns = {n: v for n, v in made.variables.items() if v.dims == ("spike",)}
    for name, column in columns.items():
        column.attrs = dict(x[name].attrs)
    data = {n: c for n, c in columns.items() if n in x.data_vars}
    coords = {n: c for n, c in columns.items() if n not in data}
    return base.assign(data).assign_coords(coords).assign_attrs(x.attrs)


def _with_ends(made: Any) -> Any:
    """With `n_valid` read off the numbers, where it is a count of these samples."""
    if "n_valid" not in made.coords or "valid_until" in made.coords:
        return made
    variables = made.data_vars.values() if isinstance(made, xr.Dataset) else [made]
    there = next(
        v.notnull().any([d for d in v.dims if d not in ("trial", "time")])
        for v in variables
        if {"trial", "time"} <= set(v.dims)
    )
    n = there.sum("time").values
    return made.assign_coords(n_valid=("trial", n, made["n_valid"].attrs))


def selected(case: Case, select: Change) -> str:
    """f of a selection is f of the same built anew; and, if elementwise, the selection of f."""
    if _same(within(select, case.given), within(lambda x: fresh(select, x), case.given)):
        return _selected_after(case, select, lambda: case.called(select))
    want, refused = attempt(lambda: case.called(lambda x: fresh(select, x)))
    got, error = attempt(lambda: case.called(select))
    if refused:
        right = error is None or FEW.search(str(refused)) or ours(refused)
        return "" if right else said_by(refused)
    if error:
        return said_by(error)
    return difference(got, want) or _selected_after(case, select, lambda: got)


def _selected_after(case: Case, select: Change, call: Callable[[], Any]) -> str:
    """Where f is elementwise, its selection is f of the selection, which `call` gives."""
    if not _elementwise(case):
        return ""
    got, error = attempt(call)
    if error:
        return said_by(error)
    return apart_from_draws(case.example, got, seen(fresh(select, whole(case))))


def _same(a: Any, b: Any) -> bool:
    """Whether two arguments hold the same, so that what is made of them must be."""
    return all(_same(a[k], b[k]) for k in a) if isinstance(a, dict) else a.identical(b)


_ELEMENTWISE: dict[tuple[int, str, str], bool] = {}


def _elementwise(case: Case) -> bool:
    """Whether f of one entry is that entry of f, for the first and the last one."""
    key = (id(case.example), case.argument, case.dim)
    if key not in _ELEMENTWISE:
        alone = not case.of_a_model and len(case.example.arguments) == 1
        _ELEMENTWISE[key] = alone and all(_alone(case, i) for i in (0, -1))
    return _ELEMENTWISE[key]


def _alone(case: Case, i: int) -> bool:
    def one(x):
        return x.isel({case.dim: [i]})

    made = whole(case)
    if made is None or case.dim not in made.indexes or _one_trial(made):
        return False
    got, error = attempt(lambda: case.called(lambda x: fresh(one, x)))
    return error is None and not difference(got, seen(fresh(one, made)))


def _one_trial(made: Any) -> bool:
    """Whether spikes are of a single trial, which has no dim along which to build them anew."""
    return "spike_trial" in made.coords and "trial" not in made.dims


_JOINED: dict[tuple[Any, ...], Any] = {}


def _joined(x: Any, dim: str, **options: Any) -> Any:
    """Two parts of an object joined again, which is done once for all functions that take it."""
    key = (id(x), dim, *options.values())
    if key not in _JOINED:
        cut = x.sizes[dim] // 3 or 1
        parts = [x.isel({dim: slice(cut)}), x.isel({dim: slice(cut, None)})]
        _JOINED[key] = xr.concat(parts, dim, **options)
    return _JOINED[key]


def concatenated(case: Case, **options: Any) -> str:
    """f of two parts joined again is f of the whole."""
    if options and isinstance(leaf(case.given), xr.DataArray):
        return ""  # options are for Datasets
    made, error = attempt(lambda: within(lambda x: _joined(x, case.dim, **options), case.given))
    if error:
        # What xarray cannot join is not ours.
        spikes = "spike" in leaf(case.given).dims
        return f"xarray cannot join the parts: {said_by(error)}" if spikes else ""
    if _same(made, case.given):
        return ""
    got, error = attempt(lambda: seen(case.example(**{case.argument: made})))
    if error:
        return said_by(error)
    return apart_from_draws(case.example, got, reference(case.example))
