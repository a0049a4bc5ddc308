"""The compiled part of :func:`neurodyn.integrate`: a scan over the steps, or one fused kernel."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from neurodyn.engine import stepping
from neurodyn.engine.abilities import SupportsFused
from neurodyn.engine.noise import standard_normal
from neurodyn.engine.placement import by_unit
from neurodyn.engine.plan import Plan
from neurodyn.engine.record import Trajectory, is_finite, observe, only_trial, pack_spikes
from neurodyn.engine.solvers import check_noise_solver
from neurodyn.engine.start import (
    check_currents,
    has_drive_noise,
    initial_states,
    is_noisy,
    precision,
    trial_keys,
)
from neurodyn.kernels import over_batch, recurrent_scan
from neurodyn.params import with_values
from neurodyn.system import AbstractFlow, Drive, State


@eqx.filter_jit
def execute(plan: Plan) -> Trajectory:
    """Run a plan in one compiled program; on a mesh, each device runs its own trials."""
    keys = trial_keys(plan.key, plan.first_trial, plan.n_trials)
    arrays, static = eqx.partition(plan, eqx.is_array)

    def run(arrays: Plan, keys: Any, trials: Any) -> dict[str, Any]:
        return vars(steps(eqx.combine(arrays, static)._replace(n_trials=len(trials)), keys))

    arguments = (arrays, keys, jnp.arange(plan.n_trials))
    axes: Any = Plan(*(None,) * len(plan))
    axes = axes._replace(inputs=1 if plan.held else None, state=0, trial=0)
    # Axes are no arrays, so that a Trajectory of them would have the wrong types.
    out = {"ts": None, "variables": 1, "outputs": 1, "spikes": 1, "final_state": 0, "stats": 0}
    return Trajectory(**over_batch(run, arguments, (axes, 0, 0), out, plan.n_trials))


def steps(plan: Plan, keys: Any) -> Trajectory:
    """Run a plan with these keys of its trials, as a part of a compiled program."""
    system = with_values(plan.system)
    state = plan.state
    if state is None:
        state = initial_states(system, plan.dt, plan.trial, keys, plan.n_trials)
    check_currents(system, state, plan, keys)
    dt = plan.dt.astype(precision(state, plan.inputs, plan.dt))
    noisy = is_noisy(system, state, plan)
    if isinstance(system, AbstractFlow):
        check_noise_solver(plan.solver, noisy)
    context = stepping.Context(
        system=system,
        dt=dt,
        solver=plan.solver,
        force=plan.force,
        interventions=plan.interventions,
        trial=plan.trial,
        noise_keys=None if keys is None else keys[:, 1],
        noisy=noisy,
        drive_noise=has_drive_noise(system),
        start=plan.start,
        signal=None if isinstance(plan.inputs, Drive) else plan.inputs,
    )
    steps_of = _fused if _fuses(plan, context, state) else _scanned
    recorded, final, seen = steps_of(plan, context, state)
    outputs = recorded.get("outputs")
    if plan.save.outputs == "last":
        ran = stepping.running(context, plan.last_step)
        outputs = jax.vmap(lambda s, tr: with_values(ran, tr).readout(s))(seen, plan.trial)[None]
    first, last = plan.window
    numbers = jnp.arange(first, last, dtype=jnp.int32)[plan.save.every - 1 :: plan.save.every]
    done = Trajectory(
        ts=(plan.start + 1 + numbers).astype(dt.dtype) * dt,
        variables=recorded.get("variables", {}),
        outputs=outputs,
        spikes=recorded.get("spikes"),
        final_state=final,
        stats={"finite": jax.vmap(is_finite)(final.x)},
    )
    return done if plan.batched else only_trial(done, spikes_axis=1)


# --- the fused path --------------------------------------------------------------------------


def _fuses(plan: Plan, context: stepping.Context, state: State) -> bool:
    """Whether the system's own kernel does all that this run asks for."""
    system, inputs = context.system, plan.inputs
    return (
        isinstance(system, SupportsFused)
        and system.can_fuse
        and isinstance(inputs, Drive)
        and inputs.input is not None
        and inputs.current is None
        and type(plan.solver) is diffrax.Euler
        and plan.force is None
        and not plan.interventions
        and plan.trial is None
        and state.memory is None
        and plan.save.every == 1
        and plan.window == (0, plan.n_steps)
        and plan.save.units is None  # the kernel keeps the states of all units
    )


def _fused(plan: Any, context: stepping.Context, state: State) -> tuple[dict, State, State]:
    system: Any = context.system
    save, length, inputs = plan.save, plan.length, plan.inputs.input
    numbers = jnp.arange(plan.n_steps, dtype=jnp.int32)
    noise = None
    if context.noisy or context.drive_noise:
        draw = jax.vmap(jax.vmap(standard_normal, (0, None, 0, None)), (None, 0, None, 0))
        runs = None if length is None else numbers < length
        noise = draw(context.noise_keys, context.start + numbers, state.x, runs)
    last = save.outputs != "every" and not save.variables
    x = system.fused(inputs, state.x, dt=context.dt, noise=noise, length=length, last=last)
    if last:
        return {}, State(x), State(x)
    reader = jax.tree.map(lambda a: _row_by_row(a) if _is_matrix(a) else a, system)
    recorded = jax.vmap(jax.vmap(lambda x: observe(reader, State(x), save)))(x)
    recorded = jax.tree.map(_with_stored_gradient, recorded)
    if length is not None:
        valid = numbers < length
        recorded = jax.tree.map(
            lambda a: jnp.where(valid.reshape(-1, *(1,) * (a.ndim - 1)), a, jnp.zeros_like(a)),
            recorded,
        )
    final = State(jax.tree.map(lambda a: a[plan.last_step], x))
    return recorded, final, final


def _is_matrix(leaf: Any) -> bool:
    return eqx.is_inexact_array(leaf) and leaf.ndim == 2


@jax.custom_jvp
def _row_by_row(W: Float[Array, "unit output"]) -> Float[Array, "unit output"]:
    """``W``, whose gradient is the transpose of a product of rows.

    The gradient of a readout of all states is the product of (unit, state) and (state, output).
    Its transpose takes a third of the time on CPUs, because neither factor is copied into another
    order first. The compiler would undo that choice without a barrier.
    """
    return W


@_row_by_row.defjvp
def _(primals, tangents):
    return primals[0], lax.optimization_barrier(tangents[0].T).T


@jax.custom_jvp
def _with_stored_gradient(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``x``, whose cotangent is computed once; the compiler would repeat it for each use."""
    return x


@_with_stored_gradient.defjvp
def _(primals, tangents):
    return primals[0], lax.optimization_barrier(tangents[0])


# --- the generic path ------------------------------------------------------------------------


def _scanned(plan: Plan, context: stepping.Context, state: State) -> tuple[dict, State, State]:
    """Records, the state after the last step, and the same state as it is recorded."""
    save, apart, n_steps = plan.save, plan.apart, plan.n_steps
    state = by_unit(state, context.system)
    arrays, static = eqx.partition(context, eqx.is_array)
    xs = (jnp.arange(n_steps, dtype=jnp.int32), plan.inputs if plan.held else None)
    carry = (state, state) if apart else state

    def advance(arrays, carry, x):
        state = carry[0] if apart else carry
        state, seen, spikes = stepping.step(eqx.combine(arrays, static), state, *x)
        state = by_unit(state, context.system)
        return (state, seen) if apart else state, pack_spikes(spikes, save)

    def advance_silently(arrays, carry, x):
        return advance(arrays, carry, x)[0], None

    def record(arrays, carry, k):
        context = eqx.combine(arrays, static)
        ran = stepping.running(context, k)
        see = jax.vmap(lambda s, tr: observe(with_values(ran, tr), s, save))
        return see(carry[1] if apart else carry, context.trial)

    def advance_and_record(arrays, carry, x):
        carry, spikes = advance(arrays, carry, x)
        return carry, (record(arrays, carry, x[0]), spikes)

    def advance_many_and_record(arrays, carry, xs):
        carry, spikes = recurrent_scan(advance, arrays, carry, xs, checkpoint=plan.checkpoint)
        return carry, (record(arrays, carry, xs[0][-1]), spikes)

    def scan(step, carry, first, last, length=None):
        part = jax.tree.map(lambda a: a[first:last], xs)
        return recurrent_scan(step, arrays, carry, part, length=length, checkpoint=plan.checkpoint)

    first, last = plan.window
    if first:
        carry, _ = scan(advance_silently, carry, 0, first)
    if save.every == 1:
        carry, (recorded, spikes) = scan(advance_and_record, carry, first, last, plan.length)
    else:
        end = last - (last - first) % save.every
        blocks = jax.tree.map(lambda a: a[first:end].reshape(-1, save.every, *a.shape[1:]), xs)
        carry, (recorded, spikes) = recurrent_scan(
            advance_many_and_record, arrays, carry, blocks, checkpoint=plan.checkpoint
        )
        spikes = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), spikes)
        if end < last:
            carry, more = scan(advance, carry, end, last)
            spikes = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), spikes, more)
    if last < n_steps:
        carry, _ = scan(advance_silently, carry, last, n_steps)
    final, seen = carry if apart else (carry, carry)
    return recorded | ({} if spikes is None else {"spikes": spikes}), final, seen
