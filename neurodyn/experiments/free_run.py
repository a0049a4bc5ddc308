"""Free runs of trained maps, and their divergence from data while training goes on."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.params import resolve

__all__ = ["Occupancy", "free_run"]

#: Added to the count of every bin before counts become shares, as in the published measure.
PSEUDO_COUNT = 1e-5
#: Most points of data and model that carry a Gaussian, and draws that the divergence averages.
N_CENTRES, N_DRAWS = 1000, 1000


@eqx.filter_jit
def free_run(
    model: Any, start: Float[Array, " output"], n_steps: int
) -> tuple[Float[Array, "time unit"], Float[Array, "time output"]]:
    """Run a model of the PLRNN family on its own, from the state that an observation points to.

    Parameters
    ----------
    model
        The model.
    start
        One observation.
    n_steps
        Number of steps.

    Returns
    -------
    states, outputs
        After each step.
    """
    model = resolve(model)

    def step(z, _):
        z = model.step(z)
        return z, z

    _, states = jax.lax.scan(step, model.infer(start), length=n_steps)
    return states, jax.vmap(model.observation.readout)(states)


class Occupancy(eqx.Module):
    """State-space divergence of a run from data, in pure JAX, to choose among checkpoints.

    A measure for :class:`neurodyn.training.FreeRun`. Its value grows with the length of the run (an
    empty bin costs the more the more samples there are), so that it compares runs of one length.

    Parameters
    ----------
    bins
        Bins per dimension, from 0.1 standard deviations below the data to as far above them. 0: a
        Gaussian of variance 1 around each of at most 1000 points instead, for data of many
        dimensions.
    """

    bins: int = eqx.field(static=True)

    def __call__(
        self, data: Float[Array, "time output"], generated: Float[Array, "sample output"]
    ) -> dict[str, Float[Array, ""]]:
        """Divergence ``d_stsp``: NaN where the run left the range of the data for good."""
        if not self.bins:
            return {"d_stsp": _gaussian_divergence(_thin(data), _thin(generated))}
        spread = 0.1 * jnp.std(data, axis=0)
        low, high = jnp.min(data, axis=0) - spread, jnp.max(data, axis=0) + spread
        p, q = (_counts(points, low, high, self.bins) for points in (data, generated))
        value = jnp.sum(jax.scipy.special.rel_entr(_shares(p), _shares(q)))
        return {"d_stsp": jnp.where(q.sum() > 0, value, jnp.nan)}


def _counts(points, low, high, bins: int) -> Float[Array, " bin"]:
    scaled = (points - low[None]) / (high - low)[None]
    inside = jnp.all((scaled >= 0) & (scaled < 1), axis=1)
    scaled = jnp.where(inside[:, None], scaled, jnp.zeros_like(scaled))
    index = jnp.minimum(jnp.floor(scaled * bins).astype(jnp.int32), bins - 1)
    flat = jnp.zeros(index.shape[0], jnp.int32)
    for column in index.T:
        flat = flat * bins + column
    return (
        jnp.zeros(bins ** points.shape[1], points.dtype).at[flat].add(inside.astype(points.dtype))
    )


def _shares(counts: Float[Array, " bin"]) -> Float[Array, " bin"]:
    return (counts + PSEUDO_COUNT) / (counts.sum() + PSEUDO_COUNT * counts.size)


def _thin(points: Float[Array, "time output"]) -> Float[Array, "centre output"]:
    return points[:: -(-points.shape[0] // N_CENTRES)]


def _gaussian_divergence(p, q) -> Float[Array, ""]:
    """Kullback-Leibler divergence between mixtures of unit Gaussians, on draws from the first."""
    # The same draws at every evaluation, so that checkpoints are judged alike.
    which, noise = jax.random.split(jax.random.key(0))
    chosen = p[jax.random.randint(which, (N_DRAWS,), 0, p.shape[0])]
    draws = chosen + jax.random.normal(noise, chosen.shape, chosen.dtype)

    def log_density(centres):
        square = jnp.sum((draws[:, None] - centres[None]) ** 2, axis=-1)
        return jax.nn.logsumexp(-square / 2, axis=1) - jnp.log(jnp.asarray(len(centres), p.dtype))

    return jnp.mean(log_density(p) - log_density(q))
