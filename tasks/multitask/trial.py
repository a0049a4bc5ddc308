"""One trial of any rule: epochs, inputs, targets and weights from tables."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.tasks.multitask.rules import EPOCHS, RuleTable
from neurodyn.tasks.multitask.stimuli import STRENGTHS, Stimuli
from neurodyn.tasks.parts import circle

_BUMP, _WIDTH = 0.8, np.pi / 8
#: Targets of the fixation channel: hold, and let go.
HOLD, LET_GO = 0.8, {"yang": 0.05, "driscoll": 0.0}
#: Time at the start of a trial, and after the go, that is not scored [ms].
GRACE = 100.0


def durations(
    table: RuleTable, rule: Int[Array, ""], u: Float[Array, " epoch"], given: Mapping[str, Any]
) -> Int[Array, " epoch"]:
    """Steps of each epoch; a ``NAME_duration`` that is given [ms] replaces the drawn one."""
    steps, law = table.durations.draw(u, rule), table.durations
    has = jnp.asarray(law.longest > 0)[rule]
    for i, name in enumerate(EPOCHS):
        if (ms := given.get(f"{name}_duration")) is not None:
            asked = jnp.round(jnp.asarray(ms) / law.dt).astype(jnp.int32)
            steps = steps.at[i].set(jnp.where(has[i], asked, 0))
    return steps


def edges_of(steps: Int[Array, " epoch"]) -> Int[Array, " edge"]:
    """First step of every epoch, and the step after the last one."""
    return jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(steps, dtype=jnp.int32)])


def inputs_of(
    table: RuleTable,
    rule: Int[Array, ""],
    edges: Int[Array, " edge"],
    stimuli: Stimuli,
    code: Float[Array, " channel"],
    n_steps: int,
    n_ring: int,
) -> Float[Array, "time input"]:
    """Fixation cue, two rings and the rule, without noise."""
    step, end = jnp.arange(n_steps, dtype=jnp.int32), edges[-1]
    to_end = table.is_in("fd", "react")[rule]
    uncued = table.is_in("react", "dms", "dmc")[rule]
    second = jnp.where(table.is_in("dm")[rule], 1, jnp.where(table.is_in("delaydm")[rule], 3, 5))
    spans: list[tuple[Any, Any]] = [
        (0, jnp.where(uncued, end, edges[5])),
        (edges[1], jnp.where(to_end, end, edges[2])),
        (edges[second], edges[second + 1]),
        (0, end),
    ]
    shown = [((step >= a) & (step < b)).astype(code.dtype) for a, b in spans]
    rings = [
        (
            stimuli.strengths[i][:, None] * _ring(table, stimuli.directions[i], n_ring)[None, :]
        ).reshape(-1)
        for i in range(2)
    ]
    channels = [jnp.ones(1, code.dtype), *rings, code]
    width, total = (0, 1, 1, 1 + rings[0].size), 1 + rings[0].size + code.size
    places = zip(width, channels, strict=True)
    rows = [jnp.pad(c, (start, total - start - c.size)) for start, c in places]
    # A product, because its factors are computed once; XLA would form the bumps at every step.
    return jnp.matmul(jnp.stack(shown, axis=1), jnp.stack(rows), precision="highest")


def targets_of(
    table: RuleTable,
    edges: Int[Array, " edge"],
    stimuli: Stimuli,
    weights: tuple[Float[Array, ""], Float[Array, ""]],
    n_steps: int,
    n_ring: int,
) -> tuple[Float[Array, "time output"], Float[Array, "time output"]]:
    """Targets and their weights.

    ``weights`` are those of a step of the response, and of the fixation channel.
    """
    step, go, end = jnp.arange(n_steps, dtype=jnp.int32), edges[5], edges[-1]
    response, fixation = weights
    dtype = response.dtype
    base = LET_GO[table.variant]
    responds = ((step >= go) & stimuli.go).astype(dtype)
    wanted = _ring(table, stimuli.target, n_ring).astype(dtype)
    holds = base + (1 - responds) * (HOLD - base)
    ring = base + responds[:, None] * wanted[None, :]
    targets = jnp.concatenate([holds[:, None], ring], axis=1)
    grace = round(GRACE / table.durations.dt)
    before, after = (step >= grace) & (step < go), (step >= go + grace) & (step < end)
    weight = before.astype(dtype) + response * after.astype(dtype)
    columns = jnp.ones(targets.shape[1], dtype).at[0].set(fixation)
    return targets, weight[:, None] * columns[None, :]


def conditions_of(
    rule: Int[Array, ""],
    steps: Int[Array, " epoch"],
    rings: Int[Array, "2"],
    stimuli: Stimuli,
    table: RuleTable,
) -> dict[str, Array]:
    """The conditions of a trial; what its rule does not use is 0, or -1 for codes."""
    open_ring = ~table.is_in("dm", "delaydm")[rule]
    two = jnp.stack([open_ring, table.is_in("dms", "dmc")[rule]])
    rings = jnp.where(two, rings + 1, 0).astype(jnp.int32)
    degrees = stimuli.directions * (180 / np.pi)
    named = {"rule": rule, "direction1": degrees[0], "direction2": degrees[1]}
    named |= {"modality1": rings[0], "modality2": rings[1]}
    for i, names in enumerate(STRENGTHS):
        named |= {name: stimuli.strengths[i, j] for j, name in enumerate(names)}
    named |= {"evidence": stimuli.evidence, "match": stimuli.match}
    named["response_due"] = stimuli.go.astype(jnp.int32)
    named["target"] = stimuli.target * (180 / np.pi)
    ms = steps.astype(degrees.dtype) * table.durations.dt
    return named | {f"{name}_duration": ms[i] for i, name in enumerate(EPOCHS)}


def ring_channels(table: RuleTable, n_ring: int) -> int:
    """Channels of one direction: a ring, or sine and cosine."""
    return n_ring if table.variant == "yang" else 2


def bump(direction: Float[Array, ""], n_ring: int) -> Float[Array, " ring"]:
    """Responses of units with preferred directions ``2 pi k / n_ring`` to a direction [rad]."""
    preferred = jnp.arange(n_ring, dtype=direction.dtype) * (2 * np.pi / n_ring)
    return circle.bump(circle.apart(direction, preferred), _WIDTH, _BUMP)


def _ring(table: RuleTable, direction: Float[Array, ""], n_ring: int) -> Float[Array, " ring"]:
    if table.variant == "yang":
        return bump(direction, n_ring)
    return jnp.stack([jnp.sin(direction), jnp.cos(direction)])
