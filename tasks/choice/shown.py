"""Choices whose stimuli are written as terms: what each channel shows during which epochs.

Everything else is that of `neurodyn.tasks.choice.choice`: fixation until the go cue, logits of the
alternatives, grace, weights, score, and reaction-time mode. A task says what it shows, which
alternative is right, and which conditions there are.
"""

import abc
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from neurodyn.tasks.choice.choice import AbstractChoiceTask
from neurodyn.tasks.parts.assembly import Code, Parts, Uniform
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.outputs import Classes
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions

__all__ = ["AbstractShownChoice", "sign_or_coin"]


class AbstractShownChoice(AbstractChoiceTask, AbstractEpochTask):
    """A choice between alternatives after stimuli that are terms."""

    # The table is not always there: some designs draw each condition by itself.
    align_event: ClassVar[str]

    @abc.abstractmethod
    def stimuli(self) -> dict[str, AbstractTerm]:
        """What each group of noisy channels shows."""

    @abc.abstractmethod
    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Any]:
        """``choice_correct``, the right alternative from 0 or -1 to hold; other conditions."""

    def drawn(self) -> Mapping[str, Uniform | Code | Callable]:
        """What is drawn for each trial besides a row of the table, see `Parts.drawn`."""
        return {}

    def parts(self) -> Parts:
        """Fixation, stimuli and choice."""
        names = self.timeline.names
        last, cued = names[-1], names if self.react else names[:-1]
        # Without a go cue, when to switch to the choice is not told: the grace is left for it.
        skip = self.grace * self.dt if self.react else 0.0
        due = during(last, value="choice_correct", skip=skip) + during(last, skip=skip)
        shown = self.stimuli()
        return Parts(
            inputs={"fixation": during(*cued), **shown},
            outputs=Classes(("fixation", *self.choices), due),
            score=AbstractChoiceTask.score,
            drawn=self.drawn(),
            derived=self.answer,
            noise=dict.fromkeys(shown, self.noise_std),
            noise_tau=self.noise_tau,
            weights={last: self.response_weight},
            grace={last: self.grace},
        )

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the choices; with a single one, to hold fixation can be right, too."""
        labels = super().labels()
        if len(self.choices) == 1:
            labels["choice_correct"] = labels["choice"]
        return labels

    def units(self) -> dict[str, str]:
        """Times are in ms, directions in degrees."""
        return AbstractEpochTask.units(self) | AbstractChoiceTask.units(self)


def sign_or_coin(value: Array, key: PRNGKeyArray) -> Int[Array, ""]:
    """1 for a positive number, 0 for a negative one; at 0 a coin decides."""
    right = jnp.where(value == 0, jax.random.bernoulli(key), value > 0)
    return right.astype(jnp.int32)
