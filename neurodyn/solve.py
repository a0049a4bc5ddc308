"""The adaptive driver: diffrax's step control, adjoints and root-found spike times."""

from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import optimistix as optx
from jaxtyping import Array, Bool, Float, Int, PyTree

from neurodyn.drive import Drive
from neurodyn.params import resolve
from neurodyn.recording import Save, Trajectory, check_save
from neurodyn.system import AbstractFlow, AbstractSpiking, ChecksStep, State, as_key

__all__ = ["SolveError", "SpikeTimes", "solve"]


class SolveError(RuntimeError):
    """The solver gave up: step limit, step too small, or too many spikes."""


class SpikeTimes(NamedTuple):
    """Spikes of one trial (or of a batch, with a leading axis), in order of time.

    Attributes
    ----------
    time
        Spike times [ms]; entries from ``count`` on are infinite.
    unit
        Which unit spiked; -1 from ``count`` on.
    count
        Number of spikes.
    """

    time: Float[Array, "*batch event"]
    unit: Int[Array, "*batch event"]
    count: Int[Array, "*batch"]


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
    save: Save | None = None,
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
        A flow. Spiking flows need ``max_events``; what changes between their spikes must be in
        ``state.x`` (``state.memory`` changes at spikes only).
    inputs
        ``(time, *batch, input)`` held constant for ``dt`` each, a callable of time [ms], or None.
    ts
        Increasing times at which to record [ms].
    dt
        Duration of one row of ``inputs`` [ms]; needed for arrays.
    solver, stepsize_controller, adjoint, dt0, max_steps
        As for ``diffrax.diffeqsolve``; defaults ``Tsit5()``, ``PIDController(rtol=1e-6,
        atol=1e-8)`` (1e-5 and 1e-7 in single precision), ``RecursiveCheckpointAdjoint()``.
        Stochastic flows need ``dt0`` and a constant step.
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
    save = Save() if save is None else save
    check_save(system, save._replace(spikes=None), None)
    ts = _check_times(ts)
    source, batched, n = _source(system, inputs, dt, n_trials, ts)
    solver = diffrax.Tsit5() if solver is None else solver
    if stepsize_controller is None:
        double = jnp.result_type(float) == jnp.float64
        rtol, atol = (1e-6, 1e-8) if double else (1e-5, 1e-7)
        stepsize_controller = diffrax.PIDController(rtol=rtol, atol=atol)
    constant = isinstance(stepsize_controller, (diffrax.ConstantStepSize, diffrax.StepTo))
    if constant and isinstance(system, ChecksStep) and dt0 is not None:
        system.check_step(float(dt0))
    if isinstance(source, _Held) and not constant:
        jumps = _jumps(source)
        if jumps is not None:
            stepsize_controller = diffrax.ClipStepSizeController(stepsize_controller, jump_ts=jumps)
    if not batched:
        state, trial = jax.tree.map(lambda a: jnp.asarray(a)[None], (state, trial))
    run, reached, codes = _solve_all(
        system,
        source,
        ts,
        solver,
        stepsize_controller,
        diffrax.RecursiveCheckpointAdjoint() if adjoint is None else adjoint,
        dt0,
        state,
        as_key(key),
        save,
        trial,
        n,
        max_steps,
        max_events if spiking else None,
    )
    _report(run, reached, codes, max_events if spiking else None)
    return run if batched else _first(run)


class _Held(eqx.Module):
    """Inputs held constant for ``dt`` each."""

    values: Drive
    dt: Float[Array, ""]
    edges: Float[Array, " time"]

    def __call__(self, t):
        n = self.edges.shape[0]
        k = jnp.clip(jnp.searchsorted(self.edges, t, side="right"), 0, n - 1)
        return jax.tree.map(lambda a: a[k], self.values)


class _Smooth(eqx.Module):
    function: Any

    def __call__(self, t):
        u = self.function(t)
        return u if isinstance(u, Drive) else Drive(input=u)


@eqx.filter_jit
def _solve_all(
    system,
    source,
    ts,
    solver,
    controller,
    adjoint,
    dt0,
    state,
    key,
    save,
    trial,
    n_trials,
    max_steps,
    max_events,
):
    system = resolve(system)
    keys = None
    if key is not None:
        fold = jax.vmap(jax.random.fold_in, (None, 0))
        keys = fold(key, jnp.arange(n_trials, dtype=jnp.uint32))

    def one(xs):
        _, values, state, trial, key = xs
        own = system if trial is None else resolve(system, trial)
        u_of = _Held(values, source.dt, source.edges) if isinstance(source, _Held) else source
        init_key, noise_key = (None, None) if key is None else jax.random.split(key)
        if state is None:
            state = own.initial_state(dt=dt0, trial=trial, key=init_key)
        terms = _terms(own, u_of, noise_key, dt0, ts, state)
        options = (terms, solver, controller, adjoint, dt0, max_steps)
        if max_events is None:
            return _smooth_run(own, state, ts, save, options)
        return _spiking_run(own, u_of, state, ts, save, options, max_events)

    values = source.values if isinstance(source, _Held) else None
    values = jax.tree.map(lambda a: jnp.moveaxis(a, 1, 0), values)
    numbers = jnp.arange(n_trials)
    out, reached, codes = jax.lax.map(one, (numbers, values, state, trial, keys))
    recorded, final, spikes, steps = out
    time_major = jax.tree.map(lambda a: jnp.moveaxis(a, 0, 1), recorded)
    outputs = time_major.get("outputs")
    if save.outputs == "last" and outputs is not None:
        outputs = outputs[-1:]
    finite = jax.vmap(
        lambda x: jnp.stack([jnp.isfinite(a).all() for a in jax.tree.leaves(x)]).all()
    )
    run = Trajectory(
        ts=ts,
        variables=time_major.get("variables", {}),
        outputs=outputs,
        spikes=spikes,
        final_state=final,
        stats={"finite": finite(final.x), "steps": steps, "reached": reached},
    )
    return run, reached, codes


def _terms(system, u_of, key, dt0, ts, state):
    """Diffrax terms of the flow; ``args`` carries the memory."""

    def drift(t, x, memory):
        return system.drift(t, State(x, memory), u_of(t))

    def diffusion(t, x, memory):
        return system.diffusion(t, State(x, memory), u_of(t))

    terms = diffrax.ODETerm(drift)
    noisy = eqx.filter_eval_shape(diffusion, jnp.zeros(()), state.x, state.memory) is not None
    if not noisy:
        return terms
    if key is None:
        raise ValueError(
            f"This {type(system).__name__} has noise: pass `key=` (a seed, e.g. key=0)."
        )
    if dt0 is None:
        raise ValueError(
            "A stochastic flow needs `dt0=` and stepsize_controller=ConstantStepSize()."
        )
    shape = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), state.x)
    path = diffrax.VirtualBrownianTree(
        0.0, ts[-1], tol=dt0 / 2, shape=shape, key=key, levy_area=diffrax.SpaceTimeLevyArea
    )
    control = diffrax.ControlTerm(
        lambda t, x, m: lx.DiagonalLinearOperator(diffusion(t, x, m)), path
    )
    return diffrax.MultiTerm(terms, control)


def _observe(system, save, state):
    out = {}
    if save.variables:
        observed = system.observe(state)
        out["variables"] = {name: observed[name] for name in save.variables}
    if save.outputs is not None:
        out["outputs"] = system.readout(state)
    return out


def _smooth_run(system, state, ts, save, options):
    terms, solver, controller, adjoint, dt0, max_steps = options
    subs = (
        diffrax.SubSaveAt(ts=ts, fn=lambda t, x, m: _observe(system, save, State(x, m))),
        diffrax.SubSaveAt(t1=True),
        diffrax.SubSaveAt(t1=True, fn=lambda t, x, m: t),
    )
    solution = diffrax.diffeqsolve(
        terms,
        solver,
        jnp.zeros((), ts.dtype),
        ts[-1],
        dt0,
        state.x,
        state.memory,
        saveat=diffrax.SaveAt(subs=subs),
        stepsize_controller=controller,
        adjoint=adjoint,
        max_steps=max_steps,
        throw=False,
    )
    recorded, x, reached = solution.ys
    final = State(jax.tree.map(lambda a: a[0], x), state.memory)
    steps = solution.stats["num_steps"]
    return (recorded, final, None, steps), reached[0], ~_ok(solution.result)


def _spiking_run(system, u_of, state, ts, save, options, max_events):
    """Between recording times, solve from spike to spike."""
    terms, solver, controller, _, dt0, max_steps = options
    spikes = SpikeTimes(
        jnp.full((max_events,), jnp.inf, ts.dtype),
        jnp.full((max_events,), -1, jnp.int32),
        jnp.zeros((), jnp.int32),
    )

    def highest(t, y, args, **_):
        return jnp.max(system.crossing(State(y, args)))

    event = diffrax.Event(highest, optx.Bisection(rtol=1e-6, atol=1e-9), direction=True)

    def until_event(carry):
        t, last, state, spikes, steps, failed, t1 = carry
        solution = diffrax.diffeqsolve(
            terms,
            solver,
            t,
            t1,
            dt0,
            state.x,
            state.memory,
            saveat=diffrax.SaveAt(t1=True),
            stepsize_controller=controller,
            adjoint=diffrax.DirectAdjoint(),
            event=event,
            max_steps=max_steps,
            throw=False,
        )
        here = solution.ts[0]
        state = State(jax.tree.map(lambda a: a[0], solution.ys), state.memory)
        hit = solution.event_mask
        crossing = system.crossing(state)
        fired = hit & ((crossing >= 0) | (jnp.arange(crossing.shape[0]) == jnp.argmax(crossing)))
        after = system.after(
            here, here - last, state, fired.astype(crossing.dtype), u_of(here), key=None
        )
        state = jax.tree.map(lambda a, b: jnp.where(hit, a, b), after, state)
        spikes = _append(spikes, here, fired)
        failed = failed | ~(_ok(solution.result) | hit)
        last = jnp.where(hit, here, last)
        return here, last, state, spikes, steps + solution.stats["num_steps"], failed, t1

    def going(carry):
        t, _, _, spikes, _, failed, t1 = carry
        return (t < t1) & ~failed & (spikes.count <= max_events)

    def to_next(carry, t1):
        t, last, state, spikes, steps, failed = carry
        *carry, _ = jax.lax.while_loop(
            going, until_event, (t, last, state, spikes, steps, failed, t1)
        )
        return tuple(carry), _observe(system, save, carry[2])

    zero = jnp.zeros((), ts.dtype)
    start = (zero, zero, state, spikes, jnp.zeros((), jnp.int32), jnp.zeros((), bool))
    (t, _, final, spikes, steps, failed), recorded = jax.lax.scan(to_next, start, ts)
    full = spikes.count > max_events
    return (recorded, final, spikes, steps), t, failed | full


def _append(spikes: SpikeTimes, t: Array, fired: Bool[Array, " unit"]) -> SpikeTimes:
    where = spikes.count + jnp.cumsum(fired, dtype=jnp.int32) - 1
    where = jnp.where(fired, where, spikes.time.shape[0])  # out of range entries are not written
    units = jnp.arange(fired.shape[0], dtype=jnp.int32)
    return SpikeTimes(
        spikes.time.at[where].set(t, mode="drop"),
        spikes.unit.at[where].set(units, mode="drop"),
        spikes.count + jnp.sum(fired, dtype=jnp.int32),
    )


def _ok(result) -> Bool[Array, ""]:
    return (result == diffrax.RESULTS.successful) | (result == diffrax.RESULTS.event_occurred)


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
    if inputs is None or (callable(inputs) and not isinstance(inputs, Drive)):
        function = (lambda t: Drive()) if inputs is None else inputs
        return _Smooth(function), n_trials is not None, 1 if n_trials is None else n_trials
    drive = inputs if isinstance(inputs, Drive) else Drive(input=jnp.asarray(inputs))
    if drive.input is None or drive.input.ndim not in (2, 3):
        raise ValueError("`inputs` must be (time, *batch, input), a Drive of such, or a callable.")
    if drive.input.shape[-1] != system.n_inputs:
        raise ValueError(
            f"`inputs` must have {system.n_inputs} inputs, got shape {drive.input.shape}."
        )
    if dt is None:
        raise ValueError("Input arrays are held for `dt` ms per row: pass `dt=`.")
    batched = drive.input.ndim == 3
    if not batched:
        drive = jax.tree.map(lambda a: a[:, None], drive)
    n_steps, n = drive.input.shape[:2]
    dtype = jnp.result_type(float)
    if not any(isinstance(a, jax.core.Tracer) for a in (drive.input, ts)):
        _check_values(drive.input, n_steps * float(dt), float(ts[-1]))
    edges = jnp.asarray((np.arange(n_steps) + 1) * float(dt), dtype)
    return _Held(drive, jnp.asarray(dt, dtype), edges), batched, n


def _check_values(values: Array, end: float, last: float) -> None:
    if not bool(jnp.isfinite(values).all()):
        raise ValueError("The inputs hold NaN or infinite values; interpolate or mask them first.")
    if last > end * (1 + 1e-6):
        raise ValueError(
            f"The inputs end at {end:g} ms, before the last time in `ts`, {last:g} ms: pass more "
            "rows, or earlier times."
        )


def _jumps(source: _Held) -> Float[Array, " jump"] | None:
    """Times at which some input of some trial changes; all steps where that is not known."""
    if any(isinstance(a, jax.core.Tracer) for a in jax.tree.leaves(source.values)):
        return source.edges[:-1]
    changed = np.zeros(source.edges.shape[0] - 1, bool)
    for a in jax.tree.leaves(source.values):
        a = np.asarray(a)
        changed |= (np.diff(a, axis=0) != 0).any(axis=tuple(range(1, a.ndim)))
    return source.edges[:-1][changed] if changed.any() else None


def _report(run, reached, codes, max_events) -> None:
    if isinstance(codes, jax.core.Tracer):
        return
    t1 = float(run.ts[-1])
    failed = np.flatnonzero(np.asarray(codes))
    if not failed.size:
        return
    first = int(failed[0])
    when = float(np.asarray(reached)[first])
    where = f"trial {first} stopped at t = {when:.6g} of {t1:.6g} ms ({failed.size} trials failed)"
    if max_events is not None and int(np.asarray(run.spikes.count)[first]) > max_events:
        raise SolveError(f"More than max_events={max_events} spikes: {where}. Raise max_events.")
    raise SolveError(
        f"The solver reached its step limit or too small a step: {where}. Loosen the tolerances, "
        "raise max_steps, or use a stiff solver (diffrax.Kvaerno5)."
    )


def _first(run: Trajectory) -> Trajectory:
    def second(tree: PyTree) -> PyTree:
        return jax.tree.map(lambda a: a[:, 0], tree)

    def lead(tree: PyTree) -> PyTree:
        return jax.tree.map(lambda a: a[0], tree)

    return Trajectory(
        run.ts,
        second(run.variables),
        second(run.outputs),
        lead(run.spikes),
        lead(run.final_state),
        lead(run.stats),
    )
