"""The base of tasks that generate sequences: there is no input, and every step is a target.

Such a task is what a generative model learns: it has nothing to answer, it is to be reproduced.
"""

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractDrawnTask
from neurodyn.tasks.sequences.sequences import Sequences

__all__ = ["AbstractGenerator"]


class AbstractGenerator(AbstractDrawnTask):
    """A source of sequences: trials without input, whose targets are the sequences.

    What remains to be written is ``sample`` and ``score``, the conditions and the names.
    """

    t0: ClassVar[float] = 0.0
    align_event: ClassVar[str] = "sequence start"
    input_names: ClassVar[tuple[str, ...]] = ()

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

    def _trial(self, targets: Float[Array, "time output"], conditions: dict[str, Array]) -> Trial:
        """The trial with this sequence, all of which is scored."""
        n_steps, dtype = targets.shape[0], targets.dtype
        return Trial(
            inputs=jnp.zeros((n_steps, 0), dtype),
            targets=targets,
            mask=jnp.ones_like(targets),
            conditions=conditions,
            epochs={"sequence": jnp.asarray([0.0, n_steps * self.dt], dtype)},
        )
