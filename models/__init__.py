"""Models of neural dynamics. Each reads like the equations of its paper."""

from typing import TYPE_CHECKING

from neurodyn.common.lazy import on_first_use

# Imported at first use, so that a program imports only the families that it uses.
if TYPE_CHECKING:
    from neurodyn.models import reference as reference
    from neurodyn.models import spiking as spiking
    from neurodyn.models.plrnn import ALRNN, PLRNN, DendriticPLRNN, ShallowPLRNN
    from neurodyn.models.pvrnn import PVRNN, VRNN
    from neurodyn.models.rate import CTRNN, GRU, LSTM, EchoState, LeakyRNN

__all__ = [
    # Rate networks
    "CTRNN",
    "LeakyRNN",
    "GRU",
    "LSTM",
    "EchoState",
    # Piecewise-linear networks
    "PLRNN",
    "ALRNN",
    "ShallowPLRNN",
    "DendriticPLRNN",
    # Variational networks
    "PVRNN",
    "VRNN",
]

__getattr__, __dir__ = on_first_use(__name__, __all__)
