"""Motion that is to be integrated: velocities that are correlated in time, and walls."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def correlated(
    shocks: Float[Array, " time"], moves: Bool[Array, " time"], keep: Float[Array, ""]
) -> Float[Array, " time"]:
    """``v[k] = keep v[k - 1] + shocks[k]`` while it moves, from rest; 0 while it does not."""

    def step(v, now):
        shock, moving = now
        v = jnp.where(moving, keep * v + shock, 0)
        return v, v

    return jax.lax.scan(step, jnp.zeros((), shocks.dtype), (shocks, moves))[1]


def summed(steps: Float[Array, "time *axis"]) -> Float[Array, "time *axis"]:
    """Running sums in the order of time, the same in every batch."""

    def step(total, now):
        total = total + now
        return total, total

    return jax.lax.scan(step, jnp.zeros_like(steps[0]), steps)[1]


def held(values: Float[Array, " time"], new: Bool[Array, " time"]) -> Float[Array, " time"]:
    """At each step the value of the last step at which a new one began; the first one begins."""
    step = jnp.arange(len(values), dtype=jnp.int32)
    return values[jax.lax.cummax(jnp.where(new, step, 0))]


def reflected(path: Float[Array, "time axis"], half: Float[Array, ""]) -> Float[Array, "time axis"]:
    """A free path in a box from ``-half`` to ``half``, whose walls are mirrors."""
    return half - jnp.abs((path + half) % (4 * half) - 2 * half)
