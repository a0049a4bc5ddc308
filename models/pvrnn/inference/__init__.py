"""Inference with frozen weights: latents of a trained PV-RNN from observations.

Error regression of recordings and of observations as they arrive, and planning. All results are
labelled.
"""

from neurodyn.models.pvrnn.inference.online import OnlineRegression
from neurodyn.models.pvrnn.inference.planning import plan
from neurodyn.models.pvrnn.inference.regression import error_regression
from neurodyn.models.pvrnn.inference.settings import ErrorRegression

__all__ = ["ErrorRegression", "OnlineRegression", "error_regression", "plan"]
