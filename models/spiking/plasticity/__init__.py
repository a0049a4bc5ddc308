"""Learning inside a run: rules for readouts (FORCE, three-factor) and for connections (STDP).

Give a rule to the readout of a spiking network or of an :class:`~neurodyn.models.EchoState`, or to
a projection; targets and gates come with the drive. What is learned, and all that the rule
remembers, is part of the state: continue from the final state of a run and nothing is lost.
"""

from neurodyn.models.spiking.plasticity.base import (
    AbstractProjectionRule,
    AbstractReadoutRule,
    Clock,
)
from neurodyn.models.spiking.plasticity.consolidation import Collected, Consolidation
from neurodyn.models.spiking.plasticity.rls import RLS, RLSMemory
from neurodyn.models.spiking.plasticity.stdp import PairSTDP, Traces
from neurodyn.models.spiking.plasticity.three_factor import ThreeFactor

__all__ = [
    "RLS",
    "AbstractProjectionRule",
    "AbstractReadoutRule",
    "Clock",
    "Collected",
    "Consolidation",
    "PairSTDP",
    "RLSMemory",
    "ThreeFactor",
    "Traces",
]
