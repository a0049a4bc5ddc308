"""Parameters that are trained in other units than those in which they act."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.params.base import AbstractParameter, AbstractSpec, value_of
from neurodyn.params.entries import Free

__all__ = ["Scaled", "ScaledParameter"]


class ScaledParameter(AbstractParameter):
    """``factor * inner``."""

    trained: ClassVar = ("inner",)
    inner: Any
    factor: Float[Array, ""]

    def value(self) -> Array:
        """The scaled value."""
        return jax.lax.stop_gradient(self.factor) * value_of(self.inner)


class Scaled(AbstractSpec):
    """A parameter times a constant, so that an optimiser moves it in units of its own.

    Parameters
    ----------
    factor
        The constant, not 0.
    of
        Spec of what it multiplies, in those units.

    Examples
    --------
    Time constants in bits that last 10 steps each, never below one step:

    >>> from neurodyn import params
    >>> tau = params.Scaled(10.0, params.Clamped(0.1, init=params.Uniform(1.0, 2.0)))
    """

    factor: float | int
    of: AbstractSpec = Free()

    def __check_init__(self):
        if not np.isfinite(self.factor) or self.factor == 0:
            raise ValueError(f"Scaled: `factor` must be a number other than 0, got {self.factor}.")

    @property
    def elementwise(self):
        """Whether what it multiplies is."""
        return self.of.elementwise

    def build(self, shape, key, dtype=None):
        """A :class:`ScaledParameter`."""
        inner = self.of.build(shape, key, dtype)
        return ScaledParameter(inner, jnp.asarray(self.factor, value_of(inner).dtype))
