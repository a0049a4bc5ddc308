"""A system as a function of its state and of one parameter, or of one of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.analysis.equilibria.field import Field

Where = str | int | Callable[[Any], Any]


class Family(eqx.Module):
    """The rate of change of a system over a point: its scaled state, and a scaled parameter.

    Attributes
    ----------
    field, inputs
        The system and its constant input.
    scales
        Size of the state and of the parameter in the units of the system.
    where
        Name of an array of the system, a function that returns it, or the number of an input.
    """

    field: Field
    inputs: Float[Array, " input"]
    scales: Float[np.ndarray, 2]
    where: Where = eqx.field(static=True)

    def rate(self, point: Float[Array, " d_and_1"]) -> Float[Array, " d"]:
        """Rate of change at a point, zero on the branches of fixed points."""
        z, p = point[:-1] * self.scales[0], point[-1] * self.scales[1]
        if isinstance(self.where, int):
            return self.field.rate(z, self.inputs.at[self.where].set(p))
        now = value_of(self.field.system, self.where)
        new = now * p if now.size > 1 else jnp.broadcast_to(p, now.shape)
        system = eqx.tree_at(lambda s: value_of(s, self.where), self.field.system, new)
        return eqx.tree_at(lambda f: f.system, self.field, system).rate(z, self.inputs)


def value_of(system: Any, where: Where) -> Any:
    """The array that a name or a function finds in a system."""
    return getattr(system, where) if isinstance(where, str) else where(system)  # type: ignore


def start_of(field: Field, where: Any, inputs: Any) -> tuple[float, str]:
    """Value of the parameter in the system as it is, and what it is called.

    Raises
    ------
    ValueError, TypeError
        If there is no such parameter or input.
    """
    kind = type(field.system).__name__
    if isinstance(where, int) and not isinstance(where, bool):
        if not 0 <= where < len(inputs):
            raise ValueError(f"{kind} has {len(inputs)} inputs and none with number {where}.")
        return float(inputs[where]), f"input {where}"
    name = where if isinstance(where, str) else "parameter"
    try:
        now = value_of(field.system, where)
    except AttributeError:
        own = [f for f, v in vars(field.system).items() if eqx.is_inexact_array(v)]
        raise ValueError(f"{kind} has no parameter {name!r}; it has {', '.join(own)}.") from None
    if not eqx.is_inexact_array(now) or not now.size:
        raise TypeError(f"{name!r} of {kind} is no array of numbers that could be varied.")
    return (float(now.reshape(())), name) if now.size == 1 else (1.0, f"factor of {name}")
