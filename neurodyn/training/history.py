"""The record of a training run, as a labelled dataset."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels

#: How names of evaluations begin, in histories and everywhere else.
PREFIX = "validation_"


def evaluated(name: str) -> str:
    """The one name of a metric that an evaluation calls `name`."""
    return name if name.startswith(PREFIX) else PREFIX + name


_LONG_NAMES = {
    "loss": "loss of the batch",
    "grad_norm": "norm of the gradient",
    "task_loss": "loss of the batch without penalties",
    "rate": "mean squared rate",
    "weight": "mean squared weights, summed over matrices",
    "validation_loss": "loss on the validation set",
    "validation_correct": "fraction correct on the validation set",
    "validation_rt": "mean reaction time on the validation set",
    "validation_mse": "mean squared error on the validation set",
}


class History:
    """Collects what chunks and evaluations return, for all members."""

    def __init__(self, units: Mapping[str, str]):
        self.units = {evaluated(name): unit for name, unit in units.items()}
        self._steps: list[list[dict[str, np.ndarray]]] = []
        self._evaluations: list[list[dict[str, np.ndarray]]] = []
        self._evaluated_at: list[int] = []

    def add_steps(self, records: list[dict[str, np.ndarray]], n: int) -> None:
        """Add the first n entries of every member's record."""
        # Copies: views would keep the whole buffers of the records alive.
        self._steps.append([{k: np.array(v[:n]) for k, v in r.items()} for r in records])

    def add_evaluation(self, records: list[dict[str, np.ndarray]], step: int) -> None:
        """Add an evaluation made after `step` steps."""
        self._evaluations.append(records)
        self._evaluated_at.append(step)

    def latest(self) -> dict[str, float]:
        """Mean over members of the last loss and the last evaluation."""
        numbers = {}
        if self._steps:
            numbers["loss"] = float(np.mean([r["loss"][-1] for r in self._steps[-1]]))
        if self._evaluations:
            last = self._evaluations[-1]
            numbers |= {k: float(np.mean([r[k] for r in last])) for k in last[0]}
        return numbers

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, as arrays with a leading seed axis."""
        found = {}
        for parts, joined in ((self._steps, np.concatenate), (self._evaluations, np.stack)):
            for name in parts[0][0] if parts else ():
                rows = [np.stack([r[name] for r in records]) for records in parts]
                found[name] = joined(rows, axis=1)
        return found | {"evaluated_at": np.asarray(self._evaluated_at, np.int64)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `arrays` returned."""
        at = arrays["evaluated_at"]
        names = [name for name in arrays if name != "evaluated_at"]
        validation = [name for name in names if name.startswith(PREFIX)]
        training = [name for name in names if name not in validation]
        if training:
            seeds = range(arrays[training[0]].shape[0])
            self._steps = [[{k: arrays[k][i] for k in training} for i in seeds]]
        n = arrays[validation[0]].shape[0] if validation else 0
        self._evaluations = [
            [{k: arrays[k][i, j] for k in validation} for i in range(n)] for j in range(len(at))
        ]
        self._evaluated_at = at.tolist()

    def dataset(self, *, ensemble: bool, attrs: Mapping[str, Any]) -> xr.Dataset:
        """The labelled history; without an ensemble there is no `seed` dim."""
        arrays = self.arrays()
        at = arrays.pop("evaluated_at")
        variables: dict[str, Any] = {}
        coords: dict[str, Any] = {}
        for name, values in arrays.items():
            dim = "evaluation" if name.startswith(PREFIX) else "step"
            if dim == "step":
                coords[dim] = (dim, np.arange(values.shape[1]), "1", "steps taken before this one")
            else:
                coords[dim] = (dim, at, "1", "steps taken before the evaluation")
            dims = ("seed", dim) if ensemble else (dim,)
            long_name = _LONG_NAMES.get(name, name.replace("_", " "))
            unit = self.units.get(name, "1")
            variables[name] = (dims, values if ensemble else values[0], unit, long_name)
        # Not looking at the numbers: a metric may well be infinite, and the run is over by now.
        return labels.dataset(variables, coords, source="model", attrs=attrs, values=False)
