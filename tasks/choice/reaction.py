"""Reaction-time mode of choice tasks: no go cue, and the first response counts.

The fixation input stays on, and the epoch that a response needs (the stimulus, the test) lasts to
the end of the trial. The target switches from fixation to the choice ``grace`` after its onset; the
steps between are not scored. Nothing but the loss asks for speed. A network that is trained on it
answers at about the end of the grace whatever the evidence, because waiting longer gains nothing;
the more a step of the response weighs against one of fixation, the earlier.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.task import Trial
from neurodyn.tasks.laws import as_law
from neurodyn.tasks.timeline import Duration

__all__ = ["check_mode", "durations", "first_response"]


def check_mode(react: Any, epoch: str, task: str) -> bool:
    """Whether a task is in reaction-time mode; refused where it has no epoch to react to."""
    if not isinstance(react, (bool, np.bool_)):
        raise ValueError(f"`react` must be True or False, got {react!r}.")
    if react and not epoch:
        raise ValueError(
            f"{task} has no reaction-time mode, because no epoch of it holds all that a response "
            "needs: leave `react` out, or name that epoch by the class attribute `reacts_to`."
        )
    return bool(react)


def durations(
    given: Mapping[str, Duration | None], defaults: Mapping[str, Duration], epoch: str
) -> tuple[dict[str, Duration | None], dict[str, Duration]]:
    """Durations without the epochs after ``epoch``, whose default lasts as long as all of them.

    Where those vary, it is as long as the longest, because a response ends the trial.

    Raises
    ------
    ValueError
        If one of the epochs that are left out has a duration.
    """
    names = list(given)
    after = names[names.index(epoch) + 1 :]
    if said := [name for name in after if given[name] is not None]:
        raise ValueError(
            f"With react=True a trial ends with the {epoch}, so there is no `{said[0]}`: leave "
            f"{' and '.join(f'`{name}`' for name in said)} out, and say by `{epoch}` how long "
            "there is to respond."
        )
    kept = names[: names.index(epoch) + 1]
    longest = (as_law(name, defaults[name]).longest for name in [epoch, *after])
    lasting = dict(defaults) | {epoch: sum(longest)}
    return {name: given[name] for name in kept}, {name: lasting[name] for name in kept}


def first_response(
    outputs: Float[Array, "trial time output"], trials: Trial, epoch: str, dt: float
) -> dict[str, Array]:
    """The first step at which an alternative exceeds fixation; what follows is not judged.

    Parameters
    ----------
    outputs
        Fixation and the alternatives.
    trials
        Trials with ``choice_correct`` among their conditions.
    epoch
        The last epoch, from whose start on a response counts.
    dt
        Step [ms].

    Returns
    -------
    dict
        ``choice``: the alternative with the largest output at that step, -1 if fixation was largest
        throughout; ``rt`` [ms]: the time of that step from the start of the epoch (so one step at
        the least, but for early responses), NaN without a response; ``early``: whether the response
        came before, when there was nothing to respond to; ``correct``: whether the choice is
        ``choice_correct`` and not early; ``fixation``: fraction of the steps before the epoch at
        which fixation was largest.
    """
    edges = jnp.round(trials.epochs[epoch] / dt).astype(jnp.int32)
    step = jnp.arange(outputs.shape[1], dtype=jnp.int32)[None, :]
    named = jnp.argmax(outputs, axis=-1).astype(jnp.int32)  # (trial, time)
    responded = (step < edges[:, 1:]) & (named > 0)
    there = jnp.any(responded, axis=1)
    first = jnp.argmax(responded, axis=1).astype(jnp.int32)
    chosen = jnp.take_along_axis(named, first[:, None], axis=1)[:, 0] - 1
    choice = jnp.where(there, chosen, -1)
    early = there & (first < edges[:, 0])
    rt = (first + 1).astype(outputs.dtype) * dt - trials.epochs[epoch][:, 0].astype(outputs.dtype)
    # As before a go cue: without a step before the epoch there is no fixation to break.
    hold = (trials.mask[..., 0] > 0) & (step < edges[:, :1])
    broken = jnp.sum(hold & (named > 0), axis=1) / jnp.maximum(jnp.sum(hold, axis=1), 1)
    right = (choice == trials.conditions["choice_correct"]) & ~early
    return {
        "correct": right.astype(outputs.dtype),
        "choice": choice,
        "rt": jnp.where(there, rt, jnp.nan),
        "early": early.astype(outputs.dtype),
        "fixation": 1 - broken.astype(outputs.dtype),
    }
