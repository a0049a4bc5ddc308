"""Training: `fit`, and the parts that it is put together from."""

from neurodyn.training.curriculum import AbstractCurriculum, Threshold
from neurodyn.training.ensemble import Ensemble, Seeds
from neurodyn.training.errors import CheckpointError, DivergenceError, TrainingError
from neurodyn.training.fit import fit
from neurodyn.training.gradients import BPTT, AbstractGradient
from neurodyn.training.next_step import NextStep
from neurodyn.training.objectives import AbstractObjective, Supervised
from neurodyn.training.results import Fit, Snapshot
from neurodyn.training.variational import ELBO, Variational

__all__ = [
    "BPTT",
    "ELBO",
    "AbstractCurriculum",
    "AbstractGradient",
    "AbstractObjective",
    "CheckpointError",
    "DivergenceError",
    "Ensemble",
    "Fit",
    "NextStep",
    "Seeds",
    "Snapshot",
    "Supervised",
    "Threshold",
    "TrainingError",
    "Variational",
    "fit",
]
