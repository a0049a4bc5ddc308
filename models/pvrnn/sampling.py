"""Sources of the latents of each step, by which the modes of a PV-RNN differ."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from neurodyn.common.random import as_key
from neurodyn.common.reprs import brief
from neurodyn.models.pvrnn.layers import fixed
from neurodyn.params import Fixed

__all__ = ["Held", "Noise", "Sampling"]

#: The steps in which latents are drawn; in the others they take their means.
Noise = Literal["every", "first", "none"]


class Held(eqx.Module):
    """Latents that are given instead of drawn.

    Attributes
    ----------
    which, value
        Which latents are held, and their values.
    """

    which: Bool[Array, " latent"]
    value: Float[Array, " latent"] | Fixed

    __repr__ = brief

    @staticmethod
    def of(n_latents: int, values: dict[int, Any]) -> "Held":
        """Hold the latents with these numbers."""
        places = list(values)
        which = jnp.zeros(n_latents, bool).at[jnp.asarray(places)].set(True)
        numbers = jnp.stack([jnp.asarray(values[i], jnp.result_type(float)) for i in places])
        return Held(which, fixed(jnp.zeros(n_latents).at[jnp.asarray(places)].set(numbers)))

    def __call__(self, x: Float[Array, " latent"]) -> Float[Array, " latent"]:
        """Put the values in their places."""
        value: Any = self.value  # a number by now, see with_values
        return jnp.where(self.which, value, x)


class Sampling(eqx.Module):
    """How the latents of a run are drawn.

    Attributes
    ----------
    noise
        ``"every"`` step, only the ``"first"`` one, or ``"none"``: elsewhere the latents are the
        means of their law.
    until
        Number of first steps that use the posterior; later steps use the prior.
    z, eps
        Latents, or standardised deviations from their mean, that are held at given values.
    """

    until: Int[Array, ""]
    z: Held | None = None
    eps: Held | None = None
    noise: Noise = eqx.field(static=True, default="every")

    __repr__ = brief

    def deviations(
        self, first: Bool[Array, ""], like: Float[Array, " latent"], key: PRNGKeyArray | None
    ) -> Float[Array, " latent"]:
        """Standardised deviations of this step."""
        eps = jnp.zeros_like(like)
        if self.noise != "none":
            key = as_key(key, needed_for="Drawing the latents of a PV-RNN")
            eps = jax.random.normal(key, like.shape, like.dtype)
        if self.noise == "first":
            eps = jnp.where(first, eps, jnp.zeros_like(eps))
        return eps if self.eps is None else self.eps(eps)
