"""The arguments of :func:`neurodyn.integrate`, checked before anything is compiled."""

from collections.abc import Callable, Sequence
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from neurodyn.common.arrays import as_array, refuse_units
from neurodyn.common.random import as_key
from neurodyn.engine.abilities import PrefersSolver, SizedByStep, check_step, with_room
from neurodyn.engine.inputs import as_batch, check_state, check_trial
from neurodyn.engine.intervene import AbstractIntervention, Target
from neurodyn.engine.intervene.base import as_interventions
from neurodyn.engine.plan import Plan
from neurodyn.engine.record import Save, as_save, checked_save, window_steps
from neurodyn.engine.solvers import check_solver
from neurodyn.engine.start import check_changes
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSystem, Drive, State


def prepared(
    system: AbstractSystem | Any,
    inputs: Any = None,
    *,
    dt: float | int | Float[Array, ""] | None = None,
    solver: diffrax.AbstractSolver | Any = None,
    state: State | Any = None,
    key: Any = None,
    save: Save | Sequence[str] | str | None = None,
    force: Callable[[Any, State, Drive], State] | None = None,
    record_forced: bool = True,
    interventions: Sequence[AbstractIntervention] | Any = (),
    trial: PyTree = None,
    length: Int[Array, ""] | int | None = None,
    n_steps: int | None = None,
    n_trials: int | None = None,
    first_trial: int | Int[Array, ""] = 0,
    start: int | Int[Array, ""] = 0,
    checkpoint: bool = True,
) -> Plan:
    """The plan of a run; arguments and errors are those of :func:`neurodyn.integrate`."""
    if not isinstance(system, (AbstractFlow, AbstractMap)):
        raise TypeError(f"`system` must be a flow or a map, got {type(system).__name__}.")
    if dt is None:
        if not isinstance(system, AbstractMap):
            raise ValueError(
                f"{type(system).__name__} runs in continuous time: say how long a step is, `dt=` "
                "[ms]."
            )
        dt = 1.0
    if not isinstance(dt, jax.core.Tracer):
        refuse_units("`dt`", dt)
        if not float(dt) > 0:
            raise ValueError(f"`dt` must be a positive number of ms, got {dt}.")
        check_step(system, dt)
        if isinstance(system, SizedByStep):
            system = system.sized(float(dt))
    if not interventions:  # which may hold another such system
        system = with_room(system)
    if solver is None:
        solver = system.solver if isinstance(system, PrefersSolver) else diffrax.Euler()
    check_solver(solver)
    record = checked_save(system, as_save(save), length)
    batch = as_batch(system, inputs, n_steps=n_steps, n_trials=n_trials, dt=dt)
    if batch.n_steps is None:
        raise ValueError("Without input arrays, say how long to run: pass `n_steps=`.")
    known = length is not None and not isinstance(length, jax.core.Tracer)
    if known and not 1 <= int(length) <= batch.n_steps:
        raise ValueError(
            f"`length` must be from 1 to the {batch.n_steps} steps there are, got {length}."
        )
    if not batch.batched:
        state, trial = jax.tree.map(lambda a: jnp.asarray(a)[None], (state, trial))
    check_state(state, batch.n_trials)
    check_trial(system, trial)
    dt_array = as_array(dt, jnp.result_type(float))
    target = Target(system, state, trial, dt_array)
    plan = Plan(
        system=system,
        inputs=batch.source,
        dt=dt_array,
        solver=solver,
        state=state,
        key=as_key(key),
        save=record,
        force=force,
        record_forced=bool(record_forced),
        interventions=tuple(each.bound(target) for each in as_interventions(interventions)),
        trial=trial,
        length=None if length is None else as_array(length, jnp.int32),
        n_steps=batch.n_steps,
        n_trials=batch.n_trials,
        batched=batch.batched,
        first_trial=as_array(first_trial, jnp.uint32),
        start=as_array(start, jnp.int32),
        checkpoint=checkpoint,
        window=window_steps(record, dt, batch.n_steps),
    )
    check_changes(plan)
    return plan
