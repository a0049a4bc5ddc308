"""The interface of laws by which conditions go from trial to trial."""

import abc

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray

from neurodyn.common.reprs import brief
from neurodyn.task import AbstractTask


class AbstractTransition(eqx.Module):
    """Draws conditions of the trials of a session, in order.

    `check` runs before anything is compiled; `draw` is pure JAX.
    """

    __repr__ = brief

    @abc.abstractmethod
    def check(self, task: AbstractTask) -> None:
        """Raise ValueError if it does not fit this task."""

    @abc.abstractmethod
    def draw(
        self, key: PRNGKeyArray, n: int, task: AbstractTask
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Conditions of ``n`` trials.

        Returns
        -------
        given
            Conditions of the task, ``(n,)`` each, that it takes instead of drawing them.
        shown
            Further labels of the trials, ``(n,)`` each, that the task does not know, such as the
            block.
        """

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the codes of further labels; by default none."""
        return {}
