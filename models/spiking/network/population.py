"""Populations: neurons with a name, a sign and a refractory period."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.common.checks import plain_number
from neurodyn.common.reprs import brief
from neurodyn.models.spiking.cells.neuron import AbstractNeuron
from neurodyn.params import Fixed


class Population(eqx.Module):
    """Neurons of one kind, which have a name in the network.

    Parameters
    ----------
    neuron
        The equations.
    ei
        1 where they excite, -1 where they inhibit; 0 (default): not specified. It labels
        the units, and sets the sign of weights with ``Projection(dale=True)``.
    refractory
        Time after a spike during which the potential is held at its reset [ms], one number or one
        for each unit; None: no refractory period. In runs with steps it ends with the last whole
        step that fits into it, as in Brian2. Synapses that act at once do not change the potential
        either.
    cell_type
        Name of the type of the units; replaces the name given by the neuron.

    Raises
    ------
    ValueError
        If ``ei`` is not 1, -1 or 0, or the refractory period is negative.
    """

    neuron: AbstractNeuron
    ei: int = eqx.field(static=True)
    refractory: Fixed | None
    cell_type: tuple[str, ...] = eqx.field(static=True)

    __repr__ = brief

    def __init__(
        self,
        neuron: AbstractNeuron,
        *,
        ei: int = 0,
        refractory: Any = None,
        cell_type: str | None = None,
    ):
        if not isinstance(neuron, AbstractNeuron):
            raise TypeError(
                f"A population is made of neurons, e.g. spiking.LIF(80), got {neuron!r}."
            )
        if ei not in (-1, 0, 1):
            raise ValueError(
                f"`ei` is 1 (excitatory), -1 (inhibitory) or 0 (not said), got {ei!r}."
            )
        self.neuron, self.ei = neuron, int(ei)
        self.refractory = None
        if refractory is not None:
            given = np.asarray(refractory, float)
            if given.ndim == 0:
                given = np.full(neuron.n, plain_number("refractory", refractory, low=0))
            if given.shape != (neuron.n,) or not (np.isfinite(given) & (given >= 0)).all():
                raise ValueError(
                    f"`refractory` must be a time of at least 0 ms, or one for each of {neuron.n} "
                    f"units, got {refractory!r}."
                )
            self.refractory = Fixed(raw=jnp.asarray(given, jnp.result_type(float)))
        own = neuron.cell_type if cell_type is None else (str(cell_type),) * neuron.n
        self.cell_type = own

    @property
    def n(self) -> int:
        """Number of units."""
        return self.neuron.n
