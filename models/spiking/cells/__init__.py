"""Neurons, their published parameters, the schemes that step them, and surrogate gradients.

`neurodyn.models.spiking` shows them; the states of neurons are here.
"""

from neurodyn.models.spiking.cells.adex import Adapting
from neurodyn.models.spiking.cells.izhikevich2003 import Recovering
from neurodyn.models.spiking.cells.lif import Potential

__all__ = ["Adapting", "Potential", "Recovering"]
