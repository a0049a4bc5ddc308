"""Models: what evolves. Each reads like the equations of its paper."""

from neurodyn.models import reference as reference
from neurodyn.models import spiking as spiking
from neurodyn.models.plrnn import ALRNN, PLRNN, DendriticPLRNN, ShallowPLRNN
from neurodyn.models.pvrnn import PVRNN, VRNN
from neurodyn.models.rate import CTRNN, GRU, LSTM, EchoState, LeakyRNN

__all__ = [
    "ALRNN",
    "CTRNN",
    "GRU",
    "LSTM",
    "PLRNN",
    "PVRNN",
    "VRNN",
    "DendriticPLRNN",
    "EchoState",
    "LeakyRNN",
    "ShallowPLRNN",
]
