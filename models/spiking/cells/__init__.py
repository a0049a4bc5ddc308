"""Neurons, their published parameters, the schemes that step them, and surrogate gradients."""

from neurodyn.models.spiking.cells.adex import Adapting, AdEx
from neurodyn.models.spiking.cells.cell_types import (
    CELL_TYPES_2003,
    CELL_TYPES_2007,
    CellType2003,
    CellType2007,
)
from neurodyn.models.spiking.cells.izhikevich2003 import Izhikevich2003, Recovering
from neurodyn.models.spiking.cells.izhikevich2007 import Izhikevich2007
from neurodyn.models.spiking.cells.lif import LIF, Potential
from neurodyn.models.spiking.cells.neuron import AbstractNeuron
from neurodyn.models.spiking.cells.schemes import Izh2003
from neurodyn.models.spiking.cells.surrogate import (
    AbstractSurrogate,
    Arctan,
    FastSigmoid,
    Gaussian,
    Sigmoid,
    Triangle,
)

__all__ = [
    # Neurons
    "AdEx",
    "Izhikevich2003",
    "Izhikevich2007",
    "LIF",
    "AbstractNeuron",
    # States of neurons
    "Adapting",
    "Potential",
    "Recovering",
    # Published cell types
    "CELL_TYPES_2003",
    "CELL_TYPES_2007",
    "CellType2003",
    "CellType2007",
    # Scheme of 2003
    "Izh2003",
    # Surrogate gradients
    "AbstractSurrogate",
    "Arctan",
    "FastSigmoid",
    "Gaussian",
    "Sigmoid",
    "Triangle",
]
