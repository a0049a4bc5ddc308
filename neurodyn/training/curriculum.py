"""Tasks that get harder as the model learns."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from neurodyn.common.reprs import brief
from neurodyn.task import AbstractTask


class AbstractCurriculum(eqx.Module):
    """Changes array fields of the task after evaluations.

    `advance`, `active` and `stage` are pure JAX and compiled; `check` and `resize` run outside.
    """

    __repr__ = brief

    @abc.abstractmethod
    def check(self, task: AbstractTask) -> None:
        """Raise ValueError or TypeError if the curriculum does not fit this task."""

    @abc.abstractmethod
    def advance(
        self, task: AbstractTask, metrics: dict[str, Float[Array, ""]]
    ) -> tuple[AbstractTask, Bool[Array, ""]]:
        """The task of the next stage, and whether the last stage has been passed (training ends).

        The names of ``metrics`` are those of ``Fit.history``, such as ``validation_correct``.
        """

    def resize(self, task: AbstractTask) -> AbstractTask:
        """The task with the sizes that its stage needs: static fields may change, arrays may not.

        This is called after every evaluation. Training goes on with the same state, and is compiled
        again if a size has changed. Sizes should therefore change rarely. They must not shrink, and
        may depend on the task only. Default: no size changes.
        """
        return task

    def active(self, params: PyTree, task: AbstractTask) -> PyTree | None:
        """Which parameters take part at this stage.

        Returns
        -------
        None for all of them, or a tree of the structure of ``params`` whose leaves are bool arrays
        that broadcast to the parameter. The others do not move, nor does their optimiser state
        (momentum would otherwise carry them along). Default: None.
        """
        del params, task
        return None

    @abc.abstractmethod
    def stage(self, task: AbstractTask) -> dict[str, Float[Array, ""]]:
        """Numbers that name the stage, for the history."""


class Threshold(AbstractCurriculum):
    """Moves a field of the task through a list of values, each time a metric is good enough.

    Parameters
    ----------
    field
        Name of an array field of the task, a scalar.
    values
        Its values, stage by stage. The task must start at one of them.
    threshold
        The next stage begins when the metric of the evaluation reaches this.
    metric
        Name of the metric, as in ``Fit.history``; default ``"validation_correct"``.
    lower
        Whether smaller is better (then the metric must fall to ``threshold``).

    Examples
    --------
    >>> Threshold("coherence", [0.5, 0.2, 0.1], threshold=0.9).metric
    'validation_correct'
    """

    field: str = eqx.field(static=True)
    values: Float[Array, " stage"]
    threshold: Float[Array, ""]
    metric: str = eqx.field(static=True)
    lower: bool = eqx.field(static=True)

    def __init__(
        self,
        field: str,
        values: Any,
        *,
        threshold: float | int,
        metric: str = "validation_correct",
        lower: bool = False,
    ):
        dtype = jnp.result_type(float)
        self.field = field
        self.values = jnp.asarray(np.asarray(values, float), dtype)
        self.threshold = jnp.asarray(threshold, dtype)
        self.metric = metric
        self.lower = lower

    def __check_init__(self):
        if self.values.ndim != 1 or len(np.unique(self.values)) < len(self.values):
            raise ValueError(f"Threshold: `values` lists different stages, got {self.values}.")

    def check(self, task):
        current = getattr(task, self.field, None)
        if not eqx.is_array(current) or current.ndim:
            raise ValueError(
                f"Threshold: {type(task).__name__} has no scalar array field {self.field!r}; "
                f"it has {_scalar_fields(task)}."
            )
        if not bool(jnp.any(self._at(current))):
            raise ValueError(
                f"Threshold: {type(task).__name__}.{self.field} is {current}, which is none of the "
                f"stages {self.values}: build the task at the first stage."
            )

    def advance(self, task, metrics):
        if self.metric not in metrics:
            raise ValueError(
                f"Threshold: the evaluation has no metric {self.metric!r}; it has "
                f"{', '.join(sorted(metrics))}."
            )
        current = getattr(task, self.field)
        value, threshold = metrics[self.metric], self.threshold.astype(metrics[self.metric].dtype)
        passed = value <= threshold if self.lower else value >= threshold
        number = jnp.argmax(self._at(current))
        last = self.values.shape[0] - 1
        following = self.values[jnp.minimum(number + 1, last)].astype(current.dtype)
        harder = jnp.where(passed, following, current)
        task = eqx.tree_at(lambda t: getattr(t, self.field), task, harder)
        return task, passed & (number == last)

    def stage(self, task):
        return {self.field: getattr(task, self.field)}

    def _at(self, current: Array) -> Bool[Array, " stage"]:
        return self.values.astype(current.dtype) == current[None]


def _scalar_fields(task: AbstractTask) -> list[str]:
    fields = {name: getattr(task, name, None) for name in task.__dataclass_fields__}
    return [name for name, x in fields.items() if isinstance(x, jax.Array) and x.ndim == 0]
