"""One step of a run: solver, noise, events, interventions."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray, PyTree

from neurodyn import kernels
from neurodyn.engine.abilities import HasPotentials
from neurodyn.engine.drive import as_drive
from neurodyn.engine.intervene import AbstractIntervention
from neurodyn.engine.intervene.replaced import with_replaced
from neurodyn.engine.noise import AFTER, Increment, draw, filled, noisy_part
from neurodyn.params import with_values
from neurodyn.system import AbstractMap, AbstractSpiking, AbstractSystem, Drive, State


class Context(NamedTuple):
    """The parts of a run that stay the same over its steps.

    Attributes
    ----------
    system
        The resolved system (parameters indexed by trial still bound).
    dt
        Step [ms].
    solver, force, interventions, trial
        As given to :func:`neurodyn.integrate`.
    noise_keys
        One key per trial, or None.
    noisy
        Whether the system has diffusion.
    drive_noise
        Whether its noise is a current into its units.
    start
        Number of the first step.
    signal
        Input as a callable of time, or None where the steps bring it.
    """

    system: AbstractSystem
    dt: Float[Array, ""]
    solver: diffrax.AbstractSolver
    force: Callable[[Any, State, Drive], State] | None
    interventions: Sequence[AbstractIntervention]
    trial: PyTree
    noise_keys: Key[Array, " trial"] | None
    noisy: bool
    start: Int[Array, ""]
    signal: Callable[[Any], Any] | None
    drive_noise: bool = False


def running(context: Context, k: Any) -> Any:
    """The system that runs in step ``k``, which also reads out and observes the result."""
    t = (context.start + k).astype(context.dt.dtype) * context.dt
    system = with_replaced(context.interventions, t, context.system)
    for intervention in context.interventions:
        system = intervention.on_system(t, system)
    return system


def step(
    context: Context, state: PyTree, k: Any, drive: Drive | None
) -> tuple[PyTree, PyTree, Any]:
    """Advance all trials by step ``k``: new state, the same before `force`, and the spikes."""
    number = context.start + k
    t = number.astype(context.dt.dtype) * context.dt
    system = running(context, k)

    def one(state, drive, trial, key):
        own = with_values(system, trial)
        key = None if key is None else jax.random.fold_in(key, number)
        noise = _current_noise(own, context, key) if context.drive_noise else None

        def u(s):
            now = drive if context.signal is None else as_drive(context.signal(t + s))
            for intervention in context.interventions:
                now = intervention.on_drive(t, now)
            current = now.current
            if noise is not None:
                current = noise if current is None else current + noise
            return Drive(now.input, now.target, now.gate, current, step=number)

        spikes = None
        if isinstance(own, AbstractMap):
            state = own.update(state, u(0.0), key=key)
        else:

            def advanced(dt=context.dt):
                return _advance(context._replace(dt=dt), own, t, state, u, key)

            # Spike test, reset and records use the potentials, so compute these once. With noise
            # the draws cost most, and those are computed once anyway.
            often = isinstance(own, AbstractSpiking) and not context.noisy
            x = _advanced_once(context, own, advanced, state.x) if often else advanced()
            state = state._replace(x=x)
        if isinstance(own, AbstractSpiking):
            spikes = own.spike(own.crossing(state))
            later = None if key is None else jax.random.fold_in(key, AFTER)
            state = own.after(t, context.dt, state, spikes, u(0.0), key=later)
        for intervention in context.interventions:
            state = intervention.on_state(t, state)
        free = state
        if context.force is not None:
            state = context.force(t + context.dt, state, u(0.0))
        return state, free, spikes

    return jax.vmap(one)(state, drive, context.trial, context.noise_keys)


def _current_noise(
    system: Any, context: Context, key: PRNGKeyArray | None
) -> Float[Array, " unit"]:
    """The random current of one step, the same number for each unit as in a fused run."""
    std = system.drive_noise(context.dt)
    return std * draw(key, jnp.zeros_like(std))


def _advance(context, system, t, state, u, key):
    """``state.x`` after one step of the solver, in time local to the step."""

    def drift(s, x, _):
        return system.drift(t + s, state._replace(x=x), u(s))

    terms = diffrax.ODETerm(drift)
    if context.noisy:

        def diffusion(s, x, _):
            amplitude = system.diffusion(t + s, state._replace(x=x), u(s))
            return lx.DiagonalLinearOperator(filled(amplitude, x))

        shown = eqx.filter_eval_shape(lambda: system.diffusion(t, state, u(0.0)))
        path = Increment(key, noisy_part(state.x, shown), context.dt, state.x)
        terms = diffrax.MultiTerm(terms, diffrax.ControlTerm(diffusion, path))
    zero = jnp.zeros((), context.dt.dtype)
    args = (terms, zero, context.dt, state.x, None)
    # The solver's own state only carries the last stage over, which a jump makes invalid anyway.
    blank = jax.tree.map(
        lambda s: jnp.zeros(s.shape, s.dtype), eqx.filter_eval_shape(context.solver.init, *args)
    )
    x, *_ = context.solver.step(*args, blank, made_jump=True)
    return x


def _advanced_once(
    context: Context, system: Any, advanced: Callable[..., PyTree], x: PyTree
) -> PyTree:
    """``state.x`` after a step, in which variables that are used several times are computed once.

    Euler's method takes all rates at the old state, so that only potentials are used several times;
    XLA fuses the other variables with the events of the step.
    """
    if type(context.solver) is not diffrax.Euler or not isinstance(system, HasPotentials):
        return kernels.computed_once(advanced, context.dt > 0)
    potentials = system.potentials(x)

    def first():
        return eqx.filter(advanced(), potentials), context.dt

    # Returning dt together with the potentials makes XLA advance the other variables after them,
    # in place.
    once, dt = kernels.computed_once(first, context.dt > 0)
    return eqx.combine(once, advanced(dt))
