"""One step of a run: solver, noise, events, interventions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from neurodyn import kernels
from neurodyn.engine.abilities import HasPotentials
from neurodyn.engine.drive import Drive, as_drive
from neurodyn.params import resolve
from neurodyn.system import AbstractMap, AbstractSpiking

__all__ = ["Context", "running", "standard_normal", "step", "step_and_see"]

# Keys of what else a step draws. `split` gives its n-th key where `fold_in` of n gives it, so that
# numbers from the start would meet the keys of the leaves of a state.
_AFTER, _AREA = 2**32 - 1, 2**32 - 2


class Context(NamedTuple):
    """What stays the same over the steps of a run.

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
    start
        Number of the first step.
    signal
        Input as a callable of time, or None where the steps bring it.
    """

    system: Any
    dt: Any
    solver: Any
    force: Any
    interventions: Any
    trial: Any
    noise_keys: Any
    noisy: bool
    start: Any
    signal: Any


def running(context: Context, k: Any) -> Any:
    """The system that runs in step ``k``, whose readout its result also goes through."""
    t = (context.start + k).astype(context.dt.dtype) * context.dt
    system = context.system
    for intervention in context.interventions:
        system = intervention.on_system(t, system)
    return system


def step(context: Context, state: PyTree, k: Any, drive: Drive | None) -> tuple[PyTree, Any]:
    """Advance all trials by step ``k``; returns the state and the spikes (None without)."""
    state, _, spikes = step_and_see(context, state, k, drive)
    return state, spikes


def step_and_see(
    context: Context, state: PyTree, k: Any, drive: Drive | None
) -> tuple[PyTree, PyTree, Any]:
    """As `step`, with the state as it was before it was forced in between."""
    number = context.start + k
    t = number.astype(context.dt.dtype) * context.dt
    system = running(context, k)

    def one(state, drive, trial, key):
        own = resolve(system, trial)
        key = None if key is None else jax.random.fold_in(key, number)

        def u(s):
            now = drive if context.signal is None else as_drive(context.signal(t + s))
            for intervention in context.interventions:
                now = intervention.on_drive(t, now)
            return Drive(now.input, now.target, now.gate, now.current, step=number)

        spikes = None
        if isinstance(own, AbstractMap):
            state = own.update(state, u(0.0), key=key)
        else:

            def advanced(dt=context.dt):
                return _advance(context._replace(dt=dt), own, t, state, u, key)

            # Potentials go into spikes, reset and records; with noise, drawing is what costs.
            often = isinstance(own, AbstractSpiking) and not context.noisy
            x = _advanced_once(context, own, advanced, state.x) if often else advanced()
            state = state._replace(x=x)
        if isinstance(own, AbstractSpiking):
            spikes = own.spike(own.crossing(state))
            later = None if key is None else jax.random.fold_in(key, _AFTER)
            state = own.after(t, context.dt, state, spikes, u(0.0), key=later)
        for intervention in context.interventions:
            state = intervention.on_state(t, state)
        free = state
        if context.force is not None:
            state = context.force(t + context.dt, state, u(0.0))
        return state, free, spikes

    return jax.vmap(one)(state, drive, context.trial, context.noise_keys)


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
        path = _Increment(key, noisy_part(state.x, shown), context.dt, state.x)
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
    """The state after a step, in which what is used again and again is computed once.

    Euler's method takes all rates at the old state, so that only potentials are used more than
    once; left to XLA, the rest goes into one pass with the events of the step.
    """
    if type(context.solver) is not diffrax.Euler or not isinstance(system, HasPotentials):
        return kernels.computed_once(advanced, context.dt > 0)
    potentials = system.potentials(x)

    def first():
        return eqx.filter(advanced(), potentials), context.dt

    # A step that comes with the potentials makes XLA advance the rest after them: in place.
    once, dt = kernels.computed_once(first, context.dt > 0)
    return eqx.combine(once, advanced(dt))


class _Increment(diffrax.AbstractPath):
    """Brownian increment over one step, with its space-time Levy area where a solver asks."""

    key: PRNGKeyArray
    like: PyTree  # what is drawn, with None in the place of what has no noise
    dt: Float[Array, ""]
    x: PyTree = None  # the whole state

    @property
    def t0(self):
        return -jnp.inf

    @property
    def t1(self):
        return jnp.inf

    def evaluate(self, t0, t1=None, left=True, use_levy=False):
        del t0, t1, left
        w = filled(_scale(self._drawn(self.key), jnp.sqrt(self.dt)), self.x)
        if not use_levy:
            return w
        area_key = jax.random.fold_in(self.key, _AREA)
        h = filled(_scale(self._drawn(area_key), jnp.sqrt(self.dt / 12)), self.x)
        return diffrax.SpaceTimeLevyArea(dt=self.dt, W=w, H=h)

    def _drawn(self, key: PRNGKeyArray) -> PyTree:
        # Fused with what uses it, a draw would be made again for each use: of the potential of
        # spiking neurons, in plain JAX, five times.
        return kernels.computed_once(lambda: _draw(key, self.like), self.dt > 0)


def noisy_part(x: PyTree, amplitude: PyTree) -> PyTree:
    """The leaves of ``x`` that have noise; None in the place of the others."""
    return jax.tree.map(lambda a, leaf: None if a is None else leaf, amplitude, x, is_leaf=_none)


def filled(tree: PyTree, x: PyTree) -> PyTree:
    """Zeros in the place of what is None; without ``x`` nothing is."""
    if x is None:
        return tree

    def fill(a, leaf):
        return jnp.zeros_like(leaf) if a is None and leaf is not None else a

    return jax.tree.map(fill, tree, x, is_leaf=_none)


def _none(a: Any) -> bool:
    return a is None


def _scale(tree: PyTree, factor: Float[Array, ""]) -> PyTree:
    return jax.tree.map(lambda a: a * factor.astype(a.dtype), tree)


def _draw(key: PRNGKeyArray, like: PyTree) -> PyTree:
    leaves, structure = jax.tree.flatten(like)
    if len(leaves) == 1:
        only = kernels.standard_normal(key, leaves[0].shape, leaves[0].dtype)
        return jax.tree.unflatten(structure, [only])
    keys = jax.random.split(key, len(leaves))
    draws = [
        kernels.standard_normal(k, a.shape, a.dtype) for k, a in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, draws)


def standard_normal(trial_key: PRNGKeyArray, number: Int[Array, ""], like: PyTree) -> PyTree:
    """The draws that a trial's state receives in one step."""
    return _draw(jax.random.fold_in(trial_key, number), like)
