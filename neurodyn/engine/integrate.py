"""The fixed-clock driver: diffrax's solvers, events, maps and noise in one scan."""

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
from neurodyn.engine.record import Save, Trajectory, as_save, checked_save, window_steps
from neurodyn.engine.run import execute
from neurodyn.engine.solvers import check_solver
from neurodyn.engine.start import check_changes
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSystem, Drive, State


def integrate(
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
) -> Trajectory:
    """Run a system on a fixed clock.

    Parameters
    ----------
    system
        A flow, a spiking flow or a map, written for one trial.
    inputs
        ``(time, *batch, input)`` with at most one batch axis, held constant over each step; a
        :class:`~neurodyn.drive.Drive` of such arrays; a callable of time [ms] that returns one
        step's input or Drive; or None for an autonomous system.
    dt
        Step [ms]. For maps it only labels time, and is 1 by default: time is then in steps.
    solver
        Any diffrax solver with a fixed step; default: the one that the system prefers
        (:class:`~neurodyn.engine.abilities.PrefersSolver`), or ``diffrax.Euler()``. Noise that
        depends on the state is read in Ito's sense by ``Euler`` and ``ItoMilstein``, and in
        Stratonovich's sense by ``EulerHeun``, ``StratonovichMilstein``, ``Heun`` and other explicit
        solvers. Solvers that need a space-time Levy area get one.
    state
        Initial state, instead of ``system.initial_state``; with a leading batch axis if ``inputs``
        has one.
    key
        Seed or key. The draws of trial i in step t depend on ``(key, first_trial + i, start + t)``
        only. A run that is cut into chunks of trials or time therefore has the same draws, and is
        equal to rounding, because programs of other sizes may round differently. The same call
        gives the same bits on one machine.
    save
        The record of the run: a :class:`Save`, or names of variables to record besides the outputs.
        Default: outputs at every step.
    force
        ``(t, state, u) -> state``, applied to each trial after each step (teacher forcing). Every
        new function compiles anew, so make it once, or use an ``equinox.Module`` whose arrays
        change. The same holds for callable `inputs`.
    record_forced
        Whether states and outputs are recorded after `force` (default) or before it. The next step
        starts from the forced state in both cases. False gives the predictions, on which losses of
        teacher forcing are defined.
    interventions
        Applied in order, see :mod:`neurodyn.intervene`.
    trial
        The running trials (batched like the inputs), for parameters indexed by sequence or
        subject.
    length
        Number of steps that count (may be traced); later outputs are zero.
    n_steps, n_trials
        Number of steps and of trials, if the inputs do not give them.
    first_trial, start
        Numbers of the first trial and of the first step, for chunked runs.
    checkpoint
        Recompute each step in the backward pass instead of storing its intermediate values (less
        memory traffic, usually faster).

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError, TypeError
        On inputs of the wrong shape, unknown variables, a missing key, a step that the system
        refuses, or a solver that does not fit; all before compilation.

    Notes
    -----
    Diffrax's ``solver.step`` is called by hand, in time local to the step, so that single precision
    clocks do not drift; FSAL solvers re-evaluate their first stage, since inputs jump.
    """
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
    return execute(plan)
