"""Models: what evolves. Each reads like the equations of its paper."""

from typing import TYPE_CHECKING

from neurodyn.common.lazy import on_first_use

if TYPE_CHECKING:
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

# A family that a program does not use is not imported.
__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "neurodyn.models.plrnn": ("ALRNN", "PLRNN", "DendriticPLRNN", "ShallowPLRNN"),
        "neurodyn.models.pvrnn": ("PVRNN", "VRNN"),
        "neurodyn.models.rate": ("CTRNN", "GRU", "LSTM", "EchoState", "LeakyRNN"),
        "neurodyn.models.reference": (),
        "neurodyn.models.spiking": (),
    },
    __all__,
)
