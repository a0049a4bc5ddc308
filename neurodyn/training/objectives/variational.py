"""Training models that bound the likelihood of their data instead of computing it."""

from typing import Any, Literal, Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.task import Trial
from neurodyn.training.objectives.objective import AbstractObjective, check_sizes


@runtime_checkable
class Variational(Protocol):
    """A model that bounds the likelihood of trials from below."""

    n_outputs: Any

    def negative_elbo(
        self, trials: Trial, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, " trial"], dict[str, Float[Array, ""]]]:
        """Negative lower bound of each trial, and numbers for the history of training."""


class ELBO(AbstractObjective):
    """The negative evidence lower bound of a variational model.

    Parameters
    ----------
    over_trials
        ``"mean"`` or ``"sum"`` over the trials of a batch. Optimisers that rescale gradients, such
        as Adam, take the same steps with both; the published codes sum.

    References
    ----------
    Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014.
    """

    over_trials: Literal["mean", "sum"] = eqx.field(static=True, default="mean")

    def __check_init__(self):
        if self.over_trials not in ("mean", "sum"):
            raise ValueError(f"`over_trials` is 'mean' or 'sum', got {self.over_trials!r}.")

    def check(self, model, task):
        if not isinstance(model, Variational):
            raise TypeError(
                f"{type(model).__name__} has no lower bound (no method `negative_elbo`): train it "
                "with neurodyn.training.Supervised()."
            )
        check_sizes(model, task, "n_outputs")
        # A network that reads its observations (VRNN) has them as its inputs, and needs no others.
        if task.n_inputs or model.n_inputs != task.n_outputs:
            check_sizes(model, task, "n_inputs")
        if task.scored != "every":
            raise ValueError(f"A lower bound needs data in every step of {type(task).__name__}.")

    def __call__(self, model, task, trials, aux, *, key):
        each, parts = model.negative_elbo(trials, key=key)
        return (jnp.mean if self.over_trials == "mean" else jnp.sum)(each), parts, aux

    def evaluate(self, model, task, trials, aux, *, key):
        loss, parts, _ = self(model, task, trials, aux, key=key)
        return {"loss": loss, **parts}
