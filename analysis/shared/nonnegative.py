"""Least squares without negative weights, inside of compiled programs and for batches of problems.

They are solved by block principal pivoting (Portugal, Judice & Vicente 1994; Kim & Park 2011): the
set of predictors with a positive weight is guessed, and those that break a condition of the optimum
change sides, all at once. Where this does not help, they are taken in one by one (Lawson & Hanson
1974), which always ends. SciPy's solver knows no batches, and runs outside of compiled programs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

#: Exchanges of all predictors that may fail to improve before they are taken in one by one.
_PATIENCE = 3


def _on_support(a: Float[Array, "axis axis"], c: Float[Array, " axis"], kept: Bool[Array, " axis"]):
    """Least squares over some of the predictors, 0 for the others."""
    both = kept[:, None] & kept[None, :]
    inner = jnp.where(both, a, 0) + jnp.diag(jnp.where(kept, 0, 1).astype(a.dtype))
    factor = jax.scipy.linalg.cho_factor(inner)
    return jax.scipy.linalg.cho_solve(factor, jnp.where(kept, c, 0))


class _Search(NamedTuple):
    """A guess of the predictors with a positive weight, on the way to the optimum.

    Attributes
    ----------
    kept
        Predictors of the guess.
    weights
        Weights of the last guess that had none below 0, for the search one by one.
    fewest
        Fewest predictors that broke a condition of the optimum, of the guesses so far.
    patience
        Guesses without improvement that are left, before the search goes on one by one.
    found
        Whether the guess is the optimum.
    steps
        Guesses so far.
    """

    kept: Bool[Array, " axis"]
    weights: Float[Array, " axis"]
    fewest: Int[Array, ""]
    patience: Int[Array, ""]
    found: Bool[Array, ""]
    steps: Int[Array, ""]


def _support(a: Float[Array, "axis axis"], c: Float[Array, " axis"]) -> Bool[Array, " axis"]:
    """Predictors with a positive weight; of `a` with a diagonal of 1 or more."""
    n = c.shape[0]
    tolerance = 10 * n * jnp.finfo(a.dtype).eps

    def step(now: _Search) -> _Search:
        b = _on_support(a, c, now.kept)
        gradient = jnp.where(now.kept, -jnp.inf, c - a @ b)
        negative = now.kept & (b < -tolerance)
        wrong = negative | (gradient > tolerance)
        number = jnp.where(jnp.isfinite(b).all(), wrong.sum(dtype=jnp.int32), n)
        patience = jnp.where(number < now.fewest, _PATIENCE, now.patience - 1)
        alone = (now.patience <= 0) | (patience <= 0)
        kept, weights = _one_by_one(now, b, negative, gradient)
        starts = alone & (now.patience > 0)
        kept = jnp.where(alone, jnp.where(starts, False, kept), now.kept ^ wrong)
        return _Search(
            jnp.where(number == 0, now.kept, kept),
            jnp.where(alone & ~starts, weights, 0),
            jnp.minimum(number, now.fewest),
            jnp.where(alone, 0, patience),
            number == 0,
            now.steps + 1,
        )

    zero = jnp.asarray(0, jnp.int32)
    start = _Search(
        jnp.zeros(n, bool), jnp.zeros_like(c), zero + n + 1, zero + _PATIENCE, zero > 0, zero
    )

    def going(now: _Search):
        return ~now.found & (now.steps < 5 * n + 20)

    return jax.lax.while_loop(going, step, start).kept


def _one_by_one(now: _Search, b, negative, gradient):
    """Take in the predictor that helps most, or go towards `b` until the first weight is 0."""
    share = jnp.where(negative, now.weights / jnp.where(negative, now.weights - b, 1), jnp.inf)
    first = jnp.arange(b.shape[0]) == jnp.argmin(share)
    between = now.weights + jnp.where(negative.any(), share.min(), 1) * (b - now.weights)
    fewer = now.kept & ~first & ~(negative & (between <= 0))
    more = now.kept | (jnp.arange(b.shape[0]) == jnp.argmax(gradient))
    kept = jnp.where(negative.any(), fewer, more)
    return kept, jnp.where(kept, jnp.maximum(jnp.where(negative.any(), between, b), 0), 0)


def nonnegative_path(
    products: Float[Array, "axis axis"],
    shared: Float[Array, "axis unit"],
    penalties: Float[Array, " penalty"],
    *,
    n_samples: int,
) -> Float[Array, "penalty axis unit"]:
    """Maps without negative weights of all penalties, from sums of products.

    Penalties are in units of the total variance of the predictors, each on its own scale. With more
    predictors than samples least squares have many solutions; a penalty at the square root of the
    precision then chooses one.
    """
    size = jnp.sqrt(jnp.diagonal(products))
    there = size > jnp.finfo(size.dtype).eps * size.max()
    unit = jnp.where(there, 1 / jnp.where(there, size, 1), 0)
    eps = jnp.finfo(size.dtype).eps
    least = jnp.sqrt(eps) if products.shape[0] >= n_samples else 10 * products.shape[0] * eps
    a, c = products * unit[:, None] * unit[None, :], shared * unit[:, None]
    largest = jax.lax.stop_gradient(jnp.abs(c).max(axis=0, keepdims=True))
    c = c / jnp.where(largest > 0, largest, 1)

    def of(penalty):
        inner = a + jnp.diag(jnp.where(there, least + penalty * there.sum().astype(size.dtype), 1))

        def one(right):
            kept = jax.lax.stop_gradient(_support(*jax.lax.stop_gradient((inner, right))))
            return jnp.maximum(_on_support(inner, right, kept), 0)

        return jax.vmap(one, 1, 1)(c) * unit[:, None] * largest

    return jax.lax.map(of, penalties)
