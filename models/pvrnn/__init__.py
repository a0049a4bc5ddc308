"""Variational recurrent networks: PV-RNN, and the network that it is compared with."""

from neurodyn.models.pvrnn.bias import frozen_bias
from neurodyn.models.pvrnn.heads import (
    AbstractHead,
    GaussianHead,
    LinearHead,
    SoftmaxHead,
    TanhHead,
)
from neurodyn.models.pvrnn.model import PVRNN, Latents
from neurodyn.models.pvrnn.objective import Scale, Terms, counted, terms
from neurodyn.models.pvrnn.online import OnlineRegression
from neurodyn.models.pvrnn.planning import plan
from neurodyn.models.pvrnn.regression import error_regression
from neurodyn.models.pvrnn.rollout import Rollout, rollout
from neurodyn.models.pvrnn.settings import ErrorRegression
from neurodyn.models.pvrnn.vrnn import VRNN

__all__ = [
    "PVRNN",
    "VRNN",
    "AbstractHead",
    "ErrorRegression",
    "GaussianHead",
    "Latents",
    "LinearHead",
    "OnlineRegression",
    "Rollout",
    "Scale",
    "SoftmaxHead",
    "TanhHead",
    "Terms",
    "counted",
    "error_regression",
    "frozen_bias",
    "plan",
    "rollout",
    "terms",
]
