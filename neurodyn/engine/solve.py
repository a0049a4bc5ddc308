"""The adaptive driver: diffrax's step control, adjoints and root-found spike times."""

from collections.abc import Sequence
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from neurodyn.common.random import as_key
from neurodyn.engine.abilities import SizedByStep, check_step, with_room
from neurodyn.engine.dependence import check_current
from neurodyn.engine.drive import Drive
from neurodyn.engine.events import (
    Held,
    Options,
    Smooth,
    smooth_run,
    spiking_run,
    terms_of,
)
from neurodyn.engine.inputs import as_batch, check_finite, check_state, check_trial
from neurodyn.engine.record import Save, Trajectory, as_save, checked_save, is_finite, only_trial
from neurodyn.engine.start import has_drive_noise
from neurodyn.params import with_values
from neurodyn.system import AbstractFlow, AbstractSpiking, State


class SolveError(RuntimeError):
    """The solver gave up: step limit, step too small, or too many spikes."""


def solve(
    system: AbstractFlow | Any,
    inputs: Any = None,
    ts: Any = None,
    *,
    dt: float | None = None,
    solver: diffrax.AbstractSolver | None = None,
    stepsize_controller: diffrax.AbstractStepSizeController | None = None,
    adjoint: diffrax.AbstractAdjoint | None = None,
    dt0: float | None = None,
    state: State | None = None,
    key: Any = None,
    save: Save | Sequence[str] | str | None = None,
    trial: PyTree = None,
    n_trials: int | None = None,
    max_steps: int = 65_536,
    max_events: int | None = None,
) -> Trajectory:
    """Solve a flow with adaptive steps, from time 0 to ``ts[-1]``.

    Use it for accuracy, stiff systems, smooth inputs and exact spike times of small networks; for
    training and for noise :func:`neurodyn.integrate` is many times faster.

    Parameters
    ----------
    system
        A flow. Spiking flows need ``max_events``; variables that change between their spikes must
        be in ``state.x``, because ``state.memory`` changes at spikes only.
    inputs
        ``(time, *batch, input)`` held constant for ``dt`` each, a callable of time [ms], or None.
    ts
        Increasing times at which to record [ms].
    dt
        Duration of one row of ``inputs`` [ms]; needed for arrays.
    solver, stepsize_controller, adjoint, dt0, max_steps
        As for ``diffrax.diffeqsolve``; defaults ``Tsit5()``, ``PIDController(rtol=1e-6,
        atol=1e-8)`` (1e-5 and 1e-7 in single precision), ``RecursiveCheckpointAdjoint()``.
        Stochastic flows need ``dt0`` and ``ConstantStepSize()``. Spiking flows take no adjoint.
    state, key, save, trial, n_trials
        As for :func:`neurodyn.integrate`; only ``save.variables`` and ``save.outputs`` apply.
    max_events
        Room for the spikes of each trial.

    Returns
    -------
    Trajectory
        ``spikes`` is a :class:`SpikeTimes`; ``stats`` holds the number of solver steps.

    Raises
    ------
    ValueError
        On bad arguments.
    SolveError
        When a trial hits the step limit, a vanishing step or ``max_events``; it names the trial and
        the time reached. (Under ``jit`` no error can be raised: see ``stats["reached"]``.)

    Notes
    -----
    Trials run one after the other (``lax.map``): a vmapped batch takes the steps of its stiffest
    member. Where held inputs change, the controller is told to step exactly there.
    """
    if not isinstance(system, AbstractFlow):
        raise TypeError(f"`solve` needs a flow in continuous time, got {type(system).__name__}.")
    spiking = isinstance(system, AbstractSpiking)
    if spiking and max_events is None:
        raise ValueError("A spiking flow needs `max_events=`, the room for spikes of each trial.")
    save = as_save(save)
    if (save.every, save.window, save.spikes) != (1, None, None) or save.units is not None:
        raise ValueError(
            "`solve` records at the times `ts`, and spikes always: Save takes `variables` and "
            f"`outputs` only here, got {save}."
        )
    record = checked_save(system, save)
    if spiking and adjoint is not None:
        raise ValueError(
            "Spike times are searched for in a loop that cannot be differentiated backwards: "
            "leave out `adjoint=`, or train with nd.integrate."
        )
    check_trial(system, trial)
    if has_drive_noise(system):
        raise ValueError(
            f"The noise of this {type(system).__name__} is held for a step of the run, and `solve` "
            "chooses its own steps: use nd.integrate, or noise of the state."
        )
    if isinstance(system, SizedByStep):
        system = system.sized(0.0)
    system = with_room(system)
    ts = _check_times(ts)
    source, batched, n = _source(system, inputs, dt, n_trials, ts)
    solver = diffrax.Tsit5() if solver is None else solver
    if stepsize_controller is None:
        double = jnp.result_type(float) == jnp.float64
        rtol, atol = (1e-6, 1e-8) if double else (1e-5, 1e-7)
        stepsize_controller = diffrax.PIDController(rtol=rtol, atol=atol)
    constant = isinstance(stepsize_controller, (diffrax.ConstantStepSize, diffrax.StepTo))
    if constant and dt0 is not None:
        check_step(system, dt0)
    if isinstance(source, Held) and not constant:
        jumps = _jumps(source)
        if jumps is not None:
            stepsize_controller = diffrax.ClipStepSizeController(stepsize_controller, jump_ts=jumps)
    if not batched:
        state, trial = jax.tree.map(lambda a: jnp.asarray(a)[None], (state, trial))
    check_state(state, n)
    max_events = max_events if spiking else None
    options = Options(
        solver,
        stepsize_controller,
        diffrax.RecursiveCheckpointAdjoint() if adjoint is None else adjoint,
        None if dt0 is None else jnp.asarray(dt0, ts.dtype),
        max_steps,
    )
    run, codes = _solve_all(
        system, source, ts, options, state, as_key(key), record, trial, n, max_events
    )
    _report(run, codes, max_events)
    return run if batched else only_trial(run, spikes_axis=0)


@eqx.filter_jit
def _solve_all(system, source, ts, options, state, key, save, trial, n_trials, max_events):
    wanted, save = save, save._replace(outputs=save.outputs and "every")
    system = with_values(system)
    keys = None
    if key is not None:
        fold = jax.vmap(jax.random.fold_in, (None, 0))
        keys = fold(key, jnp.arange(n_trials, dtype=jnp.uint32))

    def one(xs):
        _, values, state, trial, key = xs
        own = system if trial is None else with_values(system, trial)
        u_of = Held(values, source.dt, source.edges) if isinstance(source, Held) else source
        init_key, noise_key = (None, None) if key is None else jax.random.split(key)
        if state is None:
            state = own.initial_state(dt=options.dt0, trial=trial, key=init_key)
        check_current(
            own, state, u_of(ts[0]), trial, dt=jnp.ones((), ts.dtype), n_units=None, key=noise_key
        )
        terms = terms_of(own, u_of, noise_key, ts, state, options)
        if max_events is None:
            return smooth_run(own, terms, state, ts, save, options)
        return spiking_run(own, terms, u_of, state, ts, save, options, max_events)

    values = source.values if isinstance(source, Held) else None
    values = jax.tree.map(lambda a: jnp.moveaxis(a, 1, 0), values)
    numbers = jnp.arange(n_trials)  # there may be nothing else to map over
    out, reached, codes = jax.lax.map(one, (numbers, values, state, trial, keys))
    recorded, final, spikes, steps = out
    time_major = jax.tree.map(lambda a: jnp.moveaxis(a, 0, 1), recorded)
    outputs = time_major.get("outputs")
    if wanted.outputs == "last" and outputs is not None:
        outputs = outputs[-1:]
    run = Trajectory(
        ts=ts,
        variables=time_major.get("variables", {}),
        outputs=outputs,
        spikes=spikes,
        final_state=final,
        stats={"finite": jax.vmap(is_finite)(final.x), "steps": steps, "reached": reached},
    )
    return run, codes


def _check_times(ts: Any) -> Float[Array, " time"]:
    if ts is None:
        raise ValueError("`ts` is missing: pass increasing times [ms] at which to record.")
    ts = jnp.asarray(ts, jnp.result_type(float))
    bad = ts.ndim != 1 or ts.shape[0] == 0
    if not bad and not isinstance(ts, jax.core.Tracer):
        bad = not bool((jnp.diff(ts) > 0).all() & (ts[0] >= 0) & (ts[-1] > 0))
    if bad:
        raise ValueError(
            "`ts` must be increasing times [ms] from 0 on at which to record, "
            f"got an array of shape {ts.shape}."
        )
    return ts


def _source(system, inputs, dt, n_trials, ts):
    """Inputs as a function of time, whether they have a batch axis, and the number of trials."""
    batch = as_batch(system, inputs, n_trials=n_trials, dt=dt)
    if not batch.held or not jax.tree.leaves(batch.source):
        function = _no_input if batch.held else batch.source
        return Smooth(function), batch.batched, batch.n_trials
    if dt is None:
        raise ValueError("Input arrays are held for `dt` ms per row: pass `dt=`.")
    if not isinstance(dt, jax.core.Tracer) and not float(dt) > 0:
        raise ValueError(f"`dt` must be a positive number of ms, got {dt}.")
    check_finite(batch.source)
    end = batch.n_steps * float(dt)
    if not isinstance(ts, jax.core.Tracer) and float(ts[-1]) > end * (1 + 1e-6):
        raise ValueError(
            f"The inputs end at {end:g} ms, before the last time in `ts`, {float(ts[-1]):g} ms: "
            "pass more rows, or earlier times."
        )
    dtype = jnp.result_type(float)
    edges = jnp.asarray((np.arange(batch.n_steps) + 1) * float(dt), dtype)
    held = Held(batch.source, jnp.asarray(dt, dtype), edges)
    return held, batch.batched, batch.n_trials


def _no_input(t: Any) -> Drive:
    """The input of an autonomous system: one function, since each new one would compile anew."""
    del t
    return Drive()


def _jumps(source: Held) -> Float[Array, " jump"] | None:
    """Times at which some input of some trial changes; all steps where that is not known.

    There is always room for all steps, filled with times after the end, so that inputs which change
    more or less often run the same program.
    """
    edges = source.edges[:-1]
    if not edges.size:
        return None
    if any(isinstance(a, jax.core.Tracer) for a in jax.tree.leaves(source.values)):
        return edges
    changed = np.zeros(edges.shape[0], bool)
    for a in jax.tree.leaves(source.values):
        a = np.asarray(a)
        changed |= (np.diff(a, axis=0) != 0).any(axis=tuple(range(1, a.ndim)))
    times = np.full_like(edges, 2 * float(source.edges[-1]))
    times[: changed.sum()] = np.asarray(edges)[changed]
    return jnp.asarray(times)


def _report(run, codes, max_events) -> None:
    """Raise an error if the solver gave up in some trial."""
    if isinstance(codes, jax.core.Tracer) or not (failed := np.flatnonzero(codes)).size:
        return
    first, t1 = int(failed[0]), float(run.ts[-1])
    when = float(run.stats["reached"][first])
    where = f"trial {first} stopped at t = {when:.6g} of {t1:.6g} ms ({failed.size} trials failed)"
    if max_events is not None and int(np.asarray(run.spikes.count)[first]) > max_events:
        raise SolveError(f"More than max_events={max_events} spikes: {where}. Raise max_events.")
    raise SolveError(
        f"The solver reached its step limit or too small a step: {where}. Loosen the tolerances, "
        "raise max_steps, or use a stiff solver (diffrax.Kvaerno5)."
    )
