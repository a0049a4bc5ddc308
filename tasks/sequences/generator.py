"""The base of tasks that generate sequences: there is no input, and every step is a target.

Such a task is what a generative model learns: it has nothing to answer, it is to be reproduced.
"""

from typing import Any, ClassVar

from jaxtyping import Array, Float

from neurodyn.common.random import as_key
from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.base import balanced, check_columns, draw_batch
from neurodyn.tasks.losses import squared_error, weighted_mean
from neurodyn.tasks.sequences.sequences import Sequences

__all__ = ["AbstractGenerator"]


class AbstractGenerator(AbstractTask):
    """A source of sequences: trials without input, whose targets are the sequences.

    What remains to be written is ``sample`` and ``score``, the conditions and the names.
    """

    align_event: ClassVar[str] = "sequence start"
    input_names: ClassVar[tuple[str, ...]] = ()

    @property
    def t0(self) -> float:
        """A sequence starts at time 0."""
        return 0.0

    @property
    def scored(self) -> str:
        """Every step has a target."""
        return "every"

    @property
    def n_inputs(self) -> int:
        """There are none."""
        return 0

    @property
    def n_outputs(self) -> int:
        """Number of output channels."""
        return len(self.output_names)

    def limits(self) -> dict[str, tuple[float, float]]:
        """Bounds of the numbers that can be given as conditions; by default none."""
        return {}

    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Draw ``n`` sequences, see :meth:`~neurodyn.task.AbstractTask.batch`."""
        columns = check_columns(conditions, n, self.condition_table(), self.labels(), self.limits())
        return draw_batch(self, as_key(key, needed_for="A batch of trials"), n, columns)

    def sequences(self, key: Any, n: int, **conditions: Any) -> Sequences:
        """Draw ``n`` sequences and keep them: a data set to train on, each sequence an item.

        Parameters
        ----------
        key, n, **conditions
            As for :meth:`batch`; the conditions are carried along.
        """
        trials = self.batch(key, n, **conditions)
        return Sequences(
            trials.targets, dt=self.dt, names=self.output_names, conditions=trials.conditions
        )

    def validation(self) -> Trial:
        """At least 512 sequences, every condition of the table equally often."""
        return balanced(self)

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Squared error, averaged over steps and outputs."""
        return weighted_mean(squared_error(outputs, trials.targets), trials.mask)
