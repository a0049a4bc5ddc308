"""Training: `fit`, and the parts that it is put together from."""

from neurodyn.training.curriculum import AbstractCurriculum, Threshold
from neurodyn.training.decay import radam
from neurodyn.training.ensemble import Ensemble, Seeds
from neurodyn.training.errors import CheckpointError, DivergenceError, TrainingError
from neurodyn.training.fit import fit
from neurodyn.training.gradients import BPTT, AbstractGradient
from neurodyn.training.heads import (
    HasHeads,
    Heads,
    cumulative,
    no_curriculum,
    single,
    sliding,
)
from neurodyn.training.objectives.forced_run import Forceable, forced_predictions
from neurodyn.training.objectives.forcing import GeneralisedTeacherForcing, SparseTeacherForcing
from neurodyn.training.objectives.free_run import FreeRun
from neurodyn.training.objectives.fresh_trials import FreshTrials
from neurodyn.training.objectives.next_step import NextStep
from neurodyn.training.objectives.supervised import AbstractObjective, Supervised
from neurodyn.training.objectives.variational import ELBO, Variational
from neurodyn.training.results import Fit, Snapshot

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
