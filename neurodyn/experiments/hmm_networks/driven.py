"""Runs of a network that noise drives: activity, emitted symbols, and the state they speak of."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.system import State
from neurodyn.tasks import HiddenMarkov
from neurodyn.training import gumbel_softmax

#: Steps that are dropped before a run is scored, so that the initial state is forgotten.
DROPPED = 100


class Driven(NamedTuple):
    """Runs of a network.

    Attributes
    ----------
    rate
        Activity.
    chance
        Probability of each symbol.
    symbols
        Symbols that were drawn.
    regions
        Hidden state of the source whose emissions are nearest to `chance`.
    """

    rate: Float[np.ndarray, "trial time unit"]
    chance: Float[np.ndarray, "trial time symbol"]
    symbols: np.ndarray
    regions: np.ndarray


def drive(
    model: Any, source: HiddenMarkov, n_steps: int, n_trials: int, key: PRNGKeyArray
) -> Driven:
    """Runs with noise, without their first steps."""
    found = _drive(model, source, n_steps + DROPPED, n_trials, key)
    return Driven(*(np.swapaxes(np.asarray(a), 0, 1)[:, DROPPED:] for a in found))


@eqx.filter_jit
def _drive(model: Any, source: HiddenMarkov, n_steps: int, n_trials: int, key: Any) -> Any:
    """Activity, chances, symbols and regions, time first."""
    k_noise, k_start, k_draw = jax.random.split(key, 3)
    noise = jax.random.normal(k_noise, (n_steps, n_trials, model.n_inputs))
    run = integrate(model, noise, dt=source.dt, key=k_start, save=Save(variables=("rate",)))
    symbols = jnp.argmax(gumbel_softmax(run.outputs, key=k_draw), axis=-1)
    chance = jax.nn.softmax(run.outputs, axis=-1)
    return run.variables["rate"], chance, symbols, regions_of(chance, source.emissions)


def regions_of(
    chance: Float[Array, "*batch symbol"], emissions: Float[Array, "state symbol"]
) -> Array:
    """Hidden state with the nearest emission probabilities (total variation)."""
    rows = jnp.expand_dims(emissions, tuple(range(chance.ndim - 1)))
    return jnp.argmin(jnp.sum(jnp.abs(chance[..., None, :] - rows), axis=-1), axis=-1)


@eqx.filter_jit
def rest(
    model: Any, states: Float[Array, "start unit"], n_steps: int
) -> Float[Array, "start time unit"]:
    """Runs without noise from given states."""
    silence = jnp.zeros((n_steps, len(states), model.n_inputs))
    run = integrate(model, silence, dt=1.0, state=State(states), save=Save(variables=("rate",)))
    return jnp.swapaxes(run.variables["rate"], 0, 1)


@eqx.filter_jit
def pushed(
    model: Any,
    source: HiddenMarkov,
    states: Float[Array, "start unit"],
    size: Float[Array, ""],
    horizon: int,
    key: PRNGKeyArray,
) -> tuple[Array, Array]:
    """Regions after `horizon` steps: without a push, and after a push of each unit.

    Returns
    -------
    ``(start,)`` and ``(unit, start)``; the noise is the same in all of them.
    """
    noise = jax.random.normal(key, (horizon, len(states), model.n_inputs))

    def end(states):
        run = integrate(model, noise, dt=source.dt, state=State(states))
        return regions_of(jax.nn.softmax(run.outputs[-1], axis=-1), source.emissions)

    units = jnp.arange(states.shape[1])
    return end(states), jax.lax.map(lambda i: end(states.at[:, i].add(size)), units)
