"""Whole batches of sequences along the posterior, time-major."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from neurodyn.kernels import latent_scan, recurrent_scan
from neurodyn.models.pvrnn import dynamics
from neurodyn.models.pvrnn.dynamics import DiagonalGaussian

__all__ = ["Rollout", "rollout"]


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
        A resolved PV-RNN (:func:`neurodyn.resolve`).
    A
        Adaptive vectors: all means, then all log standard deviations.
    eps
        Standardised deviations of the latents from their means.
    u0
        Internal state before the first step; zeros where left out.
    first
        Whether the first step is the first of its sequence, whose prior is the unit Gaussian.
    """
    n_trials = A.shape[1]
    if u0 is None:
        u0 = jnp.zeros((n_trials, sum(model.n_units)), A.dtype)

    if model.W_posterior is not None and model.W_down is None:
        shift = jnp.broadcast_to(model.b_posterior, A.shape)
        weights = (model.W, model.W_posterior, model.W_z, model.b, 1 / model.tau)
        d, raw = latent_scan(*weights, A + shift, eps, u0)
        q = dynamics.from_raw(raw)
    else:
        d, q = _stepwise(model, A, eps, u0)
    before = jnp.concatenate([jnp.tanh(u0)[None], d[:-1]])
    opening = first & (jnp.arange(len(d)) == 0)
    p = jax.vmap(lambda d, now: jax.vmap(lambda d: dynamics.prior(model, d, now))(d))(
        before, opening
    )
    return Rollout(d, q, p)


def _stepwise(model, A, eps, u0):
    """The same for every form of the network, step by step as the equations have it."""
    arrays, static = eqx.partition(model, eqx.is_array)

    def one(model, u, A, eps):
        q = dynamics.posterior(model, jnp.tanh(u), A)
        return dynamics.advance(model, u, q.sample(eps)), q

    def step(arrays, u, x):
        u, q = jax.vmap(lambda u, x: one(eqx.combine(arrays, static), u, *x))(u, x)
        return u, (jnp.tanh(u), q)

    return recurrent_scan(step, arrays, u0, (A, eps), checkpoint=False)[1]
