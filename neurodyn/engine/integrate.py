"""The fixed-clock driver: diffrax's solvers, events, maps and noise in one scan."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from neurodyn.common.arrays import as_array, refuse_units
from neurodyn.common.random import as_key
from neurodyn.engine import stepping
from neurodyn.engine.abilities import ChecksStep, HasRoom, PrefersSolver, SizedByStep, SupportsFused
from neurodyn.engine.dependence import check_change, check_current
from neurodyn.engine.drive import Drive, as_drive
from neurodyn.engine.inputs import as_batch, check_state, check_trial, starts_from_first
from neurodyn.engine.intervene import AbstractIntervention, WeightChange, as_interventions
from neurodyn.engine.interventions import bound
from neurodyn.engine.record import (
    Save,
    Trajectory,
    check_save,
    is_finite,
    observe,
    only_trial,
    pack_spikes,
    window_steps,
)
from neurodyn.engine.solvers import check_noise_solver, check_solver
from neurodyn.engine.units import shapes_of, unit_axis
from neurodyn.kernels import recurrent_scan
from neurodyn.params import resolve
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSystem, State

__all__ = ["Save", "Trajectory", "integrate"]


def integrate(
    system: AbstractSystem | Any,
    inputs: Any = None,
    *,
    dt: float | int | Float[Array, ""] | None = None,
    solver: diffrax.AbstractSolver | Any = None,
    state: State | Any = None,
    key: Any = None,
    save: Save | None = None,
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
    method: Literal["sequential"] | str = "sequential",
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
        Start from here (with leading batch axis where ``inputs`` has one) instead of
        ``system.initial_state``.
    key
        Seed or key. What trial i draws at step t depends on ``(key, first_trial + i, start + t)``
        only. Cut into chunks of trials or time, a run has the same draws and is equal to rounding:
        programs of other sizes may round differently. The same call gives the same bits on one
        machine.
    save
        What to record; default: outputs at every step.
    force
        ``(t, state, u) -> state``, applied to each trial after each step (teacher forcing). Every
        new function compiles anew: make it once, or an ``equinox.Module`` whose arrays change. The
        same holds for callable `inputs`.
    record_forced
        Whether states and outputs are recorded after `force` (default), or as the step itself made
        them, before; the next step starts from the forced state either way. False gives the
        predictions that losses of teacher forcing are about.
    interventions
        Applied in order, see :mod:`neurodyn.intervene`.
    trial
        The running trials (batched like the inputs), for parameters indexed by sequence or
        subject.
    length
        Number of steps that count (may be traced); later outputs are zeros.
    n_steps, n_trials
        Number of steps and of trials where the inputs do not say.
    first_trial, start
        Numbers of the first trial and of the first step, for chunked runs.
    checkpoint
        Recompute each step in the backward pass instead of storing what is inside it (less memory
        traffic, usually faster).
    method
        ``"sequential"``, the only one.

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
    if method != "sequential":
        raise ValueError(f"Unknown method {method!r}; there is 'sequential'.")
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
        if isinstance(system, ChecksStep):
            system.check_step(float(dt))
        if isinstance(system, SizedByStep):
            system = system.sized(float(dt))
    if isinstance(system, HasRoom) and not interventions:  # which may hold another such system
        system = system.with_room()
    save = Save() if save is None else save
    if solver is None:
        solver = system.solver if isinstance(system, PrefersSolver) else diffrax.Euler()
    check_solver(solver)
    check_save(system, save, length)
    batch = as_batch(system, inputs, n_steps=n_steps, n_trials=n_trials, dt=dt)
    if batch.n_steps is None:
        raise ValueError("Without input arrays, say how long to run: pass `n_steps=`.")
    _check_length(length, batch.n_steps)
    if not batch.batched:
        state, trial = jax.tree.map(lambda a: jnp.asarray(a)[None], (state, trial))
    check_state(state, batch.n_trials)
    check_trial(system, trial)
    dt_array = as_array(dt, jnp.result_type(float))
    interventions = bound(as_interventions(interventions), system, state, trial, dt_array)
    key = as_key(key)
    _check_changes(system, state, batch, trial, interventions, dt_array, key)
    return _run(
        system,
        batch.source,
        dt_array,
        solver,
        state,
        key,
        save,
        force,
        bool(record_forced),
        interventions,
        trial,
        None if length is None else as_array(length, jnp.int32),
        batch.n_steps,
        batch.n_trials,
        batch.batched,
        as_array(first_trial, jnp.uint32),
        as_array(start, jnp.int32),
        checkpoint,
        window_steps(save, dt, batch.n_steps),
    )


@eqx.filter_jit
def _run(
    system,
    inputs,
    dt,
    solver,
    state,
    key,
    save,
    force,
    record_forced,
    interventions,
    trial,
    length,
    n_steps,
    n_trials,
    batched,
    first_trial,
    start,
    checkpoint,
    window,
) -> Trajectory:
    system = resolve(system)
    keys = _keys(key, first_trial, n_trials)
    if state is None:
        state = _initial(system, dt, trial, keys, n_trials)
    _check_current(system, state, inputs, trial, interventions, dt, keys)
    noise_keys = None if keys is None else keys[:, 1]
    dt = dt.astype(_precision(state, inputs, dt))
    noisy = _check_noise(system, state, inputs, trial, key)
    if isinstance(system, AbstractFlow):
        check_noise_solver(solver, noisy)
    fused = (
        isinstance(system, SupportsFused)
        and system.can_fuse
        and isinstance(inputs, Drive)
        and inputs.input is not None
        and (inputs.current is None)
        and type(solver) is diffrax.Euler
        and force is None
        and not interventions
        and trial is None
        and state.memory is None
        and save.every == 1
        and window == (0, n_steps)
        and save.units is None  # the kernel keeps the states of all of them
    )
    held = isinstance(inputs, Drive)
    context = stepping.Context(
        system,
        dt,
        solver,
        force,
        interventions,
        trial,
        noise_keys,
        noisy,
        start,
        None if held else inputs,
    )
    # Where states are recorded from before they are forced, both go along.
    apart = force is not None and not record_forced
    drive = inputs if held else None
    if fused:
        recorded, final = _run_fused(context, drive, state, save, length)
        seen = final
    else:
        carry = (state, state) if apart else state
        recorded, carry = _run_scan(
            context, drive, carry, save, length, window, n_steps, checkpoint, apart
        )
        final, seen = carry if apart else (carry, carry)
    first, last = window
    steps = jnp.arange(first, last, dtype=jnp.int32)[save.every - 1 :: save.every]
    outputs = recorded.get("outputs")
    if save.outputs == "last":
        ran = stepping.running(context, n_steps - 1 if length is None else length - 1)
        outputs = jax.vmap(lambda s, tr: resolve(ran, tr).readout(s))(seen, trial)[None]
    run = Trajectory(
        ts=(start + 1 + steps).astype(dt.dtype) * dt,
        variables=recorded.get("variables", {}),
        outputs=outputs,
        spikes=recorded.get("spikes"),
        final_state=final,
        stats={"finite": jax.vmap(is_finite)(final.x)},
    )
    if batched:
        return run
    spikes = None if run.spikes is None else run.spikes[:, 0]
    return only_trial(eqx.tree_at(lambda r: r.spikes, run, spikes, is_leaf=lambda x: x is None))


# --- the fused path --------------------------------------------------------------------------


def _run_fused(context, drive, state, save, length):
    system, n_steps = context.system, drive.input.shape[0]
    noise = None
    if context.noisy:
        numbers = context.start + jnp.arange(n_steps, dtype=jnp.int32)
        draw = jax.vmap(jax.vmap(stepping.standard_normal, (0, None, 0)), (None, 0, None))
        noise = draw(context.noise_keys, numbers, state.x)
    last = save.outputs != "every" and not save.variables
    x = system.fused(drive.input, state.x, dt=context.dt, noise=noise, length=length, last=last)
    if last:
        return {}, State(x)
    recorded = jax.vmap(jax.vmap(lambda x: observe(system, State(x), save)))(x)
    if length is not None:
        valid = jnp.arange(n_steps) < length
        recorded = jax.tree.map(
            lambda a: jnp.where(valid.reshape(-1, *(1,) * (a.ndim - 1)), a, jnp.zeros_like(a)),
            recorded,
        )
    last = n_steps - 1 if length is None else length - 1
    return recorded, State(jax.tree.map(lambda a: a[last], x))


# --- the generic path ------------------------------------------------------------------------


def _run_scan(context, drive, carry, save, length, window, n_steps, checkpoint, apart):
    """Run the steps; the carry is the state, or the state and what is recorded of it."""
    arrays, static = eqx.partition(context, eqx.is_array)
    xs = (jnp.arange(n_steps, dtype=jnp.int32), drive)

    def advance(arrays, carry, x):
        state = carry[0] if apart else carry
        state, seen, spikes = stepping.step_and_see(eqx.combine(arrays, static), state, *x)
        return (state, seen) if apart else state, pack_spikes(spikes, save)

    def advance_silently(arrays, carry, x):
        return advance(arrays, carry, x)[0], None

    def record(arrays, carry, k):
        context = eqx.combine(arrays, static)
        ran = stepping.running(context, k)
        see = jax.vmap(lambda s, tr: observe(resolve(ran, tr), s, save))
        return see(carry[1] if apart else carry, context.trial)

    def advance_and_record(arrays, carry, x):
        carry, spikes = advance(arrays, carry, x)
        return carry, (record(arrays, carry, x[0]), spikes)

    def advance_many_and_record(arrays, carry, xs):
        carry, spikes = recurrent_scan(advance, arrays, carry, xs, checkpoint=checkpoint)
        return carry, (record(arrays, carry, xs[0][-1]), spikes)

    def scan(step, carry, first, last, length=None):
        part = jax.tree.map(lambda a: a[first:last], xs)
        return recurrent_scan(step, arrays, carry, part, length=length, checkpoint=checkpoint)

    first, last = window
    if first:
        carry, _ = scan(advance_silently, carry, 0, first)
    if save.every == 1:
        carry, (recorded, spikes) = scan(advance_and_record, carry, first, last, length)
    else:
        end = last - (last - first) % save.every
        blocks = jax.tree.map(lambda a: a[first:end].reshape(-1, save.every, *a.shape[1:]), xs)
        carry, (recorded, spikes) = recurrent_scan(
            advance_many_and_record, arrays, carry, blocks, checkpoint=checkpoint
        )
        spikes = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), spikes)
        if end < last:
            carry, more = scan(advance, carry, end, last)
            spikes = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), spikes, more)
    if last < n_steps:
        carry, _ = scan(advance_silently, carry, last, n_steps)
    return recorded | ({} if spikes is None else {"spikes": spikes}), carry


# --- checks ----------------------------------------------------------------------------------


def _check_length(length: Any, n_steps: int) -> None:
    if length is None or isinstance(length, jax.core.Tracer):
        return
    if not 1 <= int(length) <= n_steps:
        raise ValueError(f"`length` must be from 1 to the {n_steps} steps there are, got {length}.")


def _precision(state: State, inputs: Any, dt: Array) -> Any:
    """The floating point type of the state, in which time is counted too."""
    floats = [a.dtype for a in jax.tree.leaves(state.x) if jnp.issubdtype(a.dtype, jnp.inexact)]
    own = floats[0] if floats else dt.dtype
    for leaf in jax.tree.leaves(inputs) if isinstance(inputs, Drive) else ():
        if jnp.issubdtype(leaf.dtype, jnp.inexact) and leaf.dtype.itemsize > own.itemsize:
            raise TypeError(
                f"The inputs are {leaf.dtype}, but the state is {own}: convert the inputs with "
                ".astype, or build the model in double precision too."
            )
    return own


def _initial(system, dt, trial, keys, n_trials):
    def one(trial, key, _):
        own = resolve(system, trial)
        if starts_from_first(own, trial):
            return State(own.infer(trial.targets[0]))
        return own.initial_state(dt=dt, trial=trial, key=key)

    init_keys = None if keys is None else keys[:, 0]
    return jax.vmap(one)(trial, init_keys, jnp.arange(n_trials))


def _keys(key, first_trial, n_trials):
    """Two keys of each trial, one for its initial state and one for its steps."""
    if key is None:
        return None
    numbers = first_trial + jnp.arange(n_trials, dtype=jnp.uint32)
    return jax.vmap(jax.random.split)(jax.vmap(jax.random.fold_in, (None, 0))(key, numbers))


def _first(state, inputs, trial, keys, dt):
    """State, drive, trial and key of the first trial in its first step."""
    state, trial, keys = jax.tree.map(lambda a: a[0], (state, trial, keys))
    if isinstance(inputs, Drive):
        drive = jax.tree.map(lambda a: a[0, 0], inputs)
    else:
        drive = as_drive(inputs(jnp.zeros((), dt.dtype)))
    return state, drive, trial, None if keys is None else keys[1]


def _check_current(system, state, inputs, trial, interventions, dt, keys) -> None:
    """Refuse currents that change nothing, of the inputs or of interventions."""
    if isinstance(inputs, Drive) and inputs.current is None and not interventions:
        return
    one, drive, trial_of_one, key = _first(state, inputs, trial, keys, dt)
    for each in interventions:
        drive = each.on_drive(jnp.zeros((), dt.dtype), drive)
    axis = unit_axis(system, shapes_of(system, state, trial, dt))
    n = None if axis is None else axis[1]
    check_current(system, one, drive, trial_of_one, dt=dt, n_units=n, key=key)


def _check_changes(system, state, batch, trial, interventions, dt, key) -> None:
    """Refuse changed systems that differ in what no step reads; nothing is run."""
    changes = [each for each in interventions if isinstance(each, WeightChange)]
    if not changes:
        return
    system = resolve(system)

    def first():
        keys = _keys(key, 0, batch.n_trials)
        start = _initial(system, dt, trial, keys, batch.n_trials) if state is None else state
        return _first(start, batch.source, trial, keys, dt)

    one = eqx.filter_eval_shape(first)
    for each in changes:
        check_change(system, each.changed, *one, dt=dt)


def _check_noise(system, state, inputs, trial, key) -> bool:
    """Whether the system is stochastic; if it is there must be a key."""
    if not isinstance(system, AbstractFlow):
        return False

    def amplitude():
        one, u, trial_of_one, _ = _first(state, inputs, trial, None, jnp.zeros(()))
        return resolve(system, trial_of_one).diffusion(jnp.zeros(()), one, u)

    noisy = eqx.filter_eval_shape(amplitude) is not None
    if noisy and key is None:
        raise ValueError(
            f"This {type(system).__name__} has noise: pass `key=` (a seed, e.g. key=0)."
        )
    return noisy
