"""Training: `fit`, and the parts that it is put together from."""

from neurodyn.training.curriculum import AbstractCurriculum, Threshold
from neurodyn.training.decay import radam
from neurodyn.training.ensemble import Ensemble, Seeds
from neurodyn.training.errors import CheckpointError, DivergenceError, TrainingError
from neurodyn.training.fit import fit
from neurodyn.training.gradients import BPTT, AbstractGradient
from neurodyn.training.heads import HasHeads, Heads
from neurodyn.training.objectives.distribution import MatchDistribution, gumbel_softmax
from neurodyn.training.objectives.evaluations import FreeRun, FreshTrials
from neurodyn.training.objectives.forced_run import Forceable, forced_predictions
from neurodyn.training.objectives.forcing import GeneralisedTeacherForcing, SparseTeacherForcing
from neurodyn.training.objectives.next_step import NextStep
from neurodyn.training.objectives.objective import AbstractObjective
from neurodyn.training.objectives.supervised import Supervised
from neurodyn.training.objectives.transport import sinkhorn_divergence
from neurodyn.training.objectives.variational import ELBO, Variational
from neurodyn.training.results import Fit, Snapshot

__all__ = [
    # Train, and what comes of it
    "fit",
    "Fit",
    "Snapshot",
    "Ensemble",
    "Seeds",
    # Objectives
    "Supervised",
    "SparseTeacherForcing",
    "GeneralisedTeacherForcing",
    "NextStep",
    "ELBO",
    "MatchDistribution",
    "gumbel_softmax",
    "sinkhorn_divergence",
    # Evaluations
    "FreeRun",
    "FreshTrials",
    # Curricula
    "Threshold",
    "Heads",
    # Gradients and optimisers
    "BPTT",
    "radam",
    # Errors
    "TrainingError",
    "DivergenceError",
    "CheckpointError",
    # To write your own, and for models and tasks that take part
    "AbstractCurriculum",
    "AbstractGradient",
    "AbstractObjective",
    "Forceable",
    "HasHeads",
    "Variational",
    "forced_predictions",
]
