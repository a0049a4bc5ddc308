"""Levels of a recording that a bootstrap draws from: trials in sessions in animals, units in areas.

Levels are nested. Those of one side are drawn from the outermost inwards: animals with replacement,
in each animal that was drawn its sessions, in each of these its trials. Trials are drawn within
conditions, so that every condition keeps its number of trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neurodyn.analysis.shared.pairing import Pair
from neurodyn.analysis.shared.resampling import Trials
from neurodyn.labels import LabelError


class Level(NamedTuple):
    """Members of one level, listed for each member of the level above.

    Attributes
    ----------
    members
        Positions of the members, after the last of them filled with -1.
    sizes
        Number of members.
    """

    members: Int[Array, "parent most"]
    sizes: Int[Array, " parent"]


class OfTrials(NamedTuple):
    """How trials are drawn.

    Attributes
    ----------
    trials
        The trials.
    levels
        Labelled levels above the trials.
    innermost
        Member of the innermost of these levels that each trial belongs to, and an entry for each
        of its members.
    outermost
        Likewise of the outermost level; the trial itself where there is none.
    cells
        Trials of each condition in each member of the innermost level, for each group of units;
        None where trials are not drawn themselves.
    """

    trials: Trials
    levels: tuple[Level, ...]
    innermost: tuple[Int[Array, " trial"], Int[Array, " member"]]
    outermost: Int[Array, " trial"]
    cells: Level | None


class OfUnits(NamedTuple):
    """How units are drawn.

    Attributes
    ----------
    levels
        Levels, the innermost being the units.
    drawn
        Whether the units are drawn themselves: an empty array, or None.
    outermost
        Member of the outermost level that each unit belongs to.
    """

    levels: tuple[Level, ...]
    drawn: Int[Array, 0] | None
    outermost: Int[Array, " unit"]


class Plan(NamedTuple):
    """What each draw of a bootstrap draws; None for what stays.

    Attributes
    ----------
    y
        Condition means, where trials stay.
    trials, units
        How trials and units are drawn.
    conditions
        Positions of the conditions.
    """

    y: Float[Array, "condition time unit"] | None
    trials: OfTrials | None
    units: OfUnits | None
    conditions: Int[Array, " condition"] | None


@dataclass(frozen=True)
class Drawn:
    """A plan, and the number of members of each level.

    Attributes
    ----------
    plan
        The plan.
    sizes
        Number of members of each level that is drawn.
    leave_out
        Number of members of the outermost level of each side (trials, units, conditions).
    """

    plan: Plan
    sizes: dict[str, int]
    leave_out: dict[str, int]


def plan_of(pair: Pair, levels: Sequence[str]) -> Drawn:
    """Find the levels of a bootstrap in the labels of a recording.

    Raises
    ------
    LabelError
        If there is no such level, one has fewer than two members, or they are not nested.
    """
    if len(set(levels)) < len(levels):
        raise LabelError(f"`bootstrap` names each level once, got {list(levels)}.")
    on_trials = _labels(pair.single, "trial")
    on_units = _labels(pair.means, "unit")
    unknown = [n for n in levels if n not in ("condition", *on_trials, *on_units)]
    if unknown:
        trials = "" if pair.trials is not None else " (there are no single trials)"
        raise LabelError(
            f"`bootstrap` draws from {unknown}, but the recording has no such level: there are "
            f"'condition', of trials {[*on_trials]}{trials}, of units {[*on_units]}."
        )
    of_trials = {n: on_trials[n] for n in levels if n in on_trials}
    of_units = {n: on_units[n] for n in levels if n not in on_trials and n in on_units}
    sizes = {n: len(np.unique(c)) for n, c in (of_trials | of_units).items()}
    if "condition" in levels:
        sizes["condition"] = pair.y.shape[0]
    few = [n for n, size in sizes.items() if size < 2]
    if few:
        raise LabelError(
            f"`bootstrap` needs two members of each level at least, but the recording has one "
            f"{' and one '.join(few)}: leave this level out."
        )
    plan = Plan(
        y=None if of_trials else pair.y,
        trials=_of_trials(pair, of_trials) if of_trials else None,
        units=_of_units(pair, of_units) if of_units else None,
        conditions=jnp.arange(pair.y.shape[0]) if "condition" in levels else None,
    )
    sides = {"trials": of_trials, "units": of_units, "conditions": {}}
    leave_out = {side: sizes[next(iter(of))] for side, of in sides.items() if of}
    if "condition" in levels:
        leave_out["conditions"] = sizes["condition"]
    return Drawn(plan, sizes, leave_out)


def codes_of(labels: xr.DataArray, what: str) -> np.ndarray:
    """Positions of labels in their sorted order.

    Raises
    ------
    LabelError
        If some are missing.
    """
    if labels.isnull().any():
        raise LabelError(f"'{what}' is missing in some of the {labels.dims[0]}s.")
    return np.unique(labels.values, return_inverse=True)[1].astype(np.int32)


def _labels(array: xr.DataArray | None, dim: str) -> dict[str, np.ndarray]:
    """Codes of the labels on a dim; `dim` itself is each entry for itself."""
    if array is None:
        return {}
    found = {
        str(n): codes_of(c, str(n))
        for n, c in array.coords.items()
        if c.dims == (dim,) and n != dim and not c.isnull().any()
    }
    return found | {dim: np.arange(array.sizes[dim], dtype=np.int32)}


def _of_trials(pair: Pair, found: dict[str, np.ndarray]) -> OfTrials:
    assert pair.trials is not None
    n = pair.trials.n_conditions
    codes = np.asarray(pair.trials.codes)
    columns = [c for name, c in found.items() if name != "trial"]
    outermost = next(iter(found.values()))
    levels, innermost = _nested(columns, [n for n in found if n != "trial"], codes.shape[1])
    cells = None
    if "trial" in found:
        _refuse_last(found, "trial")
        n_cells = n * (innermost.max() + 1)
        of_trial = np.where(codes < n, innermost * n + codes, n_cells)
        each = [_listed(cell, n_cells) for cell in of_trial]
        most = max(members.shape[1] for members, _ in each)
        members = [np.pad(m, ((0, 0), (0, most - m.shape[1])), constant_values=-1) for m, _ in each]
        cells = Level(jnp.asarray(np.stack(members)), jnp.asarray(np.stack([s for _, s in each])))
    return OfTrials(
        trials=pair.trials,
        levels=levels,
        innermost=(jnp.asarray(innermost), jnp.zeros(innermost.max() + 1, jnp.int32)),
        outermost=jnp.asarray(outermost),
        cells=cells,
    )


def _of_units(pair: Pair, found: dict[str, np.ndarray]) -> OfUnits:
    outermost = next(iter(found.values()))
    if "unit" in found:
        _refuse_last(found, "unit")
    columns = [c for n, c in found.items() if n != "unit"]
    size = pair.y.shape[-1]
    levels, innermost = _nested(columns, [n for n in found if n != "unit"], size)
    units = Level(*map(jnp.asarray, _listed(innermost, innermost.max() + 1)))
    drawn = jnp.zeros(0, jnp.int32) if "unit" in found else None
    return OfUnits((*levels, units), drawn, jnp.asarray(outermost))


def _refuse_last(found: dict[str, np.ndarray], name: str) -> None:
    if list(found)[-1] != name:
        raise LabelError(
            f"`bootstrap` goes from the outermost level inwards, so '{name}' is the last of "
            f"{list(found)}."
        )


def _nested(
    columns: list[np.ndarray], names: list[str], n: int
) -> tuple[tuple[Level, ...], np.ndarray]:
    """Levels below each other, and the member of the innermost that each entry belongs to."""
    above, levels = np.zeros(n, np.int32), []
    for column, name in zip(columns, names, strict=True):
        # The same name in two members of the level above stands for two members.
        _, first, here = np.unique(
            np.stack([above, column]), axis=1, return_index=True, return_inverse=True
        )
        here = here.reshape(-1).astype(np.int32)
        if len(first) == above.max() + 1 and name != names[0]:
            raise LabelError(
                f"each {names[names.index(name) - 1]} has a single {name}: draw from one of them."
            )
        levels.append(Level(*map(jnp.asarray, _listed(above[first], above.max() + 1))))
        above = here
    return tuple(levels), above


def _listed(parents: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Entries of each of n parents, padded with -1, and their number; others are left out."""
    kept = np.flatnonzero(parents < n)
    kept = kept[np.argsort(parents[kept], kind="stable")]
    sizes = np.bincount(parents[kept], minlength=n)
    column = np.arange(kept.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    members = np.full((n, max(1, int(sizes.max(initial=0)))), -1, np.int32)
    members[parents[kept], column] = kept
    return members, sizes.astype(np.int32)
