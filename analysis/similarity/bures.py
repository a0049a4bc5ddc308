"""The nuclear norm of two factors: how alike two kernels are after the best rotation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.analysis.shared.scaling import products
from neurodyn.analysis.similarity.kernels import Kernel, Samples
from neurodyn.analysis.similarity.spectra import nuclear_norm, present

Others = Float[Array, "sample other"]


def overlap(x: Samples, y: Others) -> Float[Array, ""]:
    """The nuclear norm of ``x'y``: of whitened sides the sum of their canonical correlations."""
    return nuclear_norm(products(x, y))


def gap(x: Samples, y: Others) -> Float[Array, ""]:
    """Squared distance of two shapes of norm 1 after the best rotation, ``2 - 2 |x'y|_*``."""
    narrow, wide = sorted((x, y), key=lambda side: side.shape[1])
    return _gap(wide, narrow)


def _rotated(wide: Samples, narrow: Others) -> tuple[Array, Array]:
    """The best rotation of ``narrow`` into the space of ``wide``, and what it leaves of that."""
    u, _, v = jnp.linalg.svd(products(wide, narrow), full_matrices=False)
    rotation = (u @ v).T
    return rotation, wide - narrow @ rotation


@jax.custom_jvp
@jax.custom_batching.sequential_vmap  # so that each pair of shapes takes one branch
def _gap(wide: Samples, narrow: Others) -> Float[Array, ""]:
    aligned = jnp.linalg.svd(products(wide, narrow), compute_uv=False).sum()
    # Near 1 the cosine says little of the distance, which then costs singular vectors.
    return jax.lax.cond(
        aligned < 0.9,
        lambda: 2 - 2 * aligned,
        lambda: jnp.sum(_rotated(wide, narrow)[1] ** 2),
    )


@_gap.defjvp
def _gap_jvp(sides, tangents):
    # To first order a change of the best rotation has no effect, so it needs no derivative, which
    # would be infinite where singular values are equal.
    rotation, rest = _rotated(*sides)
    return jnp.sum(rest**2), 2 * jnp.sum(rest * (tangents[0] - tangents[1] @ rotation))


def _factor(kernel: Kernel) -> tuple[Kernel, Kernel]:
    """A factor of a positive kernel, and its inverse, without what is rounding."""
    values, axes = jnp.linalg.eigh(kernel)
    there = present(values, len(kernel))
    roots = jnp.sqrt(jnp.where(there, values, 1))
    return axes * jnp.where(there, roots, 0)[None, :], (
        axes * jnp.where(there, 1 / roots, 0)[None, :]
    ).T


@jax.custom_jvp
def fidelity(a: Kernel, b: Kernel) -> Float[Array, ""]:
    """The same from two positive kernels, by their factors.

    A factor is the root of a kernel, so that it has half of the digits.
    """
    return jnp.linalg.svd(_factor(a)[0].T @ _factor(b)[0], compute_uv=False).sum()


@fidelity.defjvp
def _fidelity_jvp(kernels, tangents):
    (a, into_a), (b, into_b) = map(_factor, kernels)
    u, values, v = jnp.linalg.svd(a.T @ b, full_matrices=False)
    of_a = _within(a, into_a, b @ (u @ v).T @ into_a)
    of_b = _within(b, into_b, a @ (u @ v) @ into_b)
    return values.sum(), jnp.sum(of_a * tangents[0]) + jnp.sum(of_b * tangents[1])


def _within(factor: Kernel, inverse: Kernel, slope: Kernel) -> Kernel:
    # A change between dimensions of a kernel changes both of its factors, one that adds a
    # dimension only one of them.
    return slope - factor @ (inverse @ slope) / 2
