"""Activations whose slope follows from their output, which a fused recurrence needs."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_LEAK = 0.01


class Activation(NamedTuple):
    """A nonlinearity, and its slope as a function of its *output*.

    `below` is the slope below the kink of a piecewise-linear activation, and None for a smooth one.
    A kink needs care because an output with a rounding error may fall on its wrong side; the slope
    of a smooth activation changes little by such an error.
    """

    value: Callable[[Float[Array, "..."]], Float[Array, "..."]]
    slope: Callable[[Float[Array, "..."]], Float[Array, "..."]]
    below: float | None = None


_identity = Activation(lambda z: z, jnp.ones_like)

ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(jnp.tanh, lambda r: 1 - r * r),
    "sigmoid": Activation(jax.nn.sigmoid, lambda r: r * (1 - r)),
    "softplus": Activation(jax.nn.softplus, lambda r: -jnp.expm1(-r)),
    "relu": Activation(jax.nn.relu, lambda r: (r > 0).astype(r.dtype), below=0.0),
    "leaky_relu": Activation(
        lambda z: jax.nn.leaky_relu(z, _LEAK),
        lambda r: jnp.where(r >= 0, jnp.ones_like(r), jnp.full_like(r, _LEAK)),
        below=_LEAK,
    ),
    "identity": _identity,
    "linear": _identity,
}
