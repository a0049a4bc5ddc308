"""Cutting units out of a PV-RNN."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from neurodyn.engine.units import as_mask
from neurodyn.params import only
from neurodyn.params.base import value_of

__all__ = ["cut_units"]

#: Weights from units, to units, or both.
_FROM = ("W", "W_down", "W_prior", "W_posterior", "W_out")
_TO = ("W", "W_down", "W_z")


def cut_units(
    model: Any,
    units: Any,
    *,
    incoming: bool,
    outgoing: bool,
) -> Any:
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
    return eqx.tree_at(lambda m: [getattr(m, name) for name in new], model, list(new.values()))
