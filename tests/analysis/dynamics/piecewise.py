"""Small piecewise-linear maps with known dynamics."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Map(eqx.Module):
    """``z' = A z + W g(z) + h``, with ReLU on the last units."""

    A: Float[Array, " latent"]
    W: Float[Array, "latent latent"]
    h: Float[Array, " latent"]
    n_relu: int = eqx.field(static=True)

    def __init__(self, A, W, h, n_relu):
        self.A, self.W, self.h = (jnp.asarray(np.asarray(x, np.float32)) for x in (A, W, h))
        self.n_relu = n_relu

    def mask(self, z):
        return z[z.shape[0] - self.n_relu :] > 0

    def affine(self, mask):
        linear = jnp.ones(self.A.shape[0] - self.n_relu, bool)
        gain = jnp.concatenate([linear, mask]).astype(self.A.dtype)
        return jnp.diag(self.A) + self.W * gain[None], self.h

    def step(self, z, u=None):
        jacobian, offset = self.affine(self.mask(z))
        return jacobian @ z + offset


def tent():
    """``x' = 1 - 2 |x|`` on [-1, 1]: conjugate to the full shift on two symbols."""
    return Map([2.0], [[-4.0]], [1.0], 1)


def lozi(a=1.7, b=0.5):
    """The Lozi map ``x' = 1 - a |x| + y, y' = b x``; the third unit is x again, rectified."""
    x = [0.0, 1.0, -2 * a]
    return Map([a, 0.0, 0.0], [x, [b, 0.0, 0.0], [a, *x[1:]]], [1.0, 0.0, 1.0], 1)


def random_map(seed, n_latent, n_relu, gain=1.0):
    rng = np.random.default_rng(seed)
    return Map(
        rng.uniform(-0.9, 0.9, n_latent),
        gain * rng.standard_normal((n_latent, n_latent)) / np.sqrt(n_latent),
        rng.standard_normal(n_latent),
        n_relu,
    )


def orbit(system, start, n):
    """A plain loop in double precision."""
    A, W, h = (np.asarray(x, np.float64) for x in (system.A, system.W, system.h))
    z, states = np.asarray(start, np.float64), []
    for _ in range(n):
        g = z.copy()
        last = len(z) - system.n_relu
        g[last:] = np.maximum(g[last:], 0)
        z = A * z + W @ g + h
        states.append(z)
    return np.stack(states)
