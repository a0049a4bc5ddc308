"""Spiking networks: neurons, synapses, connections and how they compose into a network."""

from neurodyn.models.spiking.adex import Adapting, AdEx
from neurodyn.models.spiking.cell_types import (
    CELL_TYPES_2003,
    CELL_TYPES_2007,
    CellType2003,
    CellType2007,
)
from neurodyn.models.spiking.connect import (
    AbstractConnectivity,
    AllToAll,
    DistanceDependent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    OneToOne,
    Pairs,
)
from neurodyn.models.spiking.delta import Delta, Pulse
from neurodyn.models.spiking.exponential import Alpha, DoubleExponential, Exponential
from neurodyn.models.spiking.inputs import CurrentInput, Poisson, SpikeInput
from neurodyn.models.spiking.izhikevich2003 import Izhikevich2003, Recovering
from neurodyn.models.spiking.izhikevich2007 import Izhikevich2007
from neurodyn.models.spiking.izhikevich_network import izhikevich2003_network
from neurodyn.models.spiking.lif import LIF, Potential
from neurodyn.models.spiking.network import Network
from neurodyn.models.spiking.neuron import AbstractNeuron
from neurodyn.models.spiking.nmda import NMDA
from neurodyn.models.spiking.population import Population
from neurodyn.models.spiking.projection import Projection, ProjectionMemory
from neurodyn.models.spiking.readout import Readout, ReadoutMemory
from neurodyn.models.spiking.recurrent import recurrent_network
from neurodyn.models.spiking.schemes import Izh2003
from neurodyn.models.spiking.short_term import TsodyksMarkram
from neurodyn.models.spiking.state import NetworkMemory, NetworkX
from neurodyn.models.spiking.surrogate import (
    AbstractSurrogate,
    Arctan,
    FastSigmoid,
    Gaussian,
    Sigmoid,
    Triangle,
)
from neurodyn.models.spiking.synapse import AbstractSynapse
from neurodyn.models.spiking.weights import CSR, Dense
from neurodyn.models.spiking.what_when import WhatWhen, WhatWhenMemory

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
