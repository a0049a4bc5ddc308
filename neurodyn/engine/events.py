"""One trial of the adaptive driver: smooth, or from spike to spike."""

from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import optimistix as optx
from jaxtyping import Array, Bool, Float, Int

from neurodyn.engine.drive import Drive, as_drive
from neurodyn.engine.noise import filled
from neurodyn.engine.record import observe
from neurodyn.system import State


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


class Held(eqx.Module):
    """Inputs held constant for ``dt`` each."""

    values: Drive
    dt: Float[Array, ""]
    edges: Float[Array, " time"]

    def __call__(self, t):
        n = self.edges.shape[0]
        k = jnp.clip(jnp.searchsorted(self.edges, t, side="right"), 0, n - 1)
        return jax.tree.map(lambda a: a[k], self.values)


class Smooth(eqx.Module):
    """Inputs as a function of time."""

    function: Any

    def __call__(self, t):
        return as_drive(self.function(t))


class Options(NamedTuple):
    """How to solve: as for ``diffrax.diffeqsolve``."""

    solver: diffrax.AbstractSolver
    controller: diffrax.AbstractStepSizeController
    adjoint: diffrax.AbstractAdjoint | None
    dt0: Any
    max_steps: int

    def solved(self, terms, t0, t1, state, adjoint, saveat, event=None) -> diffrax.Solution:
        """The solution from t0 to t1, which may be incomplete."""
        return diffrax.diffeqsolve(
            terms,
            self.solver,
            t0,
            t1,
            self.dt0,
            state.x,
            state.memory,
            saveat=saveat,
            stepsize_controller=self.controller,
            adjoint=adjoint,
            event=event,
            max_steps=self.max_steps,
            throw=False,
        )


def terms_of(system, u_of, key, ts, state, options: Options):
    """Diffrax terms of the flow; ``args`` carries the memory."""
    dt0 = options.dt0

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
    if isinstance(_innermost(options.controller), diffrax.PIDController):
        raise ValueError(
            "A stochastic flow needs a constant step: pass "
            "stepsize_controller=diffrax.ConstantStepSize()."
        )
    shape = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), state.x)
    path = diffrax.VirtualBrownianTree(
        0.0, ts[-1], tol=dt0 / 2, shape=shape, key=key, levy_area=diffrax.SpaceTimeLevyArea
    )
    control = diffrax.ControlTerm(
        lambda t, x, m: lx.DiagonalLinearOperator(filled(diffusion(t, x, m), x)), path
    )
    return diffrax.MultiTerm(terms, control)


def _innermost(controller: diffrax.AbstractStepSizeController) -> Any:
    if isinstance(controller, diffrax.ClipStepSizeController):
        return _innermost(controller.controller)
    return controller


def smooth_run(system, terms, state, ts, save, options: Options):
    """Record one trial at times ``ts``."""
    subs = (
        diffrax.SubSaveAt(ts=ts, fn=lambda t, x, m: observe(system, State(x, m), save)),
        diffrax.SubSaveAt(t1=True),
        diffrax.SubSaveAt(t1=True, fn=lambda t, x, m: t),
    )
    saveat = diffrax.SaveAt(subs=subs)
    solution = options.solved(
        terms, jnp.zeros((), ts.dtype), ts[-1], state, options.adjoint, saveat
    )
    recorded, x, reached = solution.ys
    final = State(jax.tree.map(lambda a: a[0], x), state.memory)
    steps = solution.stats["num_steps"]
    return (recorded, final, None, steps), reached[0], ~_ok(solution.result)


def spiking_run(system, terms, u_of, state, ts, save, options: Options, max_events):
    """Record one trial at times ``ts``, between which it is solved from spike to spike."""
    spikes = SpikeTimes(
        jnp.full((max_events,), jnp.inf, ts.dtype),
        jnp.full((max_events,), -1, jnp.int32),
        jnp.zeros((), jnp.int32),
    )

    def highest(t, y, args, **_):
        return jnp.max(system.crossing(State(y, args)))

    finder: Any = optx.Bisection  # mypy takes inherited fields for arguments
    event = diffrax.Event(highest, finder(rtol=1e-6, atol=1e-9), direction=True)

    def until_event(carry):
        t, last, state, spikes, steps, failed, t1 = carry

        def solved():
            adjoint, saveat = diffrax.DirectAdjoint(), diffrax.SaveAt(t1=True)
            solution = options.solved(terms, t, t1, state, adjoint, saveat, event)
            hit = jnp.asarray(solution.event_mask)
            x = jax.tree.map(lambda a: a[0], solution.ys)
            taken = jnp.asarray(solution.stats["num_steps"], steps.dtype)
            return x, solution.ts[0], hit, taken, _ok(solution.result) | hit

        # Units that the last event carried beyond their threshold spike at once: nothing crosses.
        beyond = jnp.max(system.crossing(state)) >= 0
        there = state.x, t, jnp.array(True), jnp.zeros_like(steps), jnp.array(True)
        x, here, hit, taken, fine = jax.lax.cond(beyond, lambda: there, solved)
        state = State(x, state.memory)
        crossing = system.crossing(state)
        fired = hit & ((crossing >= 0) | (jnp.arange(crossing.shape[0]) == jnp.argmax(crossing)))
        after = system.after(
            here, here - last, state, fired.astype(crossing.dtype), u_of(here), key=None
        )
        state = jax.tree.map(lambda a, b: jnp.where(hit, a, b), after, state)
        spikes = _append(spikes, here, fired)
        failed = failed | ~fine
        last = jnp.where(hit, here, last)
        return here, last, state, spikes, steps + taken, failed, t1

    def going(carry):
        t, _, _, spikes, _, failed, t1 = carry
        return (t < t1) & ~failed & (spikes.count <= max_events)

    def to_next(carry, t1):
        t, last, state, spikes, steps, failed = carry
        *carry, _ = jax.lax.while_loop(
            going, until_event, (t, last, state, spikes, steps, failed, t1)
        )
        return tuple(carry), observe(system, carry[2], save)

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
