"""Connections of rate networks: inputs of units and gates, and units that are cut off."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.engine.units import as_mask
from neurodyn.params.base import value_of
from neurodyn.params.weights import only
from neurodyn.system import Drive

__all__ = ["cut_units", "split_drive", "summed_input"]


def summed_input(
    rate: Float[Array, " unit"],
    W: Float[Array, "unit unit"],
    U: Float[Array, "input unit"],
    b: Float[Array, " unit"],
    u: Drive,
) -> Float[Array, " unit"]:
    """Recurrent input, bias, external input and injected current of each unit."""
    total = rate @ W + b
    if u.input is not None:
        total = total + u.input @ U
    return total if u.current is None else total + u.current


def split_drive(
    u: Drive,
    U: Float[Array, "input gates"],
    b: Float[Array, " gates"],
    *,
    gates: int,
    current_into: int,
) -> list[Float[Array, " unit"]]:
    """Input of each gate; an injected current goes into one of them."""
    parts = jnp.split(b if u.input is None else u.input @ U + b, gates)
    if u.current is not None:
        parts[current_into] = parts[current_into] + u.current
    return parts


def cut_units(
    system: Any,
    units: Any,
    *,
    incoming: bool,
    outgoing: bool,
) -> Any:
    """A copy of ``system`` without some units' connections; biases stay.

    Gates are blocks of columns, so masks for incoming connections are repeated over them.
    """
    kept, n_units = ~jnp.asarray(as_mask(system, units)), system.n_units
    everything = jnp.ones((n_units,), bool)
    sources = kept if outgoing else everything
    targets = kept if incoming else everything

    def masked(name: str, rows: Array | None, to_units: bool) -> Any:
        weights = getattr(system, name)
        shape = value_of(weights).shape
        mask = jnp.ones(shape, bool)
        mask = mask if rows is None else mask & rows[:, None]
        if to_units:
            mask = mask & jnp.tile(targets, shape[1] // n_units)[None, :]
        return only(weights, mask, name=name)

    parts = [masked("W", sources, True), masked("U", None, True), masked("W_out", sources, False)]
    return eqx.tree_at(lambda s: [s.W, s.U, s.W_out], system, parts)
