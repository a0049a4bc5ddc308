"""Loss and answers of the rules: the last step of a trial, read by a population vector."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.task import Trial
from neurodyn.tasks.base import last_steps
from neurodyn.tasks.choice.choice import held_before, steps_during
from neurodyn.tasks.losses import weighted_sum
from neurodyn.tasks.parts import circle
from neurodyn.tasks.parts.scores import HELD

#: A response counts as a choice of a stimulus that is nearer than this [deg].
_CHOSEN = 54.0


def mean_over_trial(
    errors: Float[Array, "trial time output"], trials: Trial
) -> Float[Array, " trial"]:
    """Weighted errors, averaged over the steps of each trial and all outputs."""
    steps = last_steps(trials, errors.shape[1]) + 1
    return weighted_sum(errors, trials.mask) / (steps * errors.shape[2]).astype(errors.dtype)


def score(
    outputs: Float[Array, "trial time output"],
    trials: Trial,
    tolerance: Float[Array, ""],
    variant: str,
    dt: float,
) -> dict[str, Array]:
    """Scores of each trial, see `Yang2019.score`."""
    dtype, given = outputs.dtype, trials.conditions
    last = last_steps(trials, outputs.shape[1])
    end = jnp.take_along_axis(outputs, last[:, None, None], axis=1)[:, 0]
    away = direction_of(end[:, 1:], variant)
    error = _degrees_apart(away, given["target"].astype(dtype))
    held, due = end[:, 0] > HELD, given["response_due"] == 1
    correct = jnp.where(due, ~held & (error < tolerance), held)

    response = steps_during(trials.epochs["response"], outputs.shape[1], dt)
    fixation = held_before(outputs[..., 0] > HELD, response, trials, dtype)
    directions = jnp.stack([given["direction1"], given["direction2"]], axis=1).astype(dtype)
    distance = _degrees_apart(jnp.stack([away, away], axis=1), directions)
    strengths = [[given[f"strength{i}_mod{m}"] for m in (1, 2)] for i in (1, 2)]
    there = jnp.stack([sum(each) for each in strengths], axis=1) > 0
    distance = jnp.where(there, distance, 360)
    nearest = jnp.argmin(distance, axis=1).astype(jnp.int32)
    chosen = ~held & (jnp.min(distance, axis=1) < _CHOSEN)
    return {
        "correct": correct.astype(dtype),
        "correct_held": (correct & (fixation == 1)).astype(dtype),
        "fixation": fixation,
        "direction": away,
        "error": jnp.where(due, error, jnp.nan),
        "choice": jnp.where(chosen, nearest, -1),
    }


def by_rule(
    correct: Float[Array, " trial"], rule: Int[Array, " trial"], codes: Mapping[str, int]
) -> dict[str, Float[Array, ""]]:
    """``correct_RULE`` for each of the rules, and ``correct_min``, that of the worst."""
    each = {
        f"correct_{name}": jnp.nanmean(jnp.where(rule == code, correct, jnp.nan))
        for name, code in codes.items()
    }
    return each | {"correct_min": jnp.nanmin(jnp.stack(list(each.values())))}


def direction_of(ring: Float[Array, "*trial channel"], variant: str) -> Float[Array, "*trial"]:
    """Direction of the population vector [deg], from 0 to 360."""
    # Sine comes before cosine in the published channels.
    return circle.direction_of(ring[..., ::-1] if variant == "driscoll" else ring)


def _degrees_apart(a: Float[Array, "..."], b: Float[Array, "..."]) -> Float[Array, "..."]:
    return circle.apart(a * (np.pi / 180), b * (np.pi / 180)) * (180 / np.pi)
