"""Pieces of a run, each of which is one compiled call."""

import math
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax

from neurodyn.engine.abilities import SizedByStep
from neurodyn.engine.record import Save, observe
from neurodyn.params import with_values
from neurodyn.simulation.plan import Plan
from neurodyn.task import Trial

#: A chunk of trials records at most about this many bytes, so that long runs stay in memory.
CHUNK_BYTES = 256 * 2**20


def take(trials: Trial, first: int, stop: int) -> Trial:
    """Some of the trials."""
    return jax.tree.map(lambda a: a[first:stop] if a.ndim else a, trials)


def part(plan: Plan, first: int, stop: int) -> Plan:
    """The plan for some of the trials."""
    return replace(
        plan,
        n_trials=stop - first,
        trials=None if plan.trials is None else take(plan.trials, first, stop),
        coords={name: column[first:stop] for name, column in plan.coords.items()},
        n_valid=None if plan.n_valid is None else plan.n_valid[first:stop],
    )


def chunk_sizes(
    model: Any,
    plan: Plan,
    save: Save,
    chunk: int | None,
    chunk_steps: int | None,
    *,
    n_members: int = 1,
    multiple: int = 1,
) -> tuple[int, int]:
    """Trials and steps of each compiled call.

    With a mesh, `n_members` run in one call, and trials come in a `multiple`, which divides the
    number of all trials.
    """
    for name, value in (("chunk", chunk), ("chunk_steps", chunk_steps)):
        if value is not None and value < 1:
            raise ValueError(f"`{name}` must be at least 1, got {value}.")
    per_step = max(1, n_members * _bytes_per_step(model, plan, save) // save.every)
    # Equal chunks, so that all of them run the same compiled program.
    whole = plan.trials is not None and (
        plan.trials.length is not None or plan.trials.parts is not None
    )
    divisible = save.window is None and not whole
    if chunk_steps is None:
        fit = max(save.every, CHUNK_BYTES // per_step // save.every * save.every)
        chunk_steps = fit if divisible else plan.n_steps
    elif not divisible or chunk_steps % save.every:
        raise ValueError(
            f"`chunk_steps` must be a multiple of every={save.every}, and cannot be combined with "
            "`window`, trials of varying length or sessions."
        )
    chunk_steps = min(plan.n_steps, chunk_steps)
    if chunk is None:
        chunk = max(1, CHUNK_BYTES // (per_step * chunk_steps))
        chunk = math.ceil(plan.n_trials / math.ceil(plan.n_trials / chunk))
        chunk = math.ceil(chunk / multiple) * multiple
    return min(chunk, plan.n_trials), chunk_steps


def _bytes_per_step(model: Any, plan: Plan, save: Save) -> int:
    """Bytes that one trial records in a step."""

    def record():
        trial = None
        if plan.given is not None:
            trial = jax.tree.map(lambda a: a[0] if a.ndim else a, plan.given)
        system = with_values(model, trial)
        system = system.sized(plan.dt) if isinstance(system, SizedByStep) else system
        state = system.initial_state(dt=plan.dt, trial=trial, key=jax.random.key(0))
        seen = observe(system, state, save._replace(outputs=None))
        return seen, system.readout(state)

    shapes = jax.tree.leaves(eqx.filter_eval_shape(record))
    return sum(math.prod(s.shape) * s.dtype.itemsize for s in shapes)
