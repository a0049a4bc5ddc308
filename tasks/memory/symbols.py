"""Symbols one after the other, and a right answer after each: the base of tasks about lists."""

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from neurodyn.common.checks import number
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractDrawnTask, check_names, check_noise, input_noise
from neurodyn.tasks.losses import cross_entropy, weighted_mean
from neurodyn.tasks.timeline import check_step, steps_of

__all__ = ["AbstractSymbolTask", "Items", "Pace"]


@dataclass(frozen=True)
class Pace:
    """How fast symbols follow each other; hashable, so it is a static field.

    Attributes
    ----------
    dt
        Step [ms].
    item, gap
        Steps that a symbol is shown, and steps without one after it.
    """

    dt: float
    item: int
    gap: int

    @classmethod
    def build(
        cls,
        dt: float | int,
        item: float | int | None = None,
        gap: float | int | None = None,
        default: tuple[float, float] | None = None,
    ) -> "Pace":
        """Turn durations [ms] into whole steps; None takes the default to the nearest step.

        Without a default, symbols last one step each and nothing lies between them.
        """
        check_step(dt)
        shown, empty = (dt, 0) if default is None else default
        return cls(
            float(dt), steps_of("item", item, shown, dt), steps_of("gap", gap, empty, dt, least=0)
        )

    @property
    def period(self) -> int:
        """Steps from one symbol to the next."""
        return self.item + self.gap

    @property
    def answered(self) -> Bool[np.ndarray, " step"]:
        """Steps of a period at which the answer counts: the gap, or without one the last step."""
        step = np.arange(self.period)
        return step >= (self.item if self.gap else self.item - 1)


class Items(NamedTuple):
    """The items of one trial.

    Attributes
    ----------
    shown
        Which symbol is shown, from 0; -1: none.
    answers
        Which answer is right after it.
    scored
        Whether there is one.
    conditions
        Scalars that name the trial.
    cues
        What each cue channel shows all along.
    """

    shown: Int[Array, " item"]
    answers: Int[Array, " item"]
    scored: Bool[Array, " item"]
    conditions: Mapping[str, Array] = MappingProxyType({})
    cues: Float[Array, " cue"] | None = None


class AbstractSymbolTask(AbstractDrawnTask):
    """Symbols in, a class out after each.

    A task of this kind says what its symbols and answers are called, and draws :class:`Items`. The
    fields here are those of every such task; `_set_design` fills them.

    Attributes
    ----------
    symbols, output_names
        Names of the symbols, and of the answers.
    cue_names
        Names of further inputs, which are constant during a trial.
    n_items
        Symbols of a trial, those included that show nothing.
    pace
        How fast they come.
    level
        Input of the symbol that is shown.
    noise_std, noise_tau
        Noise of all inputs (:mod:`neurodyn.tasks.base`); None: none is drawn.
    """

    level: Float[Array, ""]
    noise_std: Float[Array, ""] | None
    noise_tau: Float[Array, ""]
    pace: Pace = eqx.field(static=True)
    n_items: eqx.AbstractVar[int]
    symbols: eqx.AbstractVar[tuple[str, ...]]
    cue_names: ClassVar[tuple[str, ...]] = ()
    t0: ClassVar[float] = 0.0
    align_event: ClassVar[str] = "list onset"

    def _set_design(self, pace: Pace, level: Any, noise_std: Any, noise_tau: Any) -> None:
        """Check and set the fields of tasks of this kind; for use in ``__init__`` only."""
        self.pace = pace
        self.level = number("level", level)
        self.noise_std, self.noise_tau = check_noise(noise_std, noise_tau)

    @abc.abstractmethod
    def items(self, key: PRNGKeyArray, given: Mapping[str, Any]) -> Items:
        """The symbols and answers of one trial; conditions in ``given`` are used."""

    @property
    def intervals(self) -> dict[str, tuple[int, int]]:
        """First item of each epoch, and the one after its last."""
        return {"list": (0, self.n_items)}

    @property
    def dt(self) -> float:
        """Step [ms]."""
        return self.pace.dt

    @property
    def n_steps(self) -> int:
        """Steps of a trial."""
        return self.n_items * self.pace.period

    @property
    def input_names(self) -> tuple[str, ...]:
        """One channel for each symbol, and for each cue."""
        return (*self.symbols, *self.cue_names)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; columns of the table and numbers with limits can be given."""
        check_names(conditions, self.condition_table(), self.limits())
        k_items, k_noise = jax.random.split(as_key(key))
        items, dtype, pace = self.items(k_items, conditions), self.level.dtype, self.pace
        hot = jax.nn.one_hot(items.shown, len(self.symbols), dtype=dtype) * self.level
        hot = jnp.pad(hot[:, None], ((0, 0), (0, pace.period - 1), (0, 0)), mode="edge")
        on = jnp.asarray(np.arange(pace.period) < pace.item, dtype)
        inputs = (hot * on[None, :, None]).reshape(self.n_steps, -1)
        if items.cues is not None:
            inputs = jnp.pad(inputs, ((0, 0), (0, len(self.cue_names))))
            inputs = inputs.at[:, len(self.symbols) :].set(items.cues.astype(dtype)[None, :])
        if self.noise_std is not None:
            inputs = inputs + input_noise(
                k_noise, inputs.shape, self.noise_std, self.noise_tau, self.dt
            )
        counts = jnp.asarray(pace.answered, dtype)
        mask = items.scored.astype(dtype)[:, None] * counts[None, :]
        ms = pace.period * self.dt
        return Trial(
            inputs,
            jnp.repeat(items.answers.astype(jnp.int32), pace.period)[:, None],
            mask.reshape(-1, 1),
            dict(items.conditions),
            {name: jnp.asarray(np.array(i) * ms, dtype) for name, i in self.intervals.items()},
        )

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Cross-entropy, averaged over the steps that count."""
        return weighted_mean(cross_entropy(outputs, trials.targets), trials.mask)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """The answer at the last step before the next symbol.

        Returns
        -------
        dict
            ``correct``: share of right answers; ``all_correct``: whether all are right;
            ``correct_last``: whether the last one is.
        """
        right, scored = self.answered(outputs, trials)
        weight = scored.astype(outputs.dtype)
        place = jnp.arange(self.n_items, dtype=jnp.int32)
        last = jnp.max(jnp.where(scored, place[None, :], 0), axis=1)
        right_last = jnp.take_along_axis(right, last[:, None], axis=1)[:, 0]
        share = jnp.sum(right.astype(weight.dtype) * weight, axis=1) / jnp.sum(weight, axis=1)
        return {
            "correct": share,
            "all_correct": jnp.all(right | ~scored, axis=1).astype(outputs.dtype),
            "correct_last": right_last.astype(outputs.dtype),
        }

    def answered(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> tuple[Bool[Array, "trial item"], Bool[Array, "trial item"]]:
        """Whether the answer after each item is right, and whether it counts."""
        at = slice(self.pace.period - 1, None, self.pace.period)
        named = jnp.argmax(outputs[:, at], axis=-1).astype(jnp.int32)
        return named == trials.targets[:, at, 0], trials.mask[:, at, 0] > 0
