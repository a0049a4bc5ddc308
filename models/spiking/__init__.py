"""Spiking networks: neurons, synapses, connections, and networks made of them."""

from neurodyn.models.spiking import plasticity as plasticity
from neurodyn.models.spiking.cells import (
    CELL_TYPES_2003,
    CELL_TYPES_2007,
    LIF,
    AbstractNeuron,
    AbstractSurrogate,
    AdEx,
    Arctan,
    CellType2003,
    CellType2007,
    FastSigmoid,
    Gaussian,
    Izh2003,
    Izhikevich2003,
    Izhikevich2007,
    Sigmoid,
    Triangle,
)
from neurodyn.models.spiking.network import (
    AbstractConnectivity,
    AllToAll,
    DistanceDependent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    Network,
    OneToOne,
    Pairs,
    Population,
    Projection,
    Readout,
    WhatWhen,
    izhikevich2003_network,
    recurrent_network,
)
from neurodyn.models.spiking.synapses import (
    NMDA,
    AbstractSynapse,
    Alpha,
    CurrentInput,
    Delta,
    DoubleExponential,
    Exponential,
    Poisson,
    Pulse,
    SpikeInput,
    TsodyksMarkram,
)

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
