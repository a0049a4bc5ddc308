"""Models: what evolves. Each reads like the equations of its paper."""

from neurodyn.models.pvrnn import PVRNN, VRNN
from neurodyn.models.rate import CTRNN, GRU, LSTM, LeakyRNN

__all__ = ["CTRNN", "GRU", "LSTM", "PVRNN", "VRNN", "LeakyRNN"]
