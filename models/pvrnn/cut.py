"""Cutting units out of a PV-RNN."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from neurodyn.models.rate.base import mask_weights
from neurodyn.params.base import value_of

__all__ = ["cut_units"]

#: Weights from units, to units, or both.
_FROM = ("W", "W_down", "W_prior", "W_posterior", "W_out")
_TO = ("W", "W_down", "W_z")


def cut_units(
    model: Any,
    units: Bool[Array, " unit"] | Bool[np.ndarray, " unit"],
    *,
    incoming: bool,
    outgoing: bool,
) -> Any:
    """A copy of a PV-RNN without the connections of some units; biases stay."""
    kept = ~jnp.asarray(units, bool)
    n_units = sum(model.n_units)
    if kept.shape != (n_units,):
        raise ValueError(
            f"`units` must be a mask over the {n_units} units, got shape {kept.shape}."
        )
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
        new[name] = mask_weights(weights, mask, name)
    return eqx.tree_at(lambda m: [getattr(m, name) for name in new], model, list(new.values()))
