"""Piecewise-linear recurrent networks, and their observations."""

from neurodyn.models.plrnn.alrnn import ALRNN
from neurodyn.models.plrnn.base import AbstractPLRNN
from neurodyn.models.plrnn.dendritic import DendriticPLRNN
from neurodyn.models.plrnn.observation import (
    AbstractObservation,
    AffineObservation,
    IdentityObservation,
)
from neurodyn.models.plrnn.shallow import ShallowPLRNN
from neurodyn.models.plrnn.vanilla import PLRNN

__all__ = [
    "ALRNN",
    "PLRNN",
    "AbstractObservation",
    "AbstractPLRNN",
    "AffineObservation",
    "DendriticPLRNN",
    "IdentityObservation",
    "ShallowPLRNN",
]
