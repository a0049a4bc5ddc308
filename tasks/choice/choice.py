"""Choices after a go cue: hold fixation while the cue is on, then name one of the alternatives.

Outputs are logits of (fixation, alternative 0, alternative 1, ...), trained by cross-entropy as in
most task collections. Class 0 is right until the epoch ``decision``, class ``1 + choice`` from then
on. As in Yang et al. (2019), the first 100 ms of the decision are not scored and the rest weighs
five times as much as a step of fixation. In reaction-time mode there is no cue, see
`neurodyn.tasks.choice.reaction`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from neurodyn.common.checks import number
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractTrialTask, input_noise
from neurodyn.tasks.choice import reaction
from neurodyn.tasks.losses import cross_entropy, weighted_mean
from neurodyn.tasks.timeline import Duration, Schedule, Timeline, whole_steps

#: Time to respond that is not scored [ms].
GRACE = 100.0


class AbstractChoiceTask(AbstractTrialTask):
    """A task that ends with a ``decision`` between alternatives.

    The first input, ``fixation``, is 1 until the go cue and then 0; noisy channels with the stimuli
    follow. In reaction-time mode (``react``) it stays 1, the epoch ``reacts_to`` lasts to the end,
    and a response counts from its start on. The fields here are those of every such task;
    `_set_design` fills them.
    """

    renamed_fields: ClassVar[dict[str, str]] = {"sigma": "noise_std"}

    noise_std: Float[Array, ""]
    noise_tau: Float[Array, ""]
    response_weight: Float[Array, ""]
    timeline: Timeline = eqx.field(static=True)
    grace: int = eqx.field(static=True, metadata={"unit": "steps"})
    # Files of tasks that were saved before there was this mode do not hold it.
    react: bool = eqx.field(static=True, default=False, kw_only=True)

    #: Epochs in order and their default durations [ms], and the one at whose start time is 0.
    default_durations: eqx.AbstractClassVar[Mapping[str, Duration]]
    align: eqx.AbstractClassVar[str]
    #: Names of the alternatives.
    choices: eqx.AbstractClassVar[tuple[str, ...]]
    #: The epoch that holds all that a response needs, for reaction-time mode; "": there is none.
    reacts_to: ClassVar[str] = ""

    def _set_design(
        self,
        dt: float | int,
        durations: Iterable[Duration | None],
        noise_std: Any,
        noise_tau: Any,
        grace: float | int | None,
        response_weight: Any,
        react: Any = False,
        *,
        defaults: Mapping[str, Duration] | None = None,
        may_be_zero: Sequence[str] = (),
    ) -> None:
        """Check and set the fields that choice tasks share; for use in ``__init__`` only."""
        defaults = self.default_durations if defaults is None else defaults
        given = dict(zip(defaults, durations, strict=True))
        self.react = reaction.check_mode(react, self.reacts_to, type(self).__name__)
        if self.react:
            given, defaults = reaction.durations(given, defaults, self.reacts_to)
        self.timeline = Timeline.build(
            dt, self.align, given, defaults, may_be_zero=("fixation", "delay", *may_be_zero)
        )
        last = self.timeline.names[-1]
        self.grace = grace_steps(grace, dt, self.timeline.shortest[-1], last)
        self.noise_std = number("noise_std", noise_std, low=0)
        self.noise_tau = number("noise_tau", noise_tau, above=0)
        if response_weight is None:
            response_weight = 1.0 if self.react else 5.0
        self.response_weight = number("response_weight", response_weight, above=0)

    def _trial(
        self,
        key: PRNGKeyArray,
        schedule: Schedule,
        stimuli: Float[Array, "time stimulus"],
        choice: Int[Array, ""],
        conditions: dict[str, Array],
        context: Float[Array, " context"] | None = None,
    ) -> Trial:
        """The trial in which ``choice`` is right.

        Parameters
        ----------
        key
            Key of the noise of the stimuli.
        schedule
            Epochs of the trial.
        stimuli
            Stimuli without noise.
        choice
            The right alternative, from 0.
        conditions
            Conditions of the trial, besides the choice and the durations.
        context
            Channels that are shown without noise until the go cue. None: there are none.
        """
        gone = schedule.during(*([] if self.react else ["decision"]))
        cue = 1 - gone.astype(stimuli.dtype)
        noise = input_noise(key, stimuli.shape, self.noise_std, self.noise_tau, self.dt)
        inputs = [cue[:, None], stimuli + noise]
        if context is not None:
            inputs.append(cue[:, None] * context[None, :])
        targets, mask = choice_targets(
            schedule, choice, self.grace, self.response_weight, late=self.react
        )
        return Trial(
            jnp.concatenate(inputs, axis=1),
            targets,
            mask,
            conditions | {"choice_correct": choice, **schedule.conditions(stimuli.dtype)},
            schedule.intervals(stimuli.dtype),
            n_valid=schedule.n_valid(),
        )

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Cross-entropy, averaged over steps by their weights."""
        return weighted_mean(cross_entropy(outputs, trials.targets), trials.mask)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """Choice at the end of the decision, and what led to it.

        In reaction-time mode the first response counts instead, see
        :func:`neurodyn.tasks.choice.reaction.first_response`; ``early`` says whether it came before
        the stimulus.

        Returns
        -------
        dict
            ``choice``: the alternative with the largest output at the last step of the decision,
            -1 where fixation is still larger; ``correct``: whether it is ``choice_correct``;
            ``rt`` [ms]: from the go cue to the first step at which some alternative exceeds
            fixation, NaN if none; ``fixation``: fraction of the steps before the go cue at which
            fixation was largest.
        """
        if self.react:
            return reaction.first_response(outputs, trials, self.reacts_to, self.dt)
        right = trials.conditions["choice_correct"]
        return last_choice(outputs, trials, right, trials.epochs["decision"], self.dt)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the choices."""
        names = dict(enumerate(self.choices))
        return {"choice": {-1: "none", **names}, "choice_correct": names}

    def units(self) -> dict[str, str]:
        """Times are in ms."""
        return {"rt": "ms", **dict.fromkeys(self.timeline.drawn, "ms")}


def grace_steps(
    grace: float | int | None, dt: float | int, decision: int, name: str = "decision"
) -> int:
    """Steps of grace; None: 100 ms to the nearest step, or less where the decision is short."""
    if grace is None:
        return min(round(GRACE / dt), decision - 1)
    steps = whole_steps("grace", grace, dt, least=0)
    if steps >= decision:
        raise ValueError(
            f"`grace` ({grace:g} ms) must be shorter than the {name} ({decision * dt:g} ms), "
            "or nothing is scored."
        )
    return steps


def choice_targets(
    schedule: Schedule,
    choice: Int[Array, ""],
    grace: int,
    weight: Float[Array, ""],
    *,
    late: bool = False,
) -> tuple[Int[Array, "time 1"], Float[Array, "time 1"]]:
    """Classes and their weights.

    Parameters
    ----------
    schedule
        Epochs; in the last one the choice is due.
    choice
        The right alternative, from 0.
    grace
        Steps at the start of the last epoch that are not scored.
    weight
        Weight of the other steps of the last epoch; those before it weigh 1.
    late
        Whether the choice is due after the grace only.
    """
    last = schedule.timeline.names[-1]
    scored = schedule.during(last, skip=grace)
    due = scored if late else schedule.during(last)
    hold = schedule.during(*schedule.timeline.names[:-1])
    targets = jnp.where(due, choice + 1, 0)
    mask = hold.astype(weight.dtype) + weight * scored.astype(weight.dtype)
    return targets[:, None], mask[:, None]


def steps_during(
    interval: Float[Array, "trial 2"], n_steps: int, dt: Any
) -> Bool[Array, "trial time"]:
    """Mask of the steps in each trial's interval [ms from the start of the trial]."""
    edges = jnp.round(interval / dt).astype(jnp.int32)
    step = jnp.arange(n_steps, dtype=jnp.int32)[None, :]
    return (step >= edges[:, :1]) & (step < edges[:, 1:])


def last_step(inside: Bool[Array, "trial time"]) -> Int[Array, " trial"]:
    """The last step of each trial that is inside; 0 without any."""
    step = jnp.arange(inside.shape[1], dtype=jnp.int32)
    return jnp.max(jnp.where(inside, step[None, :], 0), axis=1)


def held_before(
    held: Bool[Array, "trial time"], inside: Bool[Array, "trial time"], trials: Trial, dtype: Any
) -> Float[Array, " trial"]:
    """Share of scored steps before an epoch at which fixation is held; 1 without any."""
    first = jnp.argmax(inside, axis=1).astype(jnp.int32)
    step = jnp.arange(inside.shape[1], dtype=jnp.int32)
    before = (jnp.max(trials.mask, axis=-1) > 0) & (step[None, :] < first[:, None])
    broken = jnp.sum(before & ~held, axis=1).astype(dtype)
    return 1 - broken / jnp.maximum(jnp.sum(before, axis=1), 1).astype(dtype)


def last_choice(
    outputs: Float[Array, "trial time output"],
    trials: Trial,
    right: Int[Array, " trial"],
    decision: Float[Array, "trial 2"],
    dt: Any,
) -> dict[str, Array]:
    """The choice at the last step of the decision, see :meth:`AbstractChoiceTask.score`.

    Parameters
    ----------
    outputs
        Fixation and the alternatives.
    trials
        The trials.
    right
        The right alternative, from 0; -1: fixation is.
    decision
        Start and stop of the decision [ms].
    dt
        Step [ms].
    """
    inside = steps_during(decision, outputs.shape[1], dt)
    named = jnp.argmax(outputs, axis=-1).astype(jnp.int32)  # (trial, time)
    choice = jnp.take_along_axis(named, last_step(inside)[:, None], axis=1)[:, 0] - 1
    responded = inside & (named > 0)
    first = jnp.argmax(responded, axis=1).astype(outputs.dtype)
    rt = (first + 1) * dt - decision[:, 0].astype(outputs.dtype)
    return {
        "correct": (choice == right).astype(outputs.dtype),
        "choice": choice,
        "rt": jnp.where(jnp.any(responded, axis=1), rt, jnp.nan),
        "fixation": held_before(named == 0, inside, trials, outputs.dtype),
    }
