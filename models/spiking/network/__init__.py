"""Networks of neurons: populations, projections, connectivity and readouts."""

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
from neurodyn.models.spiking.network.projection import Projection, ProjectionMemory
from neurodyn.models.spiking.network.readout import Readout, ReadoutMemory
from neurodyn.models.spiking.network.recurrent import recurrent_network
from neurodyn.models.spiking.network.state import NetworkMemory, NetworkX
from neurodyn.models.spiking.network.weights import CSR, Dense
from neurodyn.models.spiking.network.what_when import WhatWhen, WhatWhenMemory

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
    # Weights of a projection
    "CSR",
    "Dense",
    # States of a run
    "NetworkMemory",
    "NetworkX",
    "ProjectionMemory",
    "ReadoutMemory",
    "WhatWhenMemory",
]
