"""Populations: neurons with a name, a sign and a refractory period."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.common.checks import number
from neurodyn.common.reprs import brief
from neurodyn.models.spiking.cells.neuron import AbstractNeuron
from neurodyn.params import Fixed

__all__ = ["Population"]


class Population(eqx.Module):
    """Some neurons of one kind, which a network knows by a name.

    Parameters
    ----------
    neuron
        Their equations.
    ei
        1 where they excite, -1 where they inhibit; 0 (default) where that is not said. It labels
        the units, and is what ``Projection(dale=True)`` goes by.
    refractory
        Time after a spike during which the potential is held at its reset [ms], one number or one
        for each unit; None: not at all. With steps it ends with the last whole step that fits into
        it, as in Brian2. A synapse that acts at once does not move it either.
    cell_type
        Name of the type of the units, in the place of the neuron's own.

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
                given = np.full(neuron.n, float(number("refractory", refractory, low=0)))
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
