"""Shared parts of rate networks: sizes, start, inputs of units and gates, cut units."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.engine.units import as_mask
from neurodyn.kernels import ctrnn_scan
from neurodyn.models.activations import FUSED, Activation
from neurodyn.models.unit_labels import label_units
from neurodyn.params import AbstractParameter
from neurodyn.params import bind as base
from neurodyn.params.base import changed, value_of
from neurodyn.params.weights import only
from neurodyn.system import AbstractSystem, Drive, State


class AbstractRateNetwork(AbstractSystem):
    """Units with recurrent, input and readout weights: their sizes, their start, and lesions."""

    n_inputs: int = eqx.field(static=True)
    n_units: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    W: eqx.AbstractVar[Any]
    U: eqx.AbstractVar[Any]
    b: eqx.AbstractVar[Any]
    W_out: eqx.AbstractVar[Any]
    initial: eqx.AbstractVar[Any]

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial
        name = f"this {type(self).__name__}"
        return State(base.start(self.initial, self.n_units, self.b.dtype, key, name=name))

    def cut(self, units: Any, *, incoming: bool = True, outgoing: bool = True) -> Any:
        """Disconnect some units.

        Parameters
        ----------
        units
            Unit numbers, names, or a mask, see :mod:`neurodyn.intervene`.
        incoming, outgoing
            Whether to remove the weights to them (recurrent and input weights) and from them
            (recurrent and readout weights). Biases stay.

        Returns
        -------
        AbstractRateNetwork
            A copy. Constrained weights stay cut when it is trained; unconstrained ones start from
            zero (pass ``W=params.Masked(...)`` for a lesion that training cannot undo).
        """
        kept = ~jnp.asarray(as_mask(self, units))
        everything = jnp.ones((self.n_units,), bool)
        sources = kept if outgoing else everything
        targets = kept if incoming else everything

        def masked(name: str, rows: Array, to_units: bool) -> Any:
            weights = getattr(self, name)
            shape = value_of(weights).shape
            mask = jnp.broadcast_to(rows[:, None], shape)
            if to_units:  # gates are blocks of columns
                mask = mask & jnp.tile(targets, shape[1] // self.n_units)[None, :]
            return only(weights, mask, name=name)

        inputs = jnp.ones((self.n_inputs,), bool)
        W, U = masked("W", sources, True), masked("U", inputs, True)
        return changed(self, W=W, U=U, W_out=masked("W_out", sources, False))


class AbstractLeaky(AbstractRateNetwork):
    """A network with time constants, in one of two forms, and perhaps with areas and signs."""

    form: str = eqx.field(static=True)
    activation: Activation = eqx.field(static=True)
    areas: tuple[str, ...] | None = eqx.field(static=True)
    ei: tuple[int, ...] | None = eqx.field(static=True)
    tau: Float[Array, " unit"] | AbstractParameter
    W: Float[Array, "unit unit"] | AbstractParameter
    U: Float[Array, "input unit"] | AbstractParameter
    b: Float[Array, " unit"] | AbstractParameter

    def unit_coords(self):
        return label_units(self.areas, self.ei, self.tau)

    @property
    def can_fuse(self) -> bool:
        """Whether the fused kernel knows this activation."""
        return self.activation in FUSED

    def _scan(self, b, alpha, inputs, x0, **options):
        """A run by the fused kernel; `options` are those of `ctrnn_scan`."""
        own = {"form": self.form, "activation": self.activation}
        return ctrnn_scan(self.W, self.U, b, alpha, inputs, x0, **own, **options)


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
