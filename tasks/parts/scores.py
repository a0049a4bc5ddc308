"""How outputs are scored, as the papers do.

A score is any function ``score(task, outputs, trials)`` that returns at least ``correct``, one
number from 0 to 1 for each trial. Those here also know the names and units of what they return.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from neurodyn.common.checks import number
from neurodyn.common.reprs import brief
from neurodyn.task import Trial
from neurodyn.tasks.choice.choice import held_before, last_choice, last_step, steps_during
from neurodyn.tasks.losses import squared_error, weighted_mean
from neurodyn.tasks.parts.circle import degrees_apart, direction_of
from neurodyn.tasks.parts.values import Value, resolve

__all__ = ["AbstractScore", "choice", "direction", "hits", "within"]

#: Fixation is held above this output.
HELD = 0.5


class AbstractScore(eqx.Module):
    """A score that knows the names of its codes and its units."""

    #: Scores that are directions, whose mean says nothing.
    circular: ClassVar[tuple[str, ...]] = ()

    __repr__ = brief

    @abc.abstractmethod
    def __call__(
        self, task: Any, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> dict[str, Array]:
        """Score outputs (after the link of the task)."""

    def labels(self, task: Any) -> dict[str, dict[int, str]]:
        """Names of codes."""
        return {}

    def units(self) -> dict[str, str]:
        """Units of what it returns."""
        return {}


class Direction(AbstractScore):
    """See :func:`direction`."""

    output: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    tolerance: Float[Array, ""]
    when: str = eqx.field(static=True)
    fixation: str | None = eqx.field(static=True)
    due: Value | None = eqx.field(static=True)
    circular: ClassVar[tuple[str, ...]] = ("direction",)

    def __call__(
        self, task: Any, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> dict[str, Array]:
        """The direction at the end of the response and its error."""
        dtype = outputs.dtype
        inside = _inside(task, self.when, outputs, trials)
        end = jnp.take_along_axis(outputs, last_step(inside)[:, None, None], axis=1)[:, 0]
        away = direction_of(end[:, task.columns(self.output)])
        error = degrees_apart(away, resolve(self.target, trials.conditions).astype(dtype))
        right, due = error < self.tolerance.astype(dtype), None
        scores = {"direction": away}
        if self.due is not None:
            due = jnp.asarray(resolve(self.due, trials.conditions)) > 0
        if self.fixation is not None:
            held = outputs[..., task.columns(self.fixation).start] > HELD
            holds = jnp.take_along_axis(held, last_step(inside)[:, None], axis=1)[:, 0]
            right = right & ~holds if due is None else jnp.where(due, right & ~holds, holds)
            scores["fixation"] = held_before(held, inside, trials, dtype)
        scores["correct"] = right.astype(dtype)
        scores["error"] = error if due is None else jnp.where(due, error, jnp.nan)
        return scores

    def units(self) -> dict[str, str]:
        """Degrees."""
        return {"direction": "deg", "error": "deg", self.target: "deg"}


class Choice(AbstractScore):
    """See :func:`choice`."""

    when: str = eqx.field(static=True)
    correct: Value = eqx.field(static=True)

    def __call__(
        self, task: Any, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> dict[str, Array]:
        """The choice at the end of the decision, and what led to it."""
        right = jnp.asarray(resolve(self.correct, trials.conditions)).astype(jnp.int32)
        return last_choice(outputs, trials, right, interval_of(trials, self.when), task.dt)

    def labels(self, task: Any) -> dict[str, dict[int, str]]:
        """Names of the alternatives."""
        names = dict(enumerate(task.output_names[1:]))
        known = {"choice": {-1: "none", **names}}
        return known | ({self.correct: known["choice"]} if isinstance(self.correct, str) else {})

    def units(self) -> dict[str, str]:
        """Times are in ms."""
        return {"rt": "ms"}


class Within(AbstractScore):
    """See :func:`within`."""

    tolerance: Float[Array, ""]
    when: tuple[str, ...] = eqx.field(static=True)
    output: str | None = eqx.field(static=True)

    def __call__(
        self, task: Any, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> dict[str, Array]:
        """Mean distance from the target."""
        columns = slice(None) if self.output is None else task.columns(self.output)
        weights = _scored(task, self.when, outputs, trials)[..., columns]
        away = jnp.abs(outputs - trials.targets)[..., columns]
        error = weighted_mean(away, weights)
        return {
            "correct": (error <= self.tolerance.astype(error.dtype)).astype(error.dtype),
            "error": error,
            "mse": weighted_mean(squared_error(outputs, trials.targets), trials.mask),
        }


class Hits(AbstractScore):
    """See :func:`hits`."""

    when: tuple[str, ...] = eqx.field(static=True)
    last: bool = eqx.field(static=True)

    def __call__(
        self, task: Any, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> dict[str, Array]:
        """Share of steps at which the right class is largest."""
        weights = _scored(task, self.when, outputs, trials)
        if self.last:
            ends = [last_step(_inside(task, name, outputs, trials)) for name in self.when]
            step = jnp.arange(outputs.shape[1], dtype=jnp.int32)
            there = jnp.any(jnp.stack([step[None, :] == end[:, None] for end in ends]), axis=0)
            weights = weights * there[..., None].astype(weights.dtype)
        named = jnp.argmax(outputs, axis=-1).astype(jnp.int32)[..., None]
        right = ((named == trials.targets) | (weights == 0)).astype(outputs.dtype)
        return {
            "correct": weighted_mean(right, weights),
            "all_correct": jnp.all(right > 0, axis=(1, 2)).astype(outputs.dtype),
        }


def direction(
    output: str,
    target: str,
    *,
    when: str = "response",
    tolerance: Any = 36.0,
    fixation: str | None = None,
    due: Value | None = None,
) -> Direction:
    """Whether the direction at the last step of an epoch is near the target.

    Scores are ``correct``, ``direction`` [deg] and ``error`` [deg]; ``fixation``, the share of
    scored steps before the epoch at which it was held, if there is such an output.

    Parameters
    ----------
    output
        Group of outputs, a ring or cosine and sine; a ring is read by its population vector.
    target
        Condition that holds the right direction [deg].
    when
        Epoch of the response.
    tolerance
        Largest error [deg]; default 36, as in Yang et al. (2019).
    fixation
        Output that must be at most 0.5 in a response, if there is one.
    due
        Condition, or function of all, that is above 0 where a response is due; on other trials
        fixation must be held at the last step. Default: always.
    """
    if due is not None and fixation is None:
        raise ValueError("`due` needs `fixation`, the output that is held where nothing is due.")
    tolerance = number("tolerance", tolerance, above=0)
    return Direction(output, target, tolerance, when, fixation, due)


def choice(when: str, correct: Value) -> Choice:
    """Which alternative is largest at the last step of an epoch.

    Scores are ``correct``, ``choice`` (-1: fixation is still largest), ``rt`` [ms] from the start
    of the epoch to the first step at which an alternative exceeds fixation (NaN if none does), and
    ``fixation``, the share of scored steps before the epoch at which fixation was largest.

    Parameters
    ----------
    when
        Epoch of the decision.
    correct
        The right alternative, from 0; -1 where fixation is to be held. A condition, or a function
        of all conditions.
    """
    return Choice(when, correct)


def within(*when: str, tolerance: Any, output: str | None = None) -> Within:
    """Whether the mean distance from the target is at most ``tolerance``.

    Scores are ``correct``, ``error`` (that distance) and ``mse``, over all that is scored.

    Parameters
    ----------
    *when
        Epochs that count; by default all steps that are scored.
    tolerance
        Largest mean distance.
    output
        Group of outputs that counts; by default all.
    """
    return Within(number("tolerance", tolerance, above=0), when, output)


def hits(*when: str, last: bool = False) -> Hits:
    """The share of steps at which the right class is the largest.

    Scores are ``correct``, that share, weighted as in the loss; and ``all_correct``, whether it is
    so at all of them.

    Parameters
    ----------
    *when
        Epochs that count; by default all steps that are scored.
    last
        Whether only the last step of each of these epochs counts.
    """
    if last and not when:
        raise ValueError("`last` needs the names of the epochs whose last steps count.")
    return Hits(when, bool(last))


def interval_of(trials: Trial, when: str) -> Float[Array, "trial 2"]:
    """Start and stop of an epoch [ms]."""
    if when not in trials.epochs:
        raise ValueError(f"`when`: there is no epoch {when!r}, only {', '.join(trials.epochs)}.")
    return trials.epochs[when]


def _inside(task: Any, when: str, outputs: Array, trials: Trial) -> Bool[Array, "trial time"]:
    return steps_during(interval_of(trials, when), outputs.shape[1], task.dt)


def _scored(task: Any, when: tuple[str, ...], outputs: Array, trials: Trial):
    """Weights of the steps of some epochs, or of all."""
    if not when:
        return trials.mask
    inside = [_inside(task, name, outputs, trials) for name in when]
    there = jnp.any(jnp.stack(inside), axis=0)
    return trials.mask * there[..., None].astype(trials.mask.dtype)
