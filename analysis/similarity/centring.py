"""How a kernel is centred, and products of centred kernels, by factors or by matrices.

Each way is an estimator of the same dependence of two populations, with a bias of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.analysis.shared.scaling import products
from neurodyn.analysis.similarity.kernels import Kernel, Samples

#: Ways to centre, by name.
Centring = Literal["centred", "lange", "song", "zero_diagonal", "none"]


def centred_kernel(kernel: Kernel) -> Kernel:
    """Take out the means of rows and columns."""
    kernel = kernel - kernel.mean(axis=0, keepdims=True)
    return kernel - kernel.mean(axis=1, keepdims=True)


def zero_diagonal(kernel: Kernel) -> Kernel:
    """Set the diagonal to 0: products of a sample with itself hold its noise squared."""
    return jnp.where(jnp.eye(len(kernel), dtype=bool), 0, kernel)


def unbiased_kernel(kernel: Kernel) -> Kernel:
    """Take out the means of rows and columns without the diagonal, which is set to 0.

    The product of two such kernels is unbiased.
    """
    n = len(kernel)
    kernel = zero_diagonal(kernel)
    rows = kernel.sum(axis=1) / (n - 2)
    return zero_diagonal(kernel - rows[None, :] - rows[:, None] + rows.sum() / (n - 1))


MATRICES: dict[str, Callable[[Kernel], Kernel]] = {
    "centred": centred_kernel,
    "lange": lambda kernel: zero_diagonal(centred_kernel(kernel)),
    "song": unbiased_kernel,
    "zero_diagonal": zero_diagonal,
    "none": lambda kernel: kernel,
}


def cross_energy(x: Samples, y: Float[Array, "sample other"]) -> Float[Array, ""]:
    """``|x'y|_F^2``, through units or samples, whichever are fewer."""
    (n, p), q = x.shape, y.shape[1]
    if n * (p + q) < p * q:
        return jnp.sum((x @ x.T) * (y @ y.T))
    return jnp.sum(products(x, y) ** 2)


def _off_diagonal(x: Samples, y: Float[Array, "sample other"]) -> Float[Array, ""]:
    return cross_energy(x, y) - jnp.sum(jnp.sum(x**2, axis=1) * jnp.sum(y**2, axis=1))


def _unbiased(x: Samples, y: Float[Array, "sample other"]) -> Float[Array, ""]:
    # Centring the samples first leaves the unbiased product unchanged (it ignores terms a_i + a_j)
    # and turns its sums over kernels into sums over units.
    n = x.shape[0]
    a, b = jnp.sum(x**2, axis=1), jnp.sum(y**2, axis=1)
    # One division after the other, because a product of sample numbers leaves 32 bits.
    both = (a.sum() / (n - 1)) * (b.sum() / (n - 2))
    return _off_diagonal(x, y) + both - 2 * jnp.sum(a * b) / (n - 2)


#: Products of two centred kernels from their factors, which have centred columns already.
FACTORS: dict[str, Callable[[Samples, Samples], Float[Array, ""]]] = {
    "centred": cross_energy,
    "lange": _off_diagonal,
    "song": _unbiased,
    "zero_diagonal": _off_diagonal,
    "none": cross_energy,
}
