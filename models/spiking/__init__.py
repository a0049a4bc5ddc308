"""Spiking networks: neurons, synapses, connections and how they compose into a network."""

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
from neurodyn.models.spiking.network.connect import (
    AbstractConnectivity,
    AllToAll,
    DistanceDependent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    OneToOne,
    Pairs,
)
from neurodyn.models.spiking.network.izhikevich import izhikevich2003_network
from neurodyn.models.spiking.network.network import Network
from neurodyn.models.spiking.network.population import Population
from neurodyn.models.spiking.network.projection import Projection, ProjectionMemory
from neurodyn.models.spiking.network.readout import Readout, ReadoutMemory
from neurodyn.models.spiking.network.recurrent import recurrent_network
from neurodyn.models.spiking.network.state import NetworkMemory, NetworkX
from neurodyn.models.spiking.network.weights import CSR, Dense
from neurodyn.models.spiking.network.what_when import WhatWhen, WhatWhenMemory
from neurodyn.models.spiking.synapses.delta import Delta, Pulse
from neurodyn.models.spiking.synapses.exponential import Alpha, DoubleExponential, Exponential
from neurodyn.models.spiking.synapses.inputs import CurrentInput, Poisson, SpikeInput
from neurodyn.models.spiking.synapses.nmda import NMDA
from neurodyn.models.spiking.synapses.short_term import TsodyksMarkram
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse

__all__ = [
    "CELL_TYPES_2003",
    "CELL_TYPES_2007",
    "CSR",
    "LIF",
    "NMDA",
    "AbstractConnectivity",
    "AbstractNeuron",
    "AbstractSurrogate",
    "AbstractSynapse",
    "AdEx",
    "Adapting",
    "AllToAll",
    "Alpha",
    "Arctan",
    "CellType2003",
    "CellType2007",
    "CurrentInput",
    "Delta",
    "Dense",
    "DistanceDependent",
    "DoubleExponential",
    "Exponential",
    "FastSigmoid",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedProbability",
    "Gaussian",
    "Izh2003",
    "Izhikevich2003",
    "Izhikevich2007",
    "Network",
    "NetworkMemory",
    "NetworkX",
    "OneToOne",
    "Pairs",
    "Poisson",
    "Population",
    "Potential",
    "Projection",
    "ProjectionMemory",
    "Pulse",
    "Readout",
    "ReadoutMemory",
    "Recovering",
    "Sigmoid",
    "SpikeInput",
    "Triangle",
    "TsodyksMarkram",
    "WhatWhen",
    "WhatWhenMemory",
    "izhikevich2003_network",
    "recurrent_network",
]
