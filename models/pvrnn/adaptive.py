"""Adaptive vectors: the parameters of the posterior, one for each step of each sequence."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.models.pvrnn import dynamics, layers
from neurodyn.params import AbstractParameter, Indexed, Normal, with_values
from neurodyn.params.base import changed


def adaptive_vectors(
    model: Any, sequences: tuple[int, int], init: Any, key: PRNGKeyArray
) -> Indexed:
    """Adaptive vectors ``(row, time, raw)`` of these numbers of sequences and steps."""
    n, steps = layers.sizes("sequences", sequences)
    raw = 2 * sum(model.n_latents)
    named = {"zeros": 0.0, "prior": 0.0, "normal": Normal(0.0, 1.0)}
    if isinstance(init, str):
        layers.check_choice("A", init, tuple(named))
    if isinstance(init, AbstractParameter):
        raise ValueError("`A` has a row for each sequence: pass an array or an initializer.")
    spec = Indexed(n, init=named[init] if isinstance(init, str) else init)
    A = spec.build((steps, raw), key)
    if isinstance(init, str) and init == "prior":
        keys = jax.random.split(key, n)
        width, dtype = sum(model.n_latents), A.values.dtype
        eps = jax.vmap(lambda k: jax.random.normal(k, (steps, width), dtype), out_axes=1)(keys)
        u0 = jnp.zeros((n, sum(model.n_units)), dtype)
        values = eqx.filter_jit(along_prior)(with_values(model), u0, eps)
        return changed(A, values=jnp.swapaxes(values, 0, 1))
    return A


def along_prior(
    model: Any, u0: Float[Array, "trial unit"], eps: Float[Array, "time trial latent"]
) -> Float[Array, "time trial raw"]:
    """Adaptive vectors that make the posterior equal the prior, with latents at these deviations.

    ``model`` is resolved, and ``u0`` the state before the first step of the sequences.
    """

    def one(u, k, eps):
        A = dynamics.prior_as_A(model, jnp.tanh(u), k == 0)
        z = dynamics.posterior(model, jnp.tanh(u), A).sample(eps)
        return dynamics.advance(model, u, z), A

    def step(u, now):
        return jax.vmap(one, in_axes=(0, None, 0))(u, *now)

    return jax.lax.scan(step, u0, (jnp.arange(len(eps)), eps))[1]
