"""Weights the other way round: how ``(post, pre)`` of older files become ``(pre, post)``."""

import dataclasses
import warnings
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from neurodyn.params.base import AbstractParameter, value_of
from neurodyn.params.dale import signs_of
from neurodyn.params.entries import (
    BoundedParameter,
    ClampedParameter,
    FixedParameter,
    IndexedParameter,
)
from neurodyn.params.scaled import ScaledParameter
from neurodyn.params.weights import BlocksParameter, MaskedParameter

__all__ = ["TransposedParameter", "transposed"]

#: The fields of a parameter that turn with it.
_MATRICES: dict[type, tuple[str, ...]] = {
    FixedParameter: ("raw",),
    BoundedParameter: ("raw",),
    ClampedParameter: ("raw",),
    IndexedParameter: ("values",),
    ScaledParameter: ("inner",),
    MaskedParameter: ("inner", "mask"),
}


class TransposedParameter(AbstractParameter):
    """The transpose of a parameter that cannot be written down the other way round."""

    trained: ClassVar = ("inner",)
    inner: Any

    def value(self) -> Array:
        """The transposed value."""
        return jnp.swapaxes(value_of(self.inner), -1, -2)


def transposed(x: Any) -> Any:
    """The transpose of weights, however they are bound, with the same entries trained.

    Parameters
    ----------
    x
        An array, a bound parameter, or None (which stays).

    Raises
    ------
    ValueError
        If an array has no two axes.
    """
    if x is None:
        return None
    if isinstance(x, TransposedParameter):
        return x.inner
    if type(x) in _MATRICES:
        return dataclasses.replace(
            x, **{name: transposed(getattr(x, name)) for name in _MATRICES[type(x)]}
        )
    if isinstance(x, BlocksParameter):
        columns = zip(*x.blocks, strict=True)
        return BlocksParameter(tuple(tuple(map(transposed, c)) for c in columns), x.sizes)
    if isinstance(x, AbstractParameter):
        if signs_of(x) is not None:
            warnings.warn(
                "These weights were saved with a sign for each receiving unit, and keep it. For "
                "Dale's law, a sign for each sending unit, build the model anew with params.Dale.",
                stacklevel=2,
            )
        return TransposedParameter(x)
    if x.ndim < 2:
        raise ValueError(f"Only matrices can be transposed, got an array of shape {x.shape}.")
    return jnp.swapaxes(x, -1, -2)
