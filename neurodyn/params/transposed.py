"""Transposed weights: how ``(post, pre)`` of files of version 1 become ``(pre, post)``."""

import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from neurodyn.params.base import AbstractParameter, changed, held, turned_array, value_of
from neurodyn.params.kinds import AbstractWrapper


class Transposed(AbstractWrapper):
    """The transpose of a parameter whose class has no form of its own for that.

    Parameters
    ----------
    of
        The parameter.
    """

    of: Any

    def draw(self, shape, key, dtype=None):
        """Draw the parameter with its axes swapped."""
        return changed(self, of=self.of.build(shape[::-1], key, dtype))

    def hold(self, value):
        return changed(self, of=held(self.of, np.swapaxes(value, -1, -2)))

    def value(self) -> Array:
        """The transposed value."""
        return jnp.swapaxes(value_of(self.of), -1, -2)

    def transposed(self):
        return self.of

    scale_rows = AbstractParameter.scale_rows  # rows of the value are columns of the parameter


def transposed(x: Any) -> Any:
    """The transpose of weights, an array or a bound parameter, with the same entries trained.

    Parameters
    ----------
    x
        An array, a bound parameter, or None (which stays).

    Raises
    ------
    ValueError
        If an array has no two axes.
    """
    if not isinstance(x, AbstractParameter):
        return turned_array(x)
    if (turned := x.transposed()) is not None:
        return turned
    if x.presynaptic_signs() is not None:
        warnings.warn(
            "These weights were saved with a sign for each receiving unit, and keep it. For "
            "Dale's law, a sign for each sending unit, build the model anew with params.Dale.",
            stacklevel=2,
        )
    return Transposed(x)
