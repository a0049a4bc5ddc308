"""Spiking networks: neurons, synapses, connections, and networks made of them."""

from neurodyn.models.spiking import plasticity as plasticity
from neurodyn.models.spiking.cells.adex import AdEx
from neurodyn.models.spiking.cells.cell_types import (
    CELL_TYPES_2003,
    CELL_TYPES_2007,
    CellType2003,
    CellType2007,
)
from neurodyn.models.spiking.cells.equation_cell import EquationCell
from neurodyn.models.spiking.cells.izhikevich2003 import Izhikevich2003
from neurodyn.models.spiking.cells.izhikevich2007 import Izhikevich2007
from neurodyn.models.spiking.cells.lif import LIF
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
from neurodyn.models.spiking.network.connect import (
    AbstractConnectivity,
    AllToAll,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    OneToOne,
    Pairs,
)
from neurodyn.models.spiking.network.distance import DistanceDependent
from neurodyn.models.spiking.network.izhikevich import izhikevich2003_network
from neurodyn.models.spiking.network.network import Network
from neurodyn.models.spiking.network.population import Population
from neurodyn.models.spiking.network.projection import Projection
from neurodyn.models.spiking.network.readout import Readout
from neurodyn.models.spiking.network.recurrent import recurrent_network
from neurodyn.models.spiking.network.what_when import WhatWhen
from neurodyn.models.spiking.synapses.delta import Delta, Pulse
from neurodyn.models.spiking.synapses.exponential import Alpha, DoubleExponential, Exponential
from neurodyn.models.spiking.synapses.inputs import CurrentInput, Poisson, SpikeInput
from neurodyn.models.spiking.synapses.nmda import NMDA
from neurodyn.models.spiking.synapses.short_term import TsodyksMarkram
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse

__all__ = [
    # Networks
    "Network",
    "izhikevich2003_network",
    "recurrent_network",
    "WhatWhen",
    # Parts
    "Population",
    "Projection",
    "Readout",
    # Connectivity
    "AbstractConnectivity",
    "AllToAll",
    "DistanceDependent",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedProbability",
    "OneToOne",
    "Pairs",
    # Neurons
    "AdEx",
    "EquationCell",
    "Izhikevich2003",
    "Izhikevich2007",
    "LIF",
    "AbstractNeuron",
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
    # Kinetics
    "AbstractSynapse",
    "Delta",
    "Pulse",
    "Exponential",
    "DoubleExponential",
    "Alpha",
    "NMDA",
    # Short-term plasticity
    "TsodyksMarkram",
    # Inputs and sources
    "CurrentInput",
    "Poisson",
    "SpikeInput",
]
