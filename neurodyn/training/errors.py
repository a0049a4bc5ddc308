"""Errors of training."""

from typing import Any


class TrainingError(RuntimeError):
    """Training could not go on."""

    __module__ = "neurodyn.training"


class CheckpointError(TrainingError):
    """A checkpoint does not belong to this run, or cannot be used."""

    __module__ = "neurodyn.training"


class DivergenceError(TrainingError):
    """The loss or a parameter became NaN or infinite.

    Attributes
    ----------
    step
        The step that went bad; the steps before it are in `history`.
    seed
        Which member of the ensemble (0 without one).
    parameters
        Paths of the parameters whose gradient or new value is not finite.
    trials
        The batch of that step.
    model
        The last good model, as it was before that step.
    history
        The history so far.
    """

    __module__ = "neurodyn.training"

    def __init__(self, message: str, **details: Any):
        super().__init__(message)
        self.step: int = details["step"]
        self.seed: int = details["seed"]
        self.parameters: list[str] = details["parameters"]
        self.trials = details["trials"]
        self.model = details["model"]
        self.history = details["history"]
