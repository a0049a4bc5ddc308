"""The state that a spiking network carries from one step to the next."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree


class NetworkX(NamedTuple):
    """The part of the state that a solver integrates.

    Attributes
    ----------
    cells
        State of the neurons, one NamedTuple for each kind of neuron (usually one).
    synapses
        State of each synapse that is integrated, by its name.
    filter
        State of the filter of the readout, where that is integrated.
    refractory
        Time left of the refractory period [ms], below zero afterwards; None where no unit is
        refractory.
    """

    cells: tuple[Any, ...]
    synapses: dict[str, PyTree]
    filter: PyTree = None
    refractory: Float[Array, " unit"] | None = None

    @property
    def v(self) -> Any:
        """Membrane potentials of all units [mV]."""
        parts = [cell.v for cell in self.cells]
        return parts[0] if len(parts) == 1 else jnp.concatenate(parts)

    def with_v(self, v: Float[Array, " unit"]) -> "NetworkX":
        """A copy with these membrane potentials of all units."""
        ends = np.cumsum([cell.v.shape[-1] for cell in self.cells])[:-1]
        parts = zip(self.cells, jnp.split(v, ends), strict=True)
        return self._replace(cells=tuple(cell._replace(v=part) for cell, part in parts))

    @property
    def u(self) -> Any:
        """Recovery variables, in a network of one kind of neuron that has them."""
        (cell,) = self.cells
        return cell.u


class NetworkMemory(NamedTuple):
    """The part of the state that no solver changes.

    Attributes
    ----------
    synapses
        State of each synapse that is advanced exactly, by its name.
    projections
        Memory of each projection: spikes under way, short-term plasticity, plastic weights.
    current
        Random current of the coming step, or None.
    readout
        Memory of the readout: exact filter, plastic weights, rule, output.
    step
        Length of a step [ms]; 0 where time is continuous.
    """

    synapses: dict[str, PyTree]
    projections: dict[str, Any]
    current: Float[Array, " unit"] | None
    readout: Any
    step: Float[Array, ""]
