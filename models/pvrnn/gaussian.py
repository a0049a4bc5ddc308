"""Diagonal Gaussians, and the small networks that parametrise them."""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

__all__ = ["Dense", "Gaussian", "GaussianNet", "gaussian_kl", "gaussian_nll"]


class Gaussian(NamedTuple):
    """A diagonal Gaussian.

    Attributes
    ----------
    mean, std
        Of every entry.
    """

    mean: Float[Array, "..."]
    std: Float[Array, "..."]

    def sample(self, noise: Float[Array, "..."] | None) -> Float[Array, "..."]:
        """``mean + std noise``; without noise the mean."""
        return self.mean if noise is None else self.mean + self.std * noise


def gaussian_kl(q: Gaussian, p: Gaussian) -> Float[Array, "..."]:
    r"""Divergence :math:`KL(q \| p)` of every entry [nats]."""
    ratio = q.std / p.std
    distance = (q.mean - p.mean) / p.std
    return 0.5 * (jnp.square(ratio) + jnp.square(distance) - 1.0) - jnp.log(ratio)


def gaussian_nll(x: Float[Array, "..."], p: Gaussian) -> Float[Array, "..."]:
    r"""Negative log density :math:`-\ln p(x)` of every entry [nats]."""
    z = (x - p.mean) / p.std
    return 0.5 * jnp.square(z) + jnp.log(p.std) + 0.5 * math.log(2.0 * math.pi)


class Dense(eqx.Module):
    """A linear layer, on any leading axes: ``x W + b``, both from U(-k, k), k = 1/sqrt(fan in)."""

    W: Float[Array, "pre post"]
    b: Float[Array, " post"]

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

    def __init__(self, n_in: int, n_hidden: int, n_out: int, *, key: PRNGKeyArray):
        hidden_key, heads_key = jax.random.split(key)
        self.hidden = Dense(n_in, n_hidden, key=hidden_key)
        self.heads = Dense(n_hidden, 2 * n_out, key=heads_key)

    def __call__(self, x: Float[Array, "... pre"], least: Float[Array, ""]) -> Gaussian:
        """The Gaussian; its standard deviations are at least ``least``."""
        mean, raw = jnp.split(self.heads(jax.nn.relu(self.hidden(x))), 2, axis=-1)
        return Gaussian(mean, least + jax.nn.softplus(raw))
