"""Draws of a bootstrap, and data without one member of a level, inside of one program."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.analysis.comparison.levels import Level, OfTrials, OfUnits, Plan
from neurodyn.analysis.shared.resampling import means


class Redraw(NamedTuple):
    """A recording that was drawn.

    Attributes
    ----------
    y
        Condition means; NaN for conditions of which no trial was drawn, 0 for slots without unit.
    units
        Position of the unit in each slot, -1 where there is none; None where all units stay.
    conditions
        Positions of the conditions; None where all stay.
    """

    y: Float[Array, "condition time slot"]
    units: Int[Array, " slot"] | None = None
    conditions: Int[Array, " condition"] | None = None


def redraw(key: PRNGKeyArray, plan: Plan) -> Redraw:
    """Draw members of every level of a plan with replacement."""
    of_trials, of_units, of_conditions = jax.random.split(key, 3)
    y = plan.y if plan.trials is None else _of_weights(plan.trials, _weights(of_trials, plan))
    conditions = plan.conditions
    if conditions is not None:
        conditions = jax.random.choice(of_conditions, conditions, conditions.shape)
        y = y[conditions]
    if plan.units is None:
        return Redraw(y, None, conditions)
    units = _units(of_units, plan.units)
    return Redraw(_of_slots(y, units), units, conditions)


def without_trials(member: Int[Array, ""], plan: Plan) -> Redraw:
    """Leave out one member of the outermost level of trials."""
    kept = (plan.trials.outermost != member).astype(plan.trials.trials.values.dtype)
    weights = jnp.broadcast_to(kept, plan.trials.trials.codes.shape)
    return Redraw(_of_weights(plan.trials, weights))


def without_units(member: Int[Array, ""], plan: Plan) -> Redraw:
    """Leave out one member of the outermost level of units."""
    outermost = plan.units.outermost
    units = jnp.where(outermost == member, -1, jnp.arange(outermost.size, dtype=outermost.dtype))
    return Redraw(_of_slots(_whole(plan), units), units)


def without_conditions(member: Int[Array, ""], plan: Plan) -> Redraw:
    """Leave out one condition."""
    kept = plan.conditions[:-1]
    kept = jnp.where(kept < member, kept, kept + 1)
    return Redraw(_whole(plan)[kept], None, kept)


def _whole(plan: Plan) -> Float[Array, "condition time unit"]:
    if plan.y is not None:
        return plan.y
    trials = plan.trials.trials
    return means(trials.values, trials.codes, trials.n_conditions)


def _of_weights(of: OfTrials, weights: Float[Array, "group trial"]):
    return means(of.trials.values, of.trials.codes, of.trials.n_conditions, weights)


def _of_slots(y: Float[Array, "condition time unit"], units: Int[Array, " slot"]):
    return jnp.where(units >= 0, y[..., units], 0)


def _drawn(key: PRNGKeyArray, level: Level, parents: Int[Array, " parent"]) -> Int[Array, " child"]:
    """One fewer members of each parent than it has, with replacement; -1 after the last.

    Means of n - 1 draws vary as much as means of n members do; those of n draws vary less by a
    factor of (n - 1) / n, which with few trials or sessions makes intervals too narrow.
    """
    here = jnp.maximum(parents, 0)
    sizes = jnp.where(parents >= 0, level.sizes[here], 0)[:, None]
    most = max(1, level.members.shape[1] - 1)
    at = jax.random.randint(key, (parents.size, most), 0, jnp.maximum(sizes, 1))
    children = level.members[here[:, None], at]
    number = jnp.where(sizes > 1, sizes - 1, sizes)
    return jnp.where(jnp.arange(most)[None] < number, children, -1).reshape(-1)


def _all(level: Level, parents: Int[Array, " parent"]) -> Int[Array, " child"]:
    members = level.members[jnp.maximum(parents, 0)]
    return jnp.where(parents[:, None] >= 0, members, -1).reshape(-1)


def _down(key: PRNGKeyArray, levels: tuple[Level, ...]) -> Int[Array, " member"]:
    members = jnp.zeros(1, jnp.int32)
    for i, level in enumerate(levels):
        members = _drawn(jax.random.fold_in(key, i), level, members)
    return members


def _counts(members: Int[Array, " member"], n: int) -> Int[Array, " n"]:
    """How often each was drawn."""
    here = jnp.where(members < 0, n, members)
    return jax.ops.segment_sum(jnp.ones_like(here), here, num_segments=n + 1)[:-1]


def _weights(key: PRNGKeyArray, plan: Plan) -> Float[Array, "group trial"]:
    """How often each trial was drawn."""
    of = plan.trials
    members = _down(key, of.levels)
    (n_groups, n_trials), dtype = of.trials.codes.shape, of.trials.values.dtype
    if of.cells is None:
        which, each = of.innermost
        weights = _counts(members, each.size)[which]
        return jnp.broadcast_to(weights, (n_groups, n_trials)).astype(dtype)
    n = of.trials.n_conditions
    cells = members[:, None] * n + jnp.arange(n, dtype=jnp.int32)[None]
    cells = jnp.where(members[:, None] < 0, -1, cells).reshape(-1)
    # Units that were recorded in different trials are drawn apart, in the same sessions.
    keys = jax.random.split(jax.random.fold_in(key, len(of.levels)), n_groups)

    def of_group(key, cells_of):
        return _counts(_drawn(key, cells_of, cells), n_trials)

    return jax.vmap(of_group)(keys, of.cells).astype(dtype)


def _units(key: PRNGKeyArray, of: OfUnits) -> Int[Array, " slot"]:
    *above, units = of.levels
    members = _down(key, tuple(above))
    if of.drawn is None:
        return _all(units, members)
    return _drawn(jax.random.fold_in(key, len(above)), units, members)
