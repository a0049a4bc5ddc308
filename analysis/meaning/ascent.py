"""The climb of a measure from noise, by its gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from neurodyn.analysis.meaning.target import value
from neurodyn.analysis.shared.measure import CrossValidation, Pairwise

Data = Float[Array, "condition time unit"]


@partial(jax.jit, static_argnames=("how", "sign", "held"))
def climb(
    how: Pairwise,
    sign: float,
    held: tuple[Pairwise, ...],
    levels: Float[Array, " held"],
    y: Data,
    folds: CrossValidation,
    starts: Float[Array, "draw condition time unit"],
    legs: Int[Array, " saved"],
    rate: Float[Array, ""],
) -> tuple[Float[Array, "draw saved condition time unit"], Any, Any]:
    """Data sets after some numbers of steps, their scores, and those of measures that are held.

    Parameters
    ----------
    how, sign
        The measure, and 1 where it is to grow.
    held, levels
        Measures that are kept at a level, by a penalty on the squared difference.
    y, folds
        The recording.
    starts
        Data sets to start from.
    legs
        Steps between those that are saved.
    rate
        Step size, in units of the standard deviation of the start.
    """
    adam = optax.scale_by_adam()

    def others(x):
        return jnp.stack([value(other, x, y, folds) for other in held] or [jnp.zeros(())])

    def loss(x):
        penalty = 100.0 * jnp.sum((others(x) - levels) ** 2) if held else 0.0
        return penalty - sign * value(how, x, y, folds)

    def step(_, carry):
        x, state = carry
        slope = jax.grad(loss)(x)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes floats and counters
            update, state = adam.update(slope, state)
        return x - rate * update, state

    def leg(carry, n):
        carry = jax.lax.fori_loop(0, n, step, carry)
        return carry, (carry[0], value(how, carry[0], y, folds), others(carry[0]))

    def one(start):
        return jax.lax.scan(leg, (start, adam.init(start)), legs)[1]

    return jax.lax.map(one, starts)
