"""Intermediate values that a compiled step stores instead of computing them for each use again."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, PyTree


def computed_once(compute: Callable[[], PyTree], always: Bool[Array, ""]) -> PyTree:
    """Return ``compute()`` and have XLA compute it once, however often it is used.

    XLA fuses cheap operations into each of their uses. The potential of a spiking neuron, for
    example, would be computed again for the spikes, the reset, the recovery variable and the
    record, which doubles the time of a step. On CPUs, XLA does not fuse across the branches of a
    condition that is unknown at compilation; this function uses such a condition. On other devices
    a condition costs more than it saves, and the function calls `compute` directly.

    Parameters
    ----------
    compute : callable
        Function without arguments that returns arrays.
    always : bool scalar array
        A condition that is always true, unknown to the compiler, and the same for all members of a
        batch (for example ``dt > 0``).

    Returns
    -------
    pytree of arrays
        The result of `compute`. If `always` is false, its floats are NaN and its integers 0.
    """

    def never():
        # Do not return the inputs: XLA would have to copy them first.
        return jax.tree.map(_no_value, jax.eval_shape(compute))

    return lax.platform_dependent(cpu=lambda: lax.cond(always, compute, never), default=compute)


def _no_value(like):
    if jnp.issubdtype(like.dtype, jnp.inexact):
        return jnp.full(like.shape, jnp.nan, like.dtype)
    return jnp.zeros(like.shape, like.dtype)
