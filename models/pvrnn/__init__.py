"""Variational recurrent networks: PV-RNN, and the network that it is compared with."""

from neurodyn.models.pvrnn.vrnn import VRNN

__all__ = ["VRNN"]
