"""Adaptive vectors: what every training sequence brings of its own."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.models.pvrnn import dynamics, layers
from neurodyn.params import AbstractSpec, Indexed, IndexedParameter, Normal, resolve

__all__ = ["adaptive_vectors", "along_prior"]


def adaptive_vectors(
    model: Any, sequences: tuple[int, int], init: Any, key: PRNGKeyArray
) -> IndexedParameter:
    """Adaptive vectors ``(row, time, raw)`` of so many sequences and steps."""
    n, steps = layers.sizes("sequences", sequences)
    raw = 2 * sum(model.n_latents)
    named = {"zeros": 0.0, "prior": 0.0, "normal": Normal(0.0, 1.0)}
    if isinstance(init, str):
        layers.check_choice("A", init, tuple(named))
    if isinstance(init, AbstractSpec):
        raise ValueError("`A` has a row for each sequence: pass an array or an initializer.")
    spec = Indexed(n, init=named[init] if isinstance(init, str) else init)
    A = spec.build((steps, raw), key)
    if isinstance(init, str) and init == "prior":
        return eqx.tree_at(lambda a: a.values, A, along_prior(model, n, steps, key))
    return A


def along_prior(model: Any, n: int, steps: int, key: PRNGKeyArray) -> Float[Array, "row time raw"]:
    """Adaptive vectors that make the posterior the prior along trajectories drawn from it."""
    model = resolve(model)

    def step(u, inputs):
        k, eps = inputs
        A = dynamics.prior_as_A(model, jnp.tanh(u), k == 0)
        z = dynamics.posterior(model, jnp.tanh(u), A).sample(eps)
        return dynamics.advance(model, u, z), A

    def one(key):
        eps = jax.random.normal(key, (steps, sum(model.n_latents)), model.b.dtype)
        u0 = jnp.zeros(sum(model.n_units), model.b.dtype)
        return jax.lax.scan(step, u0, (jnp.arange(steps), eps))[1]

    return jax.jit(jax.vmap(one))(jax.random.split(key, n))
