"""Sources of the latents of each step, and copies of a PV-RNN with others, or without units."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from neurodyn.common.random import as_key
from neurodyn.common.reprs import brief
from neurodyn.engine.units import as_mask
from neurodyn.models.pvrnn import layers
from neurodyn.params import Fixed, only
from neurodyn.params.base import changed, value_of

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
        return Held(which, layers.fixed(jnp.zeros(n_latents).at[jnp.asarray(places)].set(numbers)))

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


def in_mode(model: Any, name: str, steps: int, noise: Any) -> Any:
    """See :meth:`neurodyn.models.PVRNN.mode`."""
    layers.check_choice("name", name, ("posterior", "target", "free"))
    layers.check_choice("noise", noise, ("every", "first", "none"))
    if name != "free" and model.A is None:
        raise ValueError(
            f"mode({name!r}) needs the posterior of training sequences, which this network "
            "does not have (built without `sequences`, or taken from mode('free'))."
        )
    if name == "free":
        return _sampled(model, 0, noise, None)
    n_steps = model.A.values.shape[1]
    if isinstance(steps, bool) or not 0 <= int(steps) <= n_steps:
        raise ValueError(f"`steps` lies between 0 and the {n_steps} there are, got {steps!r}.")
    return _sampled(model, n_steps if name == "posterior" else int(steps), noise, model.A)


def hold(model: Any, values: dict[tuple[int, int], Any], what: str) -> Any:
    """See :meth:`neurodyn.models.PVRNN.hold`."""
    layers.check_choice("what", what, ("z", "eps"))
    places = {_place(model, *where): value for where, value in values.items()}
    held = Held.of(sum(model.n_latents), places) if places else None
    return changed(model, sampling=changed(model.sampling, **{what: held}))


def _place(model: Any, layer: int, latent: int) -> int:
    if not 1 <= layer <= len(model.n_latents) or not 0 <= latent < model.n_latents[layer - 1]:
        raise ValueError(
            f"There is no latent {latent} in layer {layer}; layers 1, 2... have "
            f"{model.n_latents} latents, numbered from 0."
        )
    return layers.slices(model.n_latents)[layer - 1].start + latent


def _sampled(model: Any, until: int, noise: Any, A: Any) -> Any:
    old = model.sampling
    new = Sampling(jnp.asarray(until, jnp.int32), old.z, old.eps, noise)
    return changed(model, sampling=new, A=A)


#: Weights from units, to units, or both.
_FROM = ("W", "W_down", "W_prior", "W_posterior", "W_out")
_TO = ("W", "W_down", "W_z")


def cut_units(model: Any, units: Any, *, incoming: bool, outgoing: bool) -> Any:
    """A copy of a PV-RNN without the connections of some units; biases stay."""
    kept = ~jnp.asarray(as_mask(model, units))
    new = {}
    for name in dict.fromkeys(_FROM + _TO):
        weights = getattr(model, name)
        if weights is None:
            continue
        mask = jnp.ones(value_of(weights).shape, bool)
        if outgoing and name in _FROM:
            mask = mask & kept[: mask.shape[0], None]
        if incoming and name in _TO:
            mask = mask & kept[None, :]
        new[name] = only(weights, mask, name=name)
    return changed(model, **new)
