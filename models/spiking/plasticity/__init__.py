"""Learning inside a run: rules for readouts (FORCE, three-factor) and for connections (STDP).

Give a rule to the readout of a spiking network or of an :class:`~neurodyn.models.EchoState`, or to
a projection; targets and gates come with the drive. The learned weights and the memory of
the rule are part of the state: a run that continues from a final state goes on learning.
"""

from neurodyn.models.rules import AbstractReadoutRule
from neurodyn.models.spiking.plasticity.base import (
    AbstractProjectionRule,
    Clock,
)
from neurodyn.models.spiking.plasticity.consolidation import Collected, Consolidation
from neurodyn.models.spiking.plasticity.equation_rule import EquationRule
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
    "EquationRule",
    "PairSTDP",
    "RLSMemory",
    "ThreeFactor",
    "Traces",
]
