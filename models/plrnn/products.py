"""Products of small weights ``(pre, post)`` with one state, or with many side by side."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

#: Largest numbers of units and of states for which a product is written as one sum.
_FEW, _SIDE_BY_SIDE = 32, 256


def product(W: Float[Array, "pre post"], z: Float[Array, " pre *state"]) -> Array:
    """``W.T @ z`` of one state ``(pre,)`` or of many, ``(pre, state)``.

    Small products are written out as one sum, because the compiler fuses a sum with the operations
    before and after it. In a loop over time on a CPU, that takes half the time of calls to a matrix
    product (20 units, 16 states). For many states, reverse mode can be applied only once.
    """
    if z.ndim == 1:
        return _sum_of_rows(W, z) if W.shape[0] <= 8 else z @ W
    if max(W.shape) <= _FEW and z.shape[1] <= _SIDE_BY_SIDE:
        return _fused(W, z)
    return W.T @ z


def beside(x: Shaped[Array, " unit"], z: Shaped[Array, "..."]) -> Array:
    """A vector with the number of axes of ``z``, to be combined with each of its states."""
    return x.reshape(x.shape + (1,) * (z.ndim - 1))


def spectral_norm(W: Float[Array, "pre post"]) -> Float[Array, ""]:
    """The largest singular value."""
    return jnp.linalg.norm(W, ord=2)


def _sum_of_rows(W: Array, z: Array) -> Array:
    first, *others = (beside(W[i], z) * z[i][None] for i in range(W.shape[0]))
    return sum(others, first)


@jax.custom_vjp
def _fused(W, z):
    return _sum_of_rows(W, z)


def _forward(W, z):
    return _sum_of_rows(W, z), (W, z)


def _backward(saved, out_bar):
    # The automatic transpose of the sum would be one reduction for each column.
    W, z = saved
    return z @ out_bar.T, _sum_of_rows(W.T, out_bar)


_fused.defvjp(_forward, _backward)
