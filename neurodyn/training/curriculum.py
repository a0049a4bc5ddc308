"""Tasks that get harder as the model learns."""

import abc
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

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

    A field that is a vector has a vector for each stage: the `weights` of a
    :class:`~neurodyn.tasks.Mixture` or of :class:`~neurodyn.tasks.Yang2019` go from task to task by
    rows of the identity matrix (sequential training), or add one task after another.

    Parameters
    ----------
    field
        Name of an array field of the task.
    values
        Its values, stage by stage, ``(stage, ...)``. The task must start at one of them, and they
        must differ, because the value of the field tells the stage.
    threshold
        The next stage begins when the metric of the evaluation reaches this; or one number for
        each stage.
    metric
        Name of the metric, as in ``Fit.history``; default ``"validation_correct"``. Or one name for
        each stage, such as that of the task that is trained, ``"validation_correct_TASK"``.
    lower
        Whether smaller is better (then the metric must fall to ``threshold``).

    Raises
    ------
    ValueError
        If values are not different stages, or thresholds or metrics are not one or one for each.

    Notes
    -----
    The history has the field at every evaluation, ``validation_FIELD``; of a vector its stage,
    ``validation_FIELD_stage``, from 0.

    Examples
    --------
    >>> Threshold("coherence", [0.5, 0.2, 0.1], threshold=0.9).metric
    'validation_correct'
    >>> Threshold("weights", [[1, 0], [0, 1]], threshold=0.9).values.shape
    (2, 2)
    """

    field: str = eqx.field(static=True)
    values: Float[Array, "stage ..."]
    threshold: Float[Array, "..."]
    metric: str | tuple[str, ...] = eqx.field(static=True)
    lower: bool = eqx.field(static=True)

    def __init__(
        self,
        field: str,
        values: Any,
        *,
        threshold: Any,
        metric: str | Sequence[str] = "validation_correct",
        lower: bool = False,
    ):
        dtype = jnp.result_type(float)
        self.field = field
        self.values = jnp.asarray(np.asarray(values, float), dtype)
        self.threshold = jnp.asarray(np.asarray(threshold, float), dtype)
        self.metric = metric if isinstance(metric, str) else tuple(metric)
        self.lower = lower

    def __check_init__(self):
        n = self.values.shape[0] if self.values.ndim else 0
        if n == 0 or len(np.unique(self.values, axis=0)) < n:
            raise ValueError(f"Threshold: `values` lists different stages, got {self.values}.")
        for name, given in (("threshold", self.threshold), ("metric", self.metric)):
            if np.shape(given) not in ((), (n,)):
                raise ValueError(
                    f"Threshold: `{name}` is one for all of the {n} stages or one for each, got "
                    f"{given}."
                )

    def check(self, task):
        current, shape = getattr(task, self.field, None), self.values.shape[1:]
        if not eqx.is_array(current) or current.shape != shape:
            what = f"array field of shape {shape}" if shape else "scalar array field"
            raise ValueError(
                f"Threshold: {type(task).__name__} has no {what} {self.field!r}; it has "
                f"{_fields_of(task, len(shape))}."
            )
        if not bool(jnp.any(self._at(current))):
            raise ValueError(
                f"Threshold: {type(task).__name__}.{self.field} is {current}, which is none of the "
                f"stages {self.values}: build the task at the first stage."
            )

    def advance(self, task, metrics):
        named = (self.metric,) if isinstance(self.metric, str) else self.metric
        for name in named:
            if name not in metrics:
                raise ValueError(
                    f"Threshold: the evaluation has no metric {name!r}; it has "
                    f"{', '.join(sorted(metrics))}."
                )
        current = getattr(task, self.field)
        stage, last = self._stage(current), self.values.shape[0] - 1
        value = jnp.stack([metrics[name] for name in named])[stage if len(named) > 1 else 0]
        threshold = self.threshold[stage] if self.threshold.ndim else self.threshold
        threshold = threshold.astype(value.dtype)
        passed = value <= threshold if self.lower else value >= threshold
        following = self.values[jnp.minimum(stage + 1, last)].astype(current.dtype)
        harder = jnp.where(passed, following, current)
        task = eqx.tree_at(lambda t: getattr(t, self.field), task, harder)
        return task, passed & (stage == last)

    def stage(self, task):
        current = getattr(task, self.field)
        if self.values.ndim == 1:
            return {self.field: current}
        return {f"{self.field}_stage": self._stage(current).astype(self.values.dtype)}

    def _stage(self, current: Array) -> Int[Array, ""]:
        return jnp.argmax(self._at(current)).astype(jnp.int32)

    def _at(self, current: Array) -> Bool[Array, " stage"]:
        same = self.values.astype(current.dtype) == current[None]
        return jnp.all(same, axis=tuple(range(1, same.ndim)))


def _fields_of(task: AbstractTask, ndim: int) -> list[str]:
    """Array fields with so many axes, and the shapes of those that have any."""
    fields = {name: getattr(task, name, None) for name in task.__dataclass_fields__}
    found = {n: x for n, x in fields.items() if isinstance(x, jax.Array) and x.ndim == ndim}
    return [f"{name} {x.shape}" if ndim else name for name, x in found.items()]
