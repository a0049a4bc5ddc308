"""Parameters that are trained in other units than those in which they act."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from neurodyn.params.base import changed, held, value_of
from neurodyn.params.entries import Free
from neurodyn.params.kinds import AbstractWrapper
from neurodyn.params.laws import is_concrete
from neurodyn.params.transposed import transposed


class Scaled(AbstractWrapper):
    """A parameter times a constant, so that an optimiser moves it in units of its own.

    Parameters
    ----------
    factor
        The constant, not 0.
    of
        The parameter, in those units.

    Examples
    --------
    Time constants in bits that last 10 steps each, never below one step:

    >>> from neurodyn import params
    >>> tau = params.Scaled(10.0, params.Clamped(0.1, init=params.Uniform(1.0, 2.0)))
    """

    factor: Any
    of: Any = Free()

    def __check_init__(self):
        if is_concrete(self.factor) and not (np.isfinite(self.factor) & (self.factor != 0)).all():
            raise ValueError(f"Scaled: `factor` must be a number other than 0, got {self.factor}.")

    def draw(self, shape, key, dtype=None):
        """Draw the parameter in its own units."""
        of = self.of.build(shape, key, dtype)
        return changed(self, factor=jnp.asarray(self.factor, value_of(of).dtype), of=of)

    def hold(self, value):
        return changed(self, of=held(self.of, value / np.asarray(self.factor)))

    def value(self) -> Array:
        """The scaled value."""
        return jax.lax.stop_gradient(self.factor) * value_of(self.of)

    def transposed(self):
        return changed(self, of=transposed(self.of))
