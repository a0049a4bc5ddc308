"""The negative lower bound of training sequences."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.kernels import standard_normal
from neurodyn.models.pvrnn.objective import counted, parts, terms
from neurodyn.models.pvrnn.rollout import rollout
from neurodyn.params import with_values
from neurodyn.task import Trial

__all__ = ["negative_elbo"]


def negative_elbo(
    model: Any, trials: Trial, key: PRNGKeyArray
) -> tuple[Float[Array, " trial"], dict[str, Float[Array, ""]]]:
    """See :meth:`neurodyn.models.PVRNN.negative_elbo`."""
    if model.A is None:
        raise ValueError(
            "This PVRNN has no posterior to train: build it with "
            "sequences=(task.n_items, task.n_steps)."
        )
    targets, mask = (jnp.swapaxes(x, 0, 1) for x in (trials.targets, trials.mask))
    A = jnp.swapaxes(model.A.row(trials), 0, 1)
    if targets.shape[0] != A.shape[0]:
        raise ValueError(
            f"This PVRNN was built for sequences of {A.shape[0]} steps, but the trials have "
            f"{targets.shape[0]}: build it with sequences=(task.n_items, task.n_steps)."
        )
    values = with_values(model)
    eps = standard_normal(key, (*A.shape[:2], A.shape[2] // 2), A.dtype)
    run = rollout(values, A, eps)
    got = terms(values, run.d, run.q, run.p, targets, mask)
    counts = counted(mask)
    return got.loss(counts), parts(got, counts)
