"""Objectives: losses that training minimises.

:class:`Supervised` is the loss of the task. Series to be predicted have objectives by the kind of
model: teacher forcing for maps whose state an observation determines, :class:`NextStep` for
networks that read the series, :class:`ELBO` for variational models. :class:`FreeRun` and
:class:`FreshTrials` evaluate a model without training it.
"""

from neurodyn.training.objectives.forced_run import Forceable, forced_predictions
from neurodyn.training.objectives.forcing import GeneralisedTeacherForcing, SparseTeacherForcing
from neurodyn.training.objectives.free_run import FreeRun
from neurodyn.training.objectives.fresh_trials import FreshTrials
from neurodyn.training.objectives.next_step import NextStep
from neurodyn.training.objectives.objective import AbstractObjective
from neurodyn.training.objectives.supervised import Supervised
from neurodyn.training.objectives.variational import ELBO, Variational

__all__ = [
    # Objectives
    "Supervised",
    "SparseTeacherForcing",
    "GeneralisedTeacherForcing",
    "NextStep",
    "ELBO",
    # Evaluations
    "FreeRun",
    "FreshTrials",
    # To write your own, and for models that take part
    "AbstractObjective",
    "Forceable",
    "Variational",
    "forced_predictions",
]
