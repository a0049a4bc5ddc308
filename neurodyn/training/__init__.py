"""Training: `fit`, and the parts that it is put together from."""

from neurodyn.training.curriculum import AbstractCurriculum, Threshold
from neurodyn.training.decay import radam
from neurodyn.training.ensemble import Ensemble, Seeds
from neurodyn.training.errors import CheckpointError, DivergenceError, TrainingError
from neurodyn.training.fit import fit
from neurodyn.training.forced_run import Forceable, forced_predictions
from neurodyn.training.forcing import GeneralisedTeacherForcing, SparseTeacherForcing
from neurodyn.training.free_run import FreeRun
from neurodyn.training.fresh_trials import FreshTrials
from neurodyn.training.gradients import BPTT, AbstractGradient
from neurodyn.training.heads import (
    HasHeads,
    Heads,
    cumulative,
    no_curriculum,
    single,
    sliding,
)
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
    "Forceable",
    "FreeRun",
    "FreshTrials",
    "GeneralisedTeacherForcing",
    "HasHeads",
    "Heads",
    "NextStep",
    "Seeds",
    "Snapshot",
    "SparseTeacherForcing",
    "Supervised",
    "Threshold",
    "TrainingError",
    "Variational",
    "cumulative",
    "fit",
    "forced_predictions",
    "no_curriculum",
    "radam",
    "single",
    "sliding",
]
