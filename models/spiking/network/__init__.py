"""Networks of neurons: populations, projections, connectivity and readouts.

`neurodyn.models.spiking` shows them; weights of projections and states of runs are here.
"""

from neurodyn.models.spiking.network.projection import ProjectionMemory
from neurodyn.models.spiking.network.readout import ReadoutMemory
from neurodyn.models.spiking.network.state import NetworkMemory, NetworkX
from neurodyn.models.spiking.network.weights import CSR, Dense
from neurodyn.models.spiking.network.what_when import WhatWhenMemory

__all__ = [
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
