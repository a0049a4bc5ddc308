"""Values that a compiled step stores instead of computing them again for each of their uses."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, PyTree

__all__ = ["computed_once"]


def computed_once(compute: Callable[[], PyTree], always: Bool[Array, ""]) -> PyTree:
    """``compute()``, computed once however often it is used.

    XLA fuses what is cheap into everything that uses it: the potential of a spiking neuron would be
    computed again for the spikes, the reset, the recovery variable and the record of spikes, which
    takes twice as long altogether. On CPUs, XLA does not look into the branches of a condition that
    it cannot foresee; on other devices a condition costs more than it saves.

    Parameters
    ----------
    compute : callable
        Without arguments; returns arrays.
    always : bool scalar array
        True, in a way that the compiler cannot know, and the same for all members of a batch.

    Returns
    -------
    pytree
        What `compute` returns; NaN, and zeros of integers, if `always` is false after all.
    """

    def never():
        # Not what came in: that would have to be copied out of the way.
        return jax.tree.map(_no_value, jax.eval_shape(compute))

    return lax.platform_dependent(cpu=lambda: lax.cond(always, compute, never), default=compute)


def _no_value(like):
    if jnp.issubdtype(like.dtype, jnp.inexact):
        return jnp.full(like.shape, jnp.nan, like.dtype)
    return jnp.zeros(like.shape, like.dtype)
