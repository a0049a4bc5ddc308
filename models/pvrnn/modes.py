"""Modes of a PV-RNN: copies that take their latents from another source."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from neurodyn.models.pvrnn import layers
from neurodyn.models.pvrnn.sampling import Held, Sampling

__all__ = ["hold", "in_mode"]


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
    return eqx.tree_at(
        lambda m: getattr(m.sampling, what), model, held, is_leaf=lambda x: x is None
    )


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
    return eqx.tree_at(lambda m: (m.sampling, m.A), model, (new, A), is_leaf=lambda x: x is None)
