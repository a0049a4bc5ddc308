"""Evaluation on trials that were never seen."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from neurodyn.common.checks import check_whole
from neurodyn.common.reprs import brief
from neurodyn.training.objectives.objective import AbstractObjective
from neurodyn.training.objectives.supervised import Supervised

__all__ = ["FreshTrials"]


class FreshTrials(eqx.Module):
    """Evaluates on new draws of the task, other ones each time: pass it to `fit(evaluate=...)`.

    Parameters
    ----------
    n_batches, batch_size
        Batches per evaluation and trials per batch; a task that draws something once per batch,
        such as a length, draws it for each. Default: 50 of 256.
    objective
        Whose evaluation is averaged over batches; default :class:`Supervised`.
    """

    objective: AbstractObjective
    n_batches: int = eqx.field(static=True)
    batch_size: int = eqx.field(static=True)
    fresh: ClassVar[bool] = True

    __repr__ = brief

    def __init__(
        self,
        n_batches: int = 50,
        batch_size: int = 256,
        *,
        objective: AbstractObjective | None = None,
    ):
        check_whole(1, n_batches=n_batches, batch_size=batch_size)
        self.objective = Supervised() if objective is None else objective
        self.n_batches, self.batch_size = int(n_batches), int(batch_size)

    def __call__(self, model, task, *, key):
        """Means over batches."""

        def one(key):
            trial_key, run_key = jax.random.split(key)
            trials = task.batch(trial_key, self.batch_size)
            return self.objective.evaluate(model, task, trials, None, key=run_key)

        metrics = jax.lax.map(one, jax.random.split(key, self.n_batches))
        return {name: jnp.nanmean(x) for name, x in metrics.items()}

    @property
    def protocol(self) -> str:
        """Words for the history."""
        return f"{self.n_batches} new batches of {self.batch_size} trials"
