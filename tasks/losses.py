"""Errors and their weighted means; the loss of a task is one of these two lines.

``weighted_mean(squared_error(outputs, targets), mask)`` or
``weighted_mean(cross_entropy(outputs, targets), mask)``.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

__all__ = ["cross_entropy", "explained", "squared_error", "weighted_mean", "weighted_sum"]


def squared_error(
    outputs: Float[Array, "trial scored output"], targets: Float[Array, "trial scored output"]
) -> Float[Array, "trial scored output"]:
    """Squared difference."""
    return jnp.square(outputs - targets)


def cross_entropy(
    logits: Float[Array, "trial scored logit"], targets: Int[Array, "trial scored head"]
) -> Float[Array, "trial scored head"]:
    """Softmax cross-entropy with integer classes.

    Parameters
    ----------
    logits
        The heads' logits one after the other, equally many per head.
    targets
        Class of each head.
    """
    logits = logits.reshape(*targets.shape, -1)
    chosen = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return jax.nn.logsumexp(logits, axis=-1) - chosen


def weighted_mean(
    errors: Float[Array, "trial scored output"], mask: Float[Array, "trial scored output"]
) -> Float[Array, " trial"]:
    """``sum(mask * errors) / sum(mask)`` over steps and outputs of each trial."""
    return weighted_sum(errors, mask) / jnp.sum(mask, axis=(1, 2))


def weighted_sum(
    errors: Float[Array, "trial scored output"], mask: Float[Array, "trial scored output"]
) -> Float[Array, " trial"]:
    """``sum(mask * errors)`` over steps and outputs of each trial."""
    return jnp.sum(mask * errors, axis=(1, 2))


def explained(
    outputs: Float[Array, "trial time output"],
    targets: Float[Array, "trial time output"],
    mask: Float[Array, "trial time output"],
) -> dict[str, Array]:
    """The score of tasks whose targets are observations.

    Returns
    -------
    dict
        ``mse``: mean squared error of each trial; ``correct``: the share of the trial's variance
        (about its mean in each output) that the outputs explain, 0 where it is negative.
    """
    mse = weighted_mean(squared_error(outputs, targets), mask)
    weight = mask / jnp.sum(mask, axis=1, keepdims=True)
    mean = jnp.sum(weight * targets, axis=1, keepdims=True)
    spread = weighted_mean(squared_error(targets, jnp.broadcast_to(mean, targets.shape)), mask)
    tiny = jnp.asarray(jnp.finfo(spread.dtype).tiny, spread.dtype)
    return {"mse": mse, "correct": jnp.clip(1 - mse / jnp.maximum(spread, tiny), 0, 1)}
