"""The fixed-clock driver: diffrax's solvers, events, maps and noise in one scan."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from neurodyn.drive import Drive
from neurodyn.intervene import AbstractIntervention
from neurodyn.kernels import recurrent_scan
from neurodyn.params import resolve
from neurodyn.system import (
    AbstractFlow,
    AbstractMap,
    AbstractSpiking,
    AbstractSystem,
    ChecksStep,
    State,
    SupportsFused,
    as_key,
)

__all__ = ["Save", "Trajectory", "integrate"]


class Save(NamedTuple):
    """What a run records; nothing else is kept.

    Attributes
    ----------
    variables
        Names out of ``system.variables()``.
    every
        Record each ``every``-th step (samples k with ``(k + 1) % every == 0``).
    window
        Record only samples in ``(start, stop]`` [ms of the run]; None: all.
    outputs
        ``"every"`` recorded step, only the ``"last"`` step, or None.
    spikes
        ``"dense"``: 0/1 floats; ``"packed"``: 32 units to a ``uint32`` word; None: not recorded.
        Spikes are recorded at every step, whatever ``every`` says.
    """

    variables: tuple[str, ...] = ()
    every: int = 1
    window: tuple[float, float] | None = None
    outputs: Literal["every", "last"] | None = "every"
    spikes: Literal["dense", "packed"] | None = None


class Trajectory(eqx.Module):
    """What a run recorded, time-major.

    Attributes
    ----------
    ts
        Times of the recorded samples [ms of the run]: sample k is the state after input k, at
        ``(k + 1) dt``.
    variables
        Recorded variables, ``(time, *batch, ...)``.
    outputs
        Readouts, ``(time, *batch, output)``; a single time step with ``outputs="last"``.
    spikes
        Recorded spikes, ``(step, *batch, unit or word)``; spike times from :func:`solve`.
    final_state
        State after the last step, with leading batch axis; pass it on as ``state``.
    stats
        ``finite``: whether the final state of each trial is finite.
    """

    ts: Float[Array, " time"]
    variables: dict[str, Array]
    outputs: Array | None
    spikes: PyTree
    final_state: State
    stats: dict[str, Array]


def integrate(
    system: AbstractSystem,
    inputs: Any = None,
    *,
    dt: float,
    solver: diffrax.AbstractSolver | None = None,
    state: State | None = None,
    key: Any = None,
    save: Save | None = None,
    force: Callable[[Any, State, Drive], State] | None = None,
    interventions: Sequence[AbstractIntervention] = (),
    trial: PyTree = None,
    length: Int[Array, ""] | int | None = None,
    n_steps: int | None = None,
    n_trials: int | None = None,
    first_trial: int = 0,
    start: int = 0,
    checkpoint: bool = True,
    method: Literal["sequential"] = "sequential",
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
    _check_save(system, save, length)
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
        _window_steps(save, dt, n_steps),
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
    run = _run_fused if fused else _run_scan
    recorded, final = run(
        _Context(system, dt, solver, force, interventions, trial, noise_keys, noisy, start),
        inputs,
        state,
        save,
        length,
        n_steps,
        checkpoint,
        window,
    )
    first, last = window
    steps = jnp.arange(first, last, dtype=jnp.int32)[save.every - 1 :: save.every]
    outputs = recorded.get("outputs")
    if save.outputs == "last":
        outputs = jax.vmap(_readout, (None, None, 0))(system, None, final)[None]
        if trial is not None:
            outputs = jax.vmap(_readout, (None, 0, 0))(system, trial, final)[None]
    return Trajectory(
        ts=(start + 1 + steps).astype(dt.dtype) * dt,
        variables=recorded.get("variables", {}),
        outputs=outputs,
        spikes=recorded.get("spikes"),
        final_state=final,
        stats={"finite": jax.vmap(_finite)(final.x)},
    )


class _Context(NamedTuple):
    """What stays the same over the steps of a run."""

    system: Any
    dt: Any
    solver: Any
    force: Any
    interventions: Any
    trial: Any
    noise_keys: Any
    noisy: Any
    start: Any


# --- the fused path --------------------------------------------------------------------------


def _run_fused(context, inputs, state, save, length, n_steps, checkpoint, window):
    system = context.system
    noise = None
    if context.noisy:
        steps = context.start + jnp.arange(n_steps, dtype=jnp.int32)
        draw = jax.vmap(jax.vmap(_normal, (0, None, 0)), (None, 0, None))
        noise = draw(context.noise_keys, steps, state.x)
    x = system.fused(inputs.input, state.x, dt=context.dt, noise=noise, length=length)

    def each(f):
        return jax.vmap(jax.vmap(lambda x: f(State(x))))(x)

    recorded = {}
    if save.variables:
        recorded["variables"] = each(lambda s: _pick(system.observe(s), save.variables))
    if save.outputs == "every":
        outputs = each(system.readout)
        if length is not None:
            valid = jnp.arange(n_steps) < length
            outputs = jnp.where(valid[:, None, None], outputs, jnp.zeros((), outputs.dtype))
        recorded["outputs"] = outputs
    last = n_steps - 1 if length is None else jnp.asarray(length) - 1
    return recorded, State(jax.tree.map(lambda a: a[last], x))


# --- the generic path ------------------------------------------------------------------------


def _run_scan(context, inputs, state, save, length, n_steps, checkpoint, window):
    arrays, static = eqx.partition(context, eqx.is_array)
    held = not isinstance(inputs, Drive)  # a callable of time is a constant of the run
    if held:
        source, source_static = eqx.partition(inputs, eqx.is_array)
        xs = jnp.arange(n_steps, dtype=jnp.int32)
    else:
        source, source_static = None, None
        xs = (jnp.arange(n_steps, dtype=jnp.int32), inputs)

    def unpack(params, x):
        context = eqx.combine(params[0], static)
        if held:
            u = eqx.combine(params[1], source_static)
            return context, x, lambda t: _as_drive(u(t)), None
        k, u = x
        return context, k, None, u

    def step(params, state, x):
        context, k, u_of, u = unpack(params, x)
        return _step(context, state, k, u_of, u)

    def record(params, state):
        context = eqx.combine(params[0], static)
        return _record(context, state, save)

    params = (arrays, source)

    def segment(state, first, last, save_here):
        here = jax.tree.map(lambda a: a[first:last], xs)
        every = save.every if save_here else 1
        if every == 1:

            def one(params, state, x):
                state, spikes = step(params, state, x)
                y = record(params, state) if save_here else {}
                return state, (y, _pack(spikes, save.spikes) if save_here else None)

            return recurrent_scan(one, params, state, here, length=length, checkpoint=checkpoint)

        whole = (last - first) // every
        blocks = jax.tree.map(
            lambda a: a[: whole * every].reshape(whole, every, *a.shape[1:]), here
        )

        def inner(params, state, x):
            state, spikes = step(params, state, x)
            return state, _pack(spikes, save.spikes)

        def block(params, state, xs):
            state, spikes = recurrent_scan(inner, params, state, xs, checkpoint=checkpoint)
            return state, (record(params, state), spikes)

        state, (ys, spikes) = recurrent_scan(block, params, state, blocks, checkpoint=checkpoint)
        spikes = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), spikes)
        rest = jax.tree.map(lambda a: a[whole * every :], here)
        state, more = recurrent_scan(inner, params, state, rest, checkpoint=checkpoint)
        spikes = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), spikes, more)
        return state, (ys, spikes)

    first, last = window
    if first:
        state, _ = segment(state, 0, first, save_here=False)
    state, (recorded, spikes) = segment(state, first, last, save_here=True)
    if last < n_steps:
        state, _ = segment(state, last, n_steps, save_here=False)
    if spikes is not None:
        recorded["spikes"] = spikes
    return recorded, state


def _step(context, state, k, u_of, u):
    """One step of all trials."""
    number = context.start + k
    t = number.astype(context.dt.dtype) * context.dt
    system = context.system
    for intervention in context.interventions:
        system = intervention.on_system(t, system)

    def one(state, u, trial, key):
        own = system if trial is None else resolve(system, trial)
        key = None if key is None else jax.random.fold_in(key, number)

        def drive(s):
            now = u if u_of is None else u_of(t + s)
            for intervention in context.interventions:
                now = intervention.on_drive(t, now)
            return now

        spikes = None
        if isinstance(own, AbstractMap):
            state = own.update(state, drive(0.0), key=key)
        else:
            state = state._replace(x=_advance(context, own, t, state, drive, key))
        if isinstance(own, AbstractSpiking):
            spikes = own.spike(own.crossing(state))
            later = None if key is None else jax.random.fold_in(key, 1)
            state = own.after(t, context.dt, state, spikes, drive(0.0), key=later)
        for intervention in context.interventions:
            state = intervention.on_state(t, state)
        if context.force is not None:
            state = context.force(t + context.dt, state, drive(0.0))
        return state, spikes

    return jax.vmap(one)(state, u, context.trial, context.noise_keys)


def _advance(context, system, t, state, drive, key):
    """``state.x`` after one step of the solver, in time local to the step."""

    def drift(s, x, _):
        return system.drift(t + s, state._replace(x=x), drive(s))

    terms = diffrax.ODETerm(drift)
    if context.noisy:

        def diffusion(s, x, _):
            amplitude = system.diffusion(t + s, state._replace(x=x), drive(s))
            return lx.DiagonalLinearOperator(amplitude)

        path = _Increment(key, state.x, context.dt)
        terms = diffrax.MultiTerm(terms, diffrax.ControlTerm(diffusion, path))
    zero = jnp.zeros((), context.dt.dtype)
    args = (terms, zero, context.dt, state.x, None)
    # The solver's own state only carries the last stage over, which a jump makes invalid anyway.
    blank = jax.tree.map(
        lambda s: jnp.zeros(s.shape, s.dtype), eqx.filter_eval_shape(context.solver.init, *args)
    )
    x, *_ = context.solver.step(*args, blank, made_jump=True)
    return x


class _Increment(diffrax.AbstractPath):
    """Brownian increment over one step, with its space-time Levy area where a solver asks."""

    key: PRNGKeyArray
    like: PyTree
    dt: Float[Array, ""]

    @property
    def t0(self):
        return -jnp.inf

    @property
    def t1(self):
        return jnp.inf

    def evaluate(self, t0, t1=None, left=True, use_levy=False):
        del t0, t1, left
        w = _scale(_draw(self.key, self.like), jnp.sqrt(self.dt))
        if not use_levy:
            return w
        area_key = jax.random.fold_in(self.key, 2)
        h = _scale(_draw(area_key, self.like), jnp.sqrt(self.dt / 12))
        return diffrax.SpaceTimeLevyArea(dt=self.dt, W=w, H=h)


def _scale(tree: PyTree, factor: Float[Array, ""]) -> PyTree:
    return jax.tree.map(lambda a: a * factor.astype(a.dtype), tree)


def _draw(key: PRNGKeyArray, like: PyTree) -> PyTree:
    leaves, structure = jax.tree.flatten(like)
    if len(leaves) == 1:
        return structure.unflatten([jax.random.normal(key, leaves[0].shape, leaves[0].dtype)])
    keys = jax.random.split(key, len(leaves))
    draws = [jax.random.normal(k, a.shape, a.dtype) for k, a in zip(keys, leaves, strict=True)]
    return structure.unflatten(draws)


def _normal(trial_key: PRNGKeyArray, number: Int[Array, ""], like: PyTree) -> PyTree:
    return _draw(jax.random.fold_in(trial_key, number), like)


# --- recording -------------------------------------------------------------------------------


def _record(context, state, save):
    recorded = {}

    def one(state, trial):
        own = context.system if trial is None else resolve(context.system, trial)
        out = {}
        if save.variables:
            out["variables"] = _pick(own.observe(state), save.variables)
        if save.outputs == "every":
            out["outputs"] = own.readout(state)
        return out

    if save.variables or save.outputs == "every":
        recorded = jax.vmap(one)(state, context.trial)
    return recorded


def _readout(system, trial, state):
    return (system if trial is None else resolve(system, trial)).readout(state)


def _pick(variables: dict[str, Array], names: tuple[str, ...]) -> dict[str, Array]:
    return {name: variables[name] for name in names}


def _pack(spikes: Array | None, how: str | None) -> Array | None:
    if spikes is None or how is None:
        return None
    if how == "dense":
        return spikes
    words = -(-spikes.shape[-1] // 32)
    bits = jnp.pad(spikes > 0, [(0, 0), (0, words * 32 - spikes.shape[-1])])
    bits = bits.reshape(*bits.shape[:-1], words, 32).astype(jnp.uint32)
    return jnp.sum(bits << jnp.arange(32, dtype=jnp.uint32)[None, None, :], -1, dtype=jnp.uint32)


def _finite(x: PyTree) -> Bool[Array, ""]:
    leaves = [jnp.isfinite(a).all() for a in jax.tree.leaves(x)]
    return jnp.stack(leaves).all()


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


def _check_save(system: AbstractSystem, save: Save, length: Any) -> None:
    unknown = set(save.variables) - set(system.variables())
    if unknown:
        raise ValueError(
            f"{type(system).__name__} has no variables {sorted(unknown)}; "
            f"it has {sorted(system.variables())}."
        )
    if save.every < 1:
        raise ValueError(f"Save: `every` counts steps, so it is at least 1; got {save.every}.")
    if length is not None and (save.every != 1 or save.window is not None):
        raise ValueError("`length` cannot be combined with Save(every=...) or Save(window=...).")
    if save.outputs not in ("every", "last", None):
        raise ValueError(f"Save: outputs is 'every', 'last' or None, got {save.outputs!r}.")
    if save.spikes not in ("dense", "packed", None):
        raise ValueError(f"Save: spikes is 'dense', 'packed' or None, got {save.spikes!r}.")
    if save.spikes and not isinstance(system, AbstractSpiking):
        raise ValueError(f"{type(system).__name__} does not spike: leave Save(spikes=None).")


def _window_steps(save: Save, dt: Any, n_steps: int) -> tuple[int, int]:
    if save.window is None:
        return 0, n_steps
    if isinstance(dt, jax.core.Tracer):
        raise ValueError("Save(window=...) needs a concrete `dt`.")
    first, last = (round(edge / float(dt)) for edge in save.window)
    if not 0 <= first < last <= n_steps:
        raise ValueError(
            f"Save: the window {save.window} ms is not inside the run of {n_steps * float(dt)} ms."
        )
    return first, last


def _normalise(system, inputs, n_steps, n_trials):
    """Inputs as a Drive of time-major arrays with one batch axis, or as a callable."""
    if inputs is None or (callable(inputs) and not isinstance(inputs, Drive)):
        if n_steps is None:
            raise ValueError("Without input arrays, say how long to run: pass `n_steps=`.")
        batched = n_trials is not None
        source = Drive() if inputs is None else inputs
        return source, n_steps, 1 if n_trials is None else n_trials, batched
    drive = _as_drive(inputs)
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


def _as_drive(inputs: Any) -> Drive:
    return inputs if isinstance(inputs, Drive) else Drive(input=inputs)


def _initial(system, dt, trial, keys, n_trials):
    def one(trial, key, _):
        own = system if trial is None else resolve(system, trial)
        return own.initial_state(dt=dt, trial=trial, key=key)

    init_keys = None if keys is None else keys[:, 0]
    return jax.vmap(one)(trial, init_keys, jnp.arange(n_trials))


def _check_noise(system, state, inputs, trial, key) -> bool:
    """Whether the system is stochastic; if it is there must be a key."""
    if not isinstance(system, AbstractFlow):
        return False

    def amplitude():
        one = jax.tree.map(lambda a: a[0], (state, trial))
        own = system if trial is None else resolve(system, one[1])
        t = jnp.zeros(())
        if isinstance(inputs, Drive):
            u = jax.tree.map(lambda a: a[0, 0], inputs)
        else:
            u = _as_drive(inputs(t))
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
