"""Variational recurrent networks: PV-RNN, and the VRNN that it is compared with."""

from neurodyn.models.pvrnn.bias import frozen_bias
from neurodyn.models.pvrnn.heads import (
    AbstractHead,
    GaussianHead,
    LinearHead,
    SoftmaxHead,
    TanhHead,
)
from neurodyn.models.pvrnn.inference import (
    ErrorRegression,
    OnlineRegression,
    error_regression,
    plan,
)
from neurodyn.models.pvrnn.latents import Latents
from neurodyn.models.pvrnn.model import PVRNN
from neurodyn.models.pvrnn.objective import Scale, Terms, counted, terms
from neurodyn.models.pvrnn.rollout import Rollout, rollout
from neurodyn.models.pvrnn.vrnn import VRNN

__all__ = [
    # Networks
    "PVRNN",
    "VRNN",
    "Latents",
    "frozen_bias",
    # Output heads
    "AbstractHead",
    "GaussianHead",
    "LinearHead",
    "SoftmaxHead",
    "TanhHead",
    # Objective, on arrays
    "Rollout",
    "Scale",
    "Terms",
    "counted",
    "rollout",
    "terms",
    # Inference with frozen weights: error regression and planning
    "ErrorRegression",
    "OnlineRegression",
    "error_regression",
    "plan",
]
