"""The interface of every objective."""

import abc
import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from neurodyn.common.reprs import brief
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractTask, Trial

Metrics = dict[str, Float[Array, ""]]


class AbstractObjective(eqx.Module):
    """A loss, with a state of its own that it carries from step to step.

    A loss of your own is a subclass with three methods: :meth:`__call__` returns the loss that a
    step of training minimises, :meth:`evaluate` the scores of the validation set, and :meth:`check`
    refuses models and tasks that do not fit; a fourth, :meth:`init`, if it carries a state. All but
    :meth:`check` are pure JAX, because they run inside the compiled training step.
    """

    __repr__ = brief

    @abc.abstractmethod
    def check(self, model: AbstractSystem, task: AbstractTask) -> None:
        """Raise ValueError or TypeError if model and task do not go together."""

    def init(self, model: AbstractSystem, task: AbstractTask, *, key: PRNGKeyArray) -> PyTree:
        """The state before the first step (an adaptive coefficient...): arrays, or None."""
        del model, task, key
        return None

    @abc.abstractmethod
    def __call__(
        self,
        model: AbstractSystem,
        task: AbstractTask,
        trials: Trial,
        aux: PyTree,
        *,
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], Metrics, PyTree]:
        """Loss of a batch, which one step of training minimises.

        Parameters
        ----------
        model
            The model, with the parameters of this step.
        task
            The task, as the curriculum left it; ``task.loss(outputs, trials)`` is its own loss.
        trials
            The batch, trial-first.
        aux
            The state, from :meth:`init` or the last step.
        key
            For noise and other draws; a new key in every step.

        Returns
        -------
        loss
            A scalar.
        metrics
            Further scalars by name, which the history shows on ``step``; perhaps none.
        aux
            The state for the next step, of the same structure, shapes and dtypes.
        """

    @abc.abstractmethod
    def evaluate(
        self,
        model: AbstractSystem,
        task: AbstractTask,
        trials: Trial,
        aux: PyTree,
        *,
        key: PRNGKeyArray,
    ) -> Metrics:
        """Numbers for the validation set, ``loss`` among them; arguments as for :meth:`__call__`.

        The history shows them on ``evaluation``, as ``validation_loss`` and so on.
        """


def check_sizes(model: Any, task: Any, *sizes: str, fix: str = ".") -> None:
    """Refuse a model with other numbers of inputs or outputs than the task."""
    for size in sizes:
        own, wanted = getattr(model, size), getattr(task, size)
        if own != wanted:
            raise ValueError(
                f"{type(model).__name__} has {size}={own}, but {type(task).__name__} has "
                f"{size}={wanted}{fix}"
            )


def scalar(value: Any, rule: str, *, most: float = math.inf) -> Float[Array, ""]:
    """A number from 0 on as an array; others are refused by this rule."""
    if jnp.ndim(value) != 0 or not 0 <= float(value) <= most:
        raise ValueError(f"{rule}, got {value!r}.")
    return jnp.asarray(value, jnp.result_type(float))
