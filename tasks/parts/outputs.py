"""Outputs: numbers that follow a target, or logits of classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from neurodyn.task import Trial
from neurodyn.tasks.losses import cross_entropy, squared_error, weighted_mean
from neurodyn.tasks.parts.signals import signals
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions, Value

__all__ = ["Classes", "Outputs", "choices", "classes", "linked", "loss", "output_names", "targets"]

#: What the outputs of a readout go through before they are compared with targets.
LINKS = {"linear": lambda x: x, "sigmoid": jax.nn.sigmoid}


@dataclass(frozen=True)
class Classes:
    """Logits of classes, trained by cross-entropy.

    Attributes
    ----------
    names
        Names of the classes, which are the outputs.
    target
        The right class at each step, as a term of one channel: 0 is the first.
    """

    names: tuple[str, ...]
    target: AbstractTerm

    def __post_init__(self):
        if len(self.names) < 2 or len(self.target.names) != 1:
            raise ValueError(
                "Classes need two names at least and a target of one channel, got "
                f"{self.names} and {len(self.target.names)} channels."
            )


#: Groups of channels by name, or classes.
Outputs = Mapping[str, AbstractTerm] | Classes


def classes(*names: str, target: AbstractTerm) -> Classes:
    """Logits of classes: which one is right at each step.

    Parameters
    ----------
    *names
        Names of the classes.
    target
        Code of the right class, as a term: 0 is the first, which is right where no term says
        anything. ``during("test", value="item")`` and the like.
    """
    return Classes(names, target)


def choices(*names: str, when: str, correct: Value) -> Classes:
    """Logits of fixation and of alternatives: fixation is right until the epoch ``when``.

    Parameters
    ----------
    *names
        Names of the alternatives.
    when
        The epoch in which one of them is right.
    correct
        Which one, from 0: a condition or a function of all conditions. At -1 fixation stays right.
    """
    return Classes(("fixation", *names), during(when, value=correct) + during(when))


def output_names(outputs: Outputs) -> tuple[str, ...]:
    """Names of the channels."""
    return outputs.names if isinstance(outputs, Classes) else channel_names(outputs)


def channel_names(groups: Mapping[str, AbstractTerm]) -> tuple[str, ...]:
    """Names of the channels of all groups: ``NAME`` of a single one, else ``NAME_0``..."""
    return tuple(
        f"{name}_{each}" if each else name for name, term in groups.items() for each in term.names
    )


def targets(
    outputs: Outputs, conditions: TrialConditions, key: PRNGKeyArray, dtype: Any
) -> Shaped[Array, "time output"]:
    """What the outputs shall be: codes of classes, or numbers."""
    if isinstance(outputs, Classes):
        code = signals({"class": outputs.target}, conditions, key, dtype)
        return jnp.round(code).astype(jnp.int32)
    return signals(outputs, conditions, key, dtype)


def linked(outputs: Float[Array, "..."], link: str) -> Float[Array, "..."]:
    """What a readout says after its link."""
    return LINKS[link](outputs)


def loss(
    given: Float[Array, "trial time output"], trials: Trial, outputs: Outputs, link: str
) -> Float[Array, " trial"]:
    """Cross-entropy of classes or squared error, averaged over steps by their weights."""
    if isinstance(outputs, Classes):
        return weighted_mean(cross_entropy(given, trials.targets), trials.mask)
    return weighted_mean(squared_error(linked(given, link), trials.targets), trials.mask)
