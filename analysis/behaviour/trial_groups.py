"""Trials by network, condition and session."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError, entry
from neurodyn.labels.choices import check_on_trials
from neurodyn.labels.values import classes, missing, names_of, plain
from neurodyn.signals.conditions import conditions_of

#: Labels within which trials are drawn again, the first that there is.
_NESTS = ("session", "session_id", "subject", "subject_id", "animal", "animal_id")

By = str | Sequence[str] | None


class Group(NamedTuple):
    """The trials of one network and one condition.

    Attributes
    ----------
    place
        Its place in the result: by network, by condition.
    name
        Labels that tell it from others.
    trials
        Labels of its trials, as a Dataset without `seed`.
    stratum
        Code of the session (or what trials are drawn within) of each trial.
    """

    place: tuple[int, ...]
    name: str
    trials: xr.Dataset
    stratum: np.ndarray


class Groups(NamedTuple):
    """Networks and conditions, and the trials of each.

    Attributes
    ----------
    dims, shape
        Dims of a result with a value for each.
    coords
        Their labels.
    each
        The groups.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    coords: dict[str, Any]
    each: list[Group]


def groups_of(
    ds: xr.Dataset, names: Sequence[str], by: Sequence[str], within: By, optional: Sequence[str]
) -> Groups:
    """Trials by network and by the labels `by`.

    Parameters
    ----------
    ds
        Labelled trials.
    names
        Labels to keep, which all data must have.
    by
        Labels that make a condition; without any there is no dim `condition`.
    within
        Labels within which trials are drawn again; None: those of sessions, subjects or animals
        where there are any.
    optional
        Labels to keep where there are any.

    Raises
    ------
    LabelError
        If a label is missing or a trial has no condition.
    """
    optional = [n for n in optional if n in ds.variables and "trial" in ds[n].dims]
    nests = _nests(ds, within)
    kept = dict.fromkeys([*names, *by, *nests, *optional])
    for parameter, labels in (("by", by), ("within", nests)):
        for name in labels:
            check_on_trials(ds, **{parameter: name})
    table = ds[list(kept)].reset_coords()
    table = table.drop_vars([v for v in table.variables if v not in kept and v != "seed"])
    seeds = [None]
    if any("seed" in table[n].dims for n in kept):
        seeds = (
            table["seed"].values.tolist() if "seed" in table.coords else [*range(ds.sizes["seed"])]
        )
    codes, columns = np.zeros(ds.sizes["trial"], int), {}
    if by:
        codes, columns = conditions_of(ds[[]].assign_coords({n: ds[n] for n in by}), list(by))
    stratum = np.zeros(ds.sizes["trial"], int)
    for name in nests:
        found, code = classes(ds[name].values, what=name)
        stratum = stratum * len(found) + code
    dims, coords = (), dict(columns)
    if seeds[0] is not None:
        dims, coords = ("seed",), {"seed": seeds, **coords}
    each = []
    for i, seed in enumerate(seeds):
        one = table if seed is None else entry(table, "seed", seed)
        for c in range(int(codes.max(initial=0)) + 1):
            inside = np.flatnonzero(codes == c)
            place = (*([i] if dims else []), *([c] if by else []))
            name = ", ".join(
                [
                    *([f"seed {seed}"] if dims else []),
                    *([str(columns["condition"].values[c])] if by else []),
                ]
            )
            each.append(Group(place, name, one.isel(trial=inside), stratum[inside]))
    dims += ("condition",) if by else ()
    shape = (*([len(seeds)] if "seed" in dims else []), *([int(codes.max()) + 1] if by else []))
    return Groups(dims, shape, coords, each)


def _nests(ds: xr.Dataset, within: By) -> list[str]:
    if within is not None:
        return [within] if isinstance(within, str) else list(within)
    known = [n for n in _NESTS if n in ds.variables and ds[n].dims == ("trial",)]
    return known[:1]


def listed(by: By, default: Sequence[str]) -> list[str]:
    """The labels that make a condition."""
    if by is None:
        return list(default)
    return [by] if isinstance(by, str) else list(by)


def numbers(group: Group, name: str) -> np.ndarray:
    """A label of the trials as numbers; missing ones are NaN.

    Raises
    ------
    LabelError
        If it holds words.
    """
    values = plain(group.trials[name].values)
    if values.dtype.kind not in "fiub":
        raise LabelError(f"'{name}' holds words, but numbers are needed: choose another label.")
    return np.where(missing(values), np.nan, values.astype(float))


def worked(
    groups: Groups, work: Callable[[Group], dict[str, Any]], what: str
) -> Iterator[tuple[Group, dict[str, Any] | None]]:
    """The result of each group; None, with one warning, of those that cannot be worked on.

    Raises
    ------
    LabelError
        If none of them can.
    """
    found: list[tuple[Group, dict[str, Any] | None]] = []
    failed: dict[str, str] = {}
    for group in groups.each:
        try:
            found.append((group, work(group)))
        except LabelError as error:
            failed[group.name] = str(error)
            found.append((group, None))
    if len(failed) == len(found):
        name, said = next(iter(failed.items()))
        raise LabelError(f"{what}{f' of {name}' if name else ''}: {said}")
    if failed:
        reasons = "; ".join(f"{name}: {said}" for name, said in list(failed.items())[:3])
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        warnings.warn(
            f"{what} is NaN in {len(failed)} groups of trials ({reasons}{more}).", stacklevel=4
        )
    yield from found


def filled(groups: Groups, more: tuple[int, ...] = ()) -> np.ndarray:
    """An array of NaN with a value for each group, and dims besides."""
    return np.full((*groups.shape, *more), np.nan)


def spelt(ds: xr.Dataset, names: Sequence[str]) -> dict[str, Any]:
    """The attribute `labels` with the words for codes of some labels; {} where there are none."""
    words = {n: names_of(ds, n) for n in names}
    words = {n: w for n, w in words.items() if w}
    return {"labels": words} if words else {}
