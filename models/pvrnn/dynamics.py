"""One step of a PV-RNN: the prior, the posterior, the latents and the units.

All functions are for one trial, with the layers packed as in :mod:`neurodyn.models.pvrnn.layers`,
and take a resolved model.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from neurodyn.models.pvrnn.gaussian import DiagonalGaussian, divergence
from neurodyn.models.pvrnn.latents import Latents
from neurodyn.models.pvrnn.layers import layer_of, slices


def from_raw(raw: Float[Array, "*batch raw"]) -> DiagonalGaussian:
    """``mean = tanh``, ``sigma = exp`` of the two halves of the linear projection."""
    mean, log_sigma = jnp.split(raw, 2, axis=-1)
    return DiagonalGaussian(jnp.tanh(mean), log_sigma)


def raw_prior(model: Any, d: Float[Array, " unit"]) -> Float[Array, " raw"]:
    """The prior's projection of the previous units."""
    return d @ model.W_prior + model.b_prior


def raw_posterior(
    model: Any, d: Float[Array, " unit"], A: Float[Array, " raw"]
) -> Float[Array, " raw"]:
    """The posterior's projection of the previous units, plus the adaptive vector of this step."""
    return A if model.W_posterior is None else A + d @ model.W_posterior + model.b_posterior


def prior(model: Any, d: Float[Array, " unit"], first: Bool[Array, ""] | bool) -> DiagonalGaussian:
    """Prior of the latents given the previous units; the unit Gaussian in the first step."""
    raw = raw_prior(model, d)
    return from_raw(jnp.where(first, jnp.zeros_like(raw), raw))


def posterior(model: Any, d: Float[Array, " unit"], A: Float[Array, " raw"]) -> DiagonalGaussian:
    """Posterior of the latents given the previous units and the adaptive vector of this step."""
    return from_raw(raw_posterior(model, d, A))


def prior_as_A(
    model: Any, d: Float[Array, " unit"], first: Bool[Array, ""] | bool = False
) -> Float[Array, " raw"]:
    """The adaptive vector that makes the posterior equal the prior."""
    raw = raw_prior(model, d)
    raw = jnp.where(first, jnp.zeros_like(raw), raw)
    return raw - raw_posterior(model, d, jnp.zeros_like(raw))


def advance(
    model: Any,
    u: Float[Array, " unit"],
    z: Float[Array, " latent"],
    current: Float[Array, " unit"] | None = None,
) -> Float[Array, " unit"]:
    """Internal state of the units after a step with these latents and this injected current."""
    alpha = 1 / model.tau
    total = jnp.tanh(u) @ model.W + z @ model.W_z + model.b
    total = total if current is None else total + current
    if model.W_down is None:
        return u + alpha * (total - u)
    # Each layer receives the layer above at the same step, so the highest layer comes first.
    places, new = slices(model.n_units), {}
    for i in reversed(range(len(places))):
        here = total[places[i]]
        if i + 1 in new:
            here = here + jnp.tanh(new[i + 1]) @ model.W_down[places[i + 1], places[i]]
        new[i] = u[places[i]] + alpha[places[i]] * (here - u[places[i]])
    return jnp.concatenate([new[i] for i in range(len(places))])


def infer(
    model: Any, u: Float[Array, " unit"], step: Int[Array, ""], key: PRNGKeyArray | None
) -> Latents:
    """Latents of the step after internal state ``u``, from the posterior where there is one."""
    d = jnp.tanh(u)
    p = q = prior(model, d, step == 0)
    if model.A is not None:
        here = posterior(model, d, model.A[jnp.minimum(step, model.A.shape[0] - 1)])
        inferred = step < model.sampling.until
        q = jax.tree.map(lambda a, b: jnp.where(inferred, a, b), here, p)
    eps = model.sampling.deviations(step == 0, q.mean, key)
    z = q.sample(eps) if model.sampling.z is None else model.sampling.z(q.sample(eps))
    kl = sum_by_layer(divergence(q, p), model.n_latents)
    return Latents(step + 1, z, q.mean, q.sigma, p.mean, p.sigma, kl)


def sum_by_layer(
    x: Float[Array, "*batch latent"], n_latents: tuple[int, ...]
) -> Float[Array, "*batch layer"]:
    """Sum over the latents of each layer."""
    member = layer_of(n_latents)[:, None] == np.arange(len(n_latents))[None, :]
    return x @ jnp.asarray(member, x.dtype)
