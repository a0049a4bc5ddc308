"""Diagonal Gaussians, and the small networks that parametrise them."""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.reprs import brief


class DiagonalGaussian(NamedTuple):
    """Independent normal distributions.

    Attributes
    ----------
    mean, log_sigma
        Mean and log standard deviation of every entry.
    """

    mean: Float[Array, "..."]
    log_sigma: Float[Array, "..."]

    @property
    def sigma(self) -> Float[Array, "..."]:
        """Standard deviation."""
        return jnp.exp(self.log_sigma)

    def sample(self, eps: Float[Array, "..."] | None) -> Float[Array, "..."]:
        """Values at standardised deviations ``eps``; None: the means."""
        return self.mean if eps is None else self.mean + self.sigma * eps


def divergence(q: DiagonalGaussian, p: DiagonalGaussian) -> Float[Array, "..."]:
    r"""Kullback-Leibler divergence :math:`KL(q \| p)` of every entry [nats]."""
    ratio = q.log_sigma - p.log_sigma
    shift = jnp.square((q.mean - p.mean) * jnp.exp(-p.log_sigma))
    return 0.5 * (shift + jnp.exp(2 * ratio) - 1) - ratio


def negative_log_density(x: Float[Array, "..."], p: DiagonalGaussian) -> Float[Array, "..."]:
    r""":math:`-\ln p(x)` of every entry [nats]."""
    deviation = (x - p.mean) * jnp.exp(-p.log_sigma)
    return 0.5 * jnp.square(deviation) + p.log_sigma + 0.5 * math.log(2.0 * math.pi)


class Dense(eqx.Module):
    """A linear layer, on any leading axes: ``x W + b``, both from U(-k, k), k = 1/sqrt(fan in)."""

    W: Float[Array, "pre post"]
    b: Float[Array, " post"]

    __repr__ = brief

    def __init__(self, n_in: int, n_out: int, *, key: PRNGKeyArray):
        k = 1.0 / math.sqrt(max(n_in, 1))
        w_key, b_key = jax.random.split(key)
        dtype = jnp.result_type(float)
        self.W = jax.random.uniform(w_key, (n_in, n_out), dtype, -k, k)
        self.b = jax.random.uniform(b_key, (n_out,), dtype, -k, k)

    def __call__(self, x: Float[Array, "... pre"]) -> Float[Array, "... post"]:
        """Apply it."""
        out = x @ self.W
        return out + jnp.broadcast_to(self.b, out.shape)


class GaussianNet(eqx.Module):
    """A Gaussian from one rectified hidden layer: linear mean, softplus standard deviation."""

    hidden: Dense
    heads: Dense

    __repr__ = brief

    def __init__(self, n_in: int, n_hidden: int, n_out: int, *, key: PRNGKeyArray):
        hidden_key, heads_key = jax.random.split(key)
        self.hidden = Dense(n_in, n_hidden, key=hidden_key)
        self.heads = Dense(n_hidden, 2 * n_out, key=heads_key)

    def __call__(self, x: Float[Array, "... pre"], least: Float[Array, ""]) -> DiagonalGaussian:
        """The Gaussian; its standard deviations are at least ``least``."""
        mean, raw = jnp.split(self.heads(jax.nn.relu(self.hidden(x))), 2, axis=-1)
        return DiagonalGaussian(mean, jnp.log(least + jax.nn.softplus(raw)))
