"""The networks of the last evaluation, beside those that a selection returns."""

from pathlib import Path
from typing import Any

from neurodyn.io.files import load, save

__all__ = ["KeepLast"]


class KeepLast:
    """A callback of `fit` that holds the models after the last step.

    Parameters
    ----------
    steps
        Number of steps of training.
    path
        File that holds them too, for a run that is resumed at its end; None: no file.
    """

    def __init__(self, steps: int, path: Path | None):
        self._steps, self._path, self._model = steps, path, None

    def __call__(self, snapshot: Any) -> None:
        if snapshot.step == self._steps:
            self._model = snapshot.model
            if self._path is not None:
                save(self._path, self._model, overwrite=True)

    def model(self) -> Any:
        """The models."""
        return load(self._path) if self._model is None else self._model
