"""The fixed-clock driver: diffrax's solvers, events, maps and noise in one scan."""

from collections.abc import Callable, Sequence
from typing import Any

import diffrax
from jaxtyping import Array, Float, Int, PyTree

from neurodyn.engine.intervene import AbstractIntervention
from neurodyn.engine.prepare import prepared
from neurodyn.engine.record import Save, Trajectory
from neurodyn.engine.run import execute
from neurodyn.system import AbstractSystem, Drive, State


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
    plan = prepared(
        system,
        inputs,
        dt=dt,
        solver=solver,
        state=state,
        key=key,
        save=save,
        force=force,
        record_forced=record_forced,
        interventions=interventions,
        trial=trial,
        length=length,
        n_steps=n_steps,
        n_trials=n_trials,
        first_trial=first_trial,
        start=start,
        checkpoint=checkpoint,
    )
    return execute(plan)
