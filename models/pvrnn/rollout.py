"""Whole batches of sequences along the posterior, time-major."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from neurodyn.kernels import latent_scan, recurrent_scan
from neurodyn.models.pvrnn import dynamics
from neurodyn.models.pvrnn.gaussian import DiagonalGaussian


class Rollout(NamedTuple):
    """A batch of sequences along the posterior.

    Attributes
    ----------
    d
        Units after each step.
    q, p
        Posterior and prior of each step.
    """

    d: Float[Array, "time trial unit"]
    q: DiagonalGaussian
    p: DiagonalGaussian


def rollout(
    model: Any,
    A: Float[Array, "time trial raw"],
    eps: Float[Array, "time trial latent"],
    *,
    u0: Float[Array, "trial unit"] | None = None,
    first: Bool[Array, ""] | bool = True,
) -> Rollout:
    """Run the network with given adaptive vectors and deviations.

    Parameters
    ----------
    model
        A resolved PV-RNN (:func:`neurodyn.params.with_values`).
    A
        Adaptive vectors: all means, then all log standard deviations.
    eps
        Standardised deviations of the latents from their means.
    u0
        Internal state before the first step; default zeros.
    first
        Whether the first step is the first of its sequence, whose prior is the unit Gaussian.
    """
    n_trials = A.shape[1]
    if u0 is None:
        u0 = jnp.zeros((n_trials, sum(model.n_units)), A.dtype)

    if model.W_down is not None:
        d, q, p = _stepwise(model, A, eps, u0)
    else:
        W_law = [_or_zeros(model.W_posterior, model.W_prior), model.W_prior]
        b_law = [_or_zeros(model.b_posterior, model.b_prior), model.b_prior]
        d, q, p = latent_scan(
            model.W,
            jnp.concatenate(W_law, axis=1),
            model.W_z,
            model.b,
            jnp.concatenate(b_law),
            1 / model.tau,
            A,
            eps,
            u0,
        )
    opening = first & (jnp.arange(len(d)) == 0)
    p = jnp.where(opening[:, None, None], jnp.zeros_like(p), p)
    return Rollout(d, dynamics.from_raw(q), dynamics.from_raw(p))


def _or_zeros(weights: Array | None, like: Array) -> Array:
    return jnp.zeros_like(like) if weights is None else weights


def _stepwise(model, A, eps, u0):
    """The same for every form of the network, step by step as the equations have it."""
    arrays, static = eqx.partition(model, eqx.is_array)

    def one(model, u, A, eps):
        d = jnp.tanh(u)
        q, p = dynamics.raw_posterior(model, d, A), dynamics.raw_prior(model, d)
        return dynamics.advance(model, u, dynamics.from_raw(q).sample(eps)), q, p

    def step(arrays, u, x):
        u, q, p = jax.vmap(lambda u, x: one(eqx.combine(arrays, static), u, *x))(u, x)
        return u, (jnp.tanh(u), q, p)

    return recurrent_scan(step, arrays, u0, (A, eps), checkpoint=False)[1]
