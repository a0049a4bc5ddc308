"""The fixed-clock driver: diffrax's solvers, events, maps and noise in one scan."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from neurodyn import stepping
from neurodyn.drive import Drive, as_drive
from neurodyn.intervene import AbstractIntervention, check_units
from neurodyn.kernels import recurrent_scan
from neurodyn.params import resolve
from neurodyn.recording import (
    Save,
    Trajectory,
    check_save,
    is_finite,
    observe,
    pack_spikes,
    window_steps,
)
from neurodyn.system import (
    AbstractFlow,
    AbstractMap,
    AbstractSystem,
    ChecksStep,
    State,
    SupportsFused,
    as_key,
)

__all__ = ["Save", "Trajectory", "integrate"]


def integrate(
    system: AbstractSystem | Any,
    inputs: Any = None,
    *,
    dt: float | int | Float[Array, ""],
    solver: diffrax.AbstractSolver | Any = None,
    state: State | None = None,
    key: Any = None,
    save: Save | None = None,
    force: Callable[[Any, State, Drive], State] | None = None,
    interventions: Sequence[AbstractIntervention] = (),
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
        Step [ms]. For maps it only labels time.
    solver
        Any diffrax solver with a fixed step; default ``diffrax.Euler()``. Stochastic systems:
        ``Euler`` (Ito), ``EulerHeun``, ``Heun``, ``ItoMilstein``..., and those that need a
        space-time Levy area.
    state
        Start from here (with leading batch axis where ``inputs`` has one) instead of
        ``system.initial_state``.
    key
        Seed or key. What trial i draws at step t depends on ``(key, first_trial + i, start + t)``
        only, so cutting a run into chunks of trials or time changes nothing.
    save
        What to record; default: outputs at every step.
    force
        ``(t, state, u) -> state``, applied to each trial after each step (teacher forcing).
    interventions
        Applied in order, see :mod:`neurodyn.intervene`.
    trial
        The running trials (batched), for parameters indexed by sequence or subject.
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
    if not isinstance(dt, jax.core.Tracer):
        if not float(dt) > 0:
            raise ValueError(f"`dt` must be a positive number of ms, got {dt}.")
        if isinstance(system, ChecksStep):
            system.check_step(float(dt))
    save = Save() if save is None else save
    solver = diffrax.Euler() if solver is None else solver
    _check_solver(solver)
    check_save(system, save, length)
    inputs, n_steps, n_trials, batched = _normalise(system, inputs, n_steps, n_trials)
    if not batched:
        state, trial = jax.tree.map(lambda a: jnp.asarray(a)[None], (state, trial))
    run = _run(
        system,
        inputs,
        jnp.asarray(dt, jnp.result_type(float)),
        solver,
        state,
        as_key(key),
        save,
        force,
        tuple(interventions),
        trial,
        None if length is None else jnp.asarray(length, jnp.int32),
        n_steps,
        n_trials,
        jnp.asarray(first_trial, jnp.uint32),
        jnp.asarray(start, jnp.int32),
        checkpoint,
        window_steps(save, dt, n_steps),
    )
    return run if batched else _squeeze(run)


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
    interventions,
    trial,
    length,
    n_steps,
    n_trials,
    first_trial,
    start,
    checkpoint,
    window,
) -> Trajectory:
    system = resolve(system)
    keys = None
    if key is not None:
        numbers = first_trial + jnp.arange(n_trials, dtype=jnp.uint32)
        keys = jax.vmap(jax.random.split)(jax.vmap(jax.random.fold_in, (None, 0))(key, numbers))
    if state is None:
        state = _initial(system, dt, trial, keys, n_trials)
    if interventions:
        check_units(interventions, system, state, trial)
    noise_keys = None if keys is None else keys[:, 1]
    noisy = _check_noise(system, state, inputs, trial, key)
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
    drive = inputs if held else None
    if fused:
        recorded, final = _run_fused(context, drive, state, save, length)
    else:
        recorded, final = _run_scan(
            context, drive, state, save, length, window, n_steps, checkpoint
        )
    first, last = window
    steps = jnp.arange(first, last, dtype=jnp.int32)[save.every - 1 :: save.every]
    outputs = recorded.get("outputs")
    if save.outputs == "last":
        ran = stepping.running(context, n_steps - 1 if length is None else length - 1)
        outputs = jax.vmap(lambda s, tr: resolve(ran, tr).readout(s))(final, trial)[None]
    return Trajectory(
        ts=(start + 1 + steps).astype(dt.dtype) * dt,
        variables=recorded.get("variables", {}),
        outputs=outputs,
        spikes=recorded.get("spikes"),
        final_state=final,
        stats={"finite": jax.vmap(is_finite)(final.x)},
    )


# --- the fused path --------------------------------------------------------------------------


def _run_fused(context, drive, state, save, length):
    system, n_steps = context.system, drive.input.shape[0]
    noise = None
    if context.noisy:
        steps = context.start + jnp.arange(n_steps, dtype=jnp.int32)
        draw = jax.vmap(jax.vmap(stepping.standard_normal, (0, None, 0)), (None, 0, None))
        noise = draw(context.noise_keys, steps, state.x)
    x = system.fused(drive.input, state.x, dt=context.dt, noise=noise, length=length)
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


def _run_scan(context, drive, state, save, length, window, n_steps, checkpoint):
    arrays, static = eqx.partition(context, eqx.is_array)
    xs = (jnp.arange(n_steps, dtype=jnp.int32), drive)

    def advance(arrays, state, x):
        state, spikes = stepping.step(eqx.combine(arrays, static), state, *x)
        return state, pack_spikes(spikes, save.spikes)

    def advance_silently(arrays, state, x):
        return advance(arrays, state, x)[0], None

    def record(arrays, state, k):
        context = eqx.combine(arrays, static)
        ran = stepping.running(context, k)
        see = jax.vmap(lambda s, tr: observe(resolve(ran, tr), s, save))
        return see(state, context.trial)

    def advance_and_record(arrays, state, x):
        state, spikes = advance(arrays, state, x)
        return state, (record(arrays, state, x[0]), spikes)

    def advance_many_and_record(arrays, state, xs):
        state, spikes = recurrent_scan(advance, arrays, state, xs, checkpoint=checkpoint)
        return state, (record(arrays, state, xs[0][-1]), spikes)

    def scan(step, state, first, last, length=None):
        part = jax.tree.map(lambda a: a[first:last], xs)
        return recurrent_scan(step, arrays, state, part, length=length, checkpoint=checkpoint)

    first, last = window
    if first:
        state, _ = scan(advance_silently, state, 0, first)
    if save.every == 1:
        state, (recorded, spikes) = scan(advance_and_record, state, first, last, length)
    else:
        end = last - (last - first) % save.every
        blocks = jax.tree.map(lambda a: a[first:end].reshape(-1, save.every, *a.shape[1:]), xs)
        state, (recorded, spikes) = recurrent_scan(
            advance_many_and_record, arrays, state, blocks, checkpoint=checkpoint
        )
        spikes = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), spikes)
        if end < last:
            state, more = scan(advance, state, end, last)
            spikes = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), spikes, more)
    if last < n_steps:
        state, _ = scan(advance_silently, state, last, n_steps)
    return recorded | ({} if spikes is None else {"spikes": spikes}), state


# --- checks ----------------------------------------------------------------------------------


def _check_solver(solver: Any) -> None:
    if not isinstance(solver, diffrax.AbstractSolver):
        raise TypeError(f"`solver` must be a diffrax solver, got {type(solver).__name__}.")
    if isinstance(
        solver, (diffrax.ReversibleHeun, diffrax.LeapfrogMidpoint, diffrax.SemiImplicitEuler)
    ):
        raise ValueError(
            f"{type(solver).__name__} carries state across steps or splits the state in two, which "
            "inputs that jump and spikes would invalidate. Use Heun or Tsit5 here, or nd.solve."
        )
    if isinstance(solver, diffrax.AbstractImplicitSolver) and not isinstance(
        solver.root_finder.rtol, (int, float, jax.Array)
    ):
        raise ValueError(
            f"{type(solver).__name__} solves an equation in each step and, without an adaptive "
            "step, needs its own tolerance: pass "
            f"{type(solver).__name__}(root_finder=diffrax.VeryChord(rtol=1e-5, atol=1e-6))."
        )


def _normalise(system, inputs, n_steps, n_trials):
    """Inputs as a Drive of time-major arrays with one batch axis, or as a callable."""
    if inputs is None or (callable(inputs) and not isinstance(inputs, Drive)):
        if n_steps is None:
            raise ValueError("Without input arrays, say how long to run: pass `n_steps=`.")
        batched = n_trials is not None
        source = Drive() if inputs is None else inputs
        return source, n_steps, 1 if n_trials is None else n_trials, batched
    drive = as_drive(inputs)
    drive = jax.tree.map(jnp.asarray, drive)
    if drive.input is not None:
        shape = drive.input.shape
        if len(shape) not in (2, 3) or shape[-1] != system.n_inputs:
            raise ValueError(
                f"`inputs` must be (time, *batch, input) with {system.n_inputs} inputs and at most "
                f"one batch axis, got shape {shape}."
            )
    leaves = jax.tree.leaves(drive)
    if not leaves:
        return _normalise(system, None, n_steps, n_trials)
    lead = leaves[0] if drive.input is None else drive.input
    batched = lead.ndim == 3
    steps = lead.shape[0]
    if n_steps not in (None, steps) or (n_trials is not None and n_trials != lead.shape[1]):
        raise ValueError(
            f"The inputs have shape {lead.shape}, which contradicts n_steps={n_steps}, "
            f"n_trials={n_trials}; leave these out."
        )
    if steps == 0 or (batched and lead.shape[1] == 0):
        raise ValueError(f"The inputs are empty: shape {lead.shape}.")
    common = lead.shape[: 2 if batched else 1]
    for leaf in leaves:
        if leaf.shape[: len(common)] != common:
            raise ValueError(
                f"All parts of the drive need the same leading (time, *batch) axes: {common} "
                f"against {leaf.shape}."
            )
    if not batched:
        drive = jax.tree.map(lambda a: a[:, None], drive)
    return drive, steps, lead.shape[1] if batched else 1, batched


def _initial(system, dt, trial, keys, n_trials):
    def one(trial, key, _):
        return resolve(system, trial).initial_state(dt=dt, trial=trial, key=key)

    init_keys = None if keys is None else keys[:, 0]
    return jax.vmap(one)(trial, init_keys, jnp.arange(n_trials))


def _check_noise(system, state, inputs, trial, key) -> bool:
    """Whether the system is stochastic; if it is there must be a key."""
    if not isinstance(system, AbstractFlow):
        return False

    def amplitude():
        one = jax.tree.map(lambda a: a[0], (state, trial))
        own = resolve(system, one[1])
        t = jnp.zeros(())
        if isinstance(inputs, Drive):
            u = jax.tree.map(lambda a: a[0, 0], inputs)
        else:
            u = as_drive(inputs(t))
        return own.diffusion(t, one[0], u)

    noisy = eqx.filter_eval_shape(amplitude) is not None
    if noisy and key is None:
        raise ValueError(
            f"This {type(system).__name__} has noise: pass `key=` (a seed, e.g. key=0)."
        )
    return noisy


def _squeeze(run: Trajectory) -> Trajectory:

    def drop(tree):
        return jax.tree.map(lambda a: a[:, 0], tree)

    return Trajectory(
        ts=run.ts,
        variables=drop(run.variables),
        outputs=drop(run.outputs),
        spikes=drop(run.spikes),
        final_state=jax.tree.map(lambda a: a[0], run.final_state),
        stats=jax.tree.map(lambda a: a[0], run.stats),
    )
