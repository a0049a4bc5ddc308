"""Search for states that do not move, from many starts, by damped least squares."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neurodyn.analysis.equilibria.field import Field

#: Damped steps in one call of the compiled program.
_STEPS = 4
#: Numbers in the Jacobians of one call: they stay in the cache of a processor.
_ROOM = 2**20
#: Share of the speed that one call must take away from a search that makes steps. Where the speed
#: has a minimum above 0, steps go on for ever and gain less and less.
_GAIN = 1e-3
#: Damping, relative to the squared Jacobian, above which no step helps any more.
_STUCK = 1e12


class Found(NamedTuple):
    """Where the searches ended.

    Attributes
    ----------
    states
        Their last states.
    speed
        Euclidean norm of the rate of change there.
    steps
        Damped steps that each took.
    """

    states: Float[np.ndarray, "start d"]
    speed: Float[np.ndarray, " start"]
    steps: Int[np.ndarray, " start"]


def search(
    field: Field,
    states: Float[np.ndarray, "start d"],
    inputs: Float[np.ndarray, "start input"],
    *,
    tolerance: float,
    max_steps: int,
    progress=None,
) -> Found:
    """Move every state to where its speed is lowest nearby.

    A pool of searches shares one compiled program. A search that ends makes room for the next
    start, so that slow searches hold up none of the others.

    Parameters
    ----------
    field
        The system.
    states, inputs
        Where each search starts, and the constant input of each.
    tolerance
        Speed below which a search ends.
    max_steps
        Damped steps after which it ends in any case.
    progress
        Called with the number of searches that have ended.
    """
    n, d = states.shape
    room = int(np.clip(_ROOM // max(d * d, 1), 8, 256))
    room = min(room, 1 << max(n - 1, 0).bit_length())
    found = Found(states.astype(np.float64), np.full(n, np.inf), np.zeros(n, np.int64))
    pool, queued = np.arange(min(room, n)), room
    damping = np.full(n, 1e-2)
    while len(pool):
        rows = np.resize(pool, room)  # a full program: what is repeated is computed twice
        given: Any = (found.states[rows], inputs[rows], damping[rows], np.float64(tolerance))
        state, damped, speed, ended = (np.array(a) for a in _improved(field, *given))
        k = len(pool)
        found.states[pool], damping[pool], found.speed[pool] = state[:k], damped[:k], speed[:k]
        found.steps[pool] += _STEPS
        over = ended[:k] | (found.steps[pool] >= max_steps)
        fresh = np.arange(min(queued, n), min(queued + over.sum(), n))
        queued += len(fresh)
        pool = np.concatenate([pool[~over], fresh])
        if progress is not None:
            progress(int(over.sum()))
    return found


@eqx.filter_jit
def _improved(
    field: Field,
    states: Float[Array, "pool d"],
    inputs: Float[Array, "pool input"],
    damping: Float[Array, " pool"],
    tolerance: Float[Array, ""],
) -> tuple[
    Float[Array, "pool d"], Float[Array, " pool"], Float[Array, " pool"], Bool[Array, " pool"]
]:
    """A few damped steps of every search: states, damping, speeds, and which have ended."""

    def one(z, u, mu):
        def step(carry, _):
            z, rate, mu, taken = carry
            J = jax.jacfwd(field.rate)(z, u)
            gradient = rate @ J
            square = J.T @ J
            size = jnp.trace(square) / len(z) + jnp.finfo(z.dtype).tiny
            chol = jnp.linalg.cholesky(square + mu * size * jnp.eye(len(z)))
            new = z - jax.scipy.linalg.cho_solve((chol, True), gradient)
            moved = field.rate(new, u)
            better = moved @ moved < rate @ rate  # False for NaN
            z = jnp.where(better, new, z)
            rate = jnp.where(better, moved, rate)
            return (
                z,
                rate,
                jnp.where(better, mu / 10, mu * 5),
                taken + better.astype(jnp.int32),
            ), None

        start = (z, field.rate(z, u), mu, jnp.zeros((), jnp.int32))
        before = jnp.linalg.norm(start[1])
        (z, rate, mu, taken), _ = jax.lax.scan(step, start, None, length=_STEPS)
        speed = jnp.linalg.norm(rate)
        stalled = (taken >= _STEPS // 2) & (speed > (1 - _GAIN) * before)
        ended = (speed <= tolerance) | stalled | (mu > _STUCK) | ~jnp.isfinite(speed)
        return z, mu, speed, ended

    return jax.vmap(one)(states, inputs, damping)


@eqx.filter_jit
def polished(
    field: Field, states: Float[Array, "point d"], inputs: Float[Array, "point input"]
) -> Float[Array, "point d"]:
    """States after two steps of Newton, where these make them slower."""

    def one(z, u):
        for _ in range(2):
            rate = field.rate(z, u)
            new = z - jnp.linalg.solve(jax.jacfwd(field.rate)(z, u), rate)
            moved = field.rate(new, u)
            z = jnp.where(moved @ moved < rate @ rate, new, z)
        return z

    return jax.lax.map(lambda pair: one(*pair), (states, inputs))


def distinct(
    states: Float[np.ndarray, "point d"], groups: Int[np.ndarray, " point"], apart: float
) -> tuple[Int[np.ndarray, " kept"], Int[np.ndarray, " point"]]:
    """Points that lie further apart than a distance, the first ones first.

    Parameters
    ----------
    states
        Points, the best ones first.
    groups
        Points of different groups are always distinct.
    apart
        Distance up to which a later point counts as an earlier one.

    Returns
    -------
    Numbers of the points kept, and for each point the place among these of the one it counts as.
    """
    place = np.full(len(states), -1)
    kept: list[int] = []
    for i in range(len(states)):
        if place[i] < 0:
            rest = np.flatnonzero((place < 0) & (groups == groups[i]))
            near = np.linalg.norm(states[rest] - states[i], axis=1) <= apart
            place[rest[near]] = len(kept)
            kept.append(i)
    return np.array(kept, np.int64), place
