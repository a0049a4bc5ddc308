"""What a task is made of, and how its parts become inputs, noise and weights."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.tasks.base import input_noise
from neurodyn.tasks.laws import place
from neurodyn.tasks.parts.outputs import Classes, Outputs
from neurodyn.tasks.parts.terms import AbstractTerm
from neurodyn.tasks.parts.values import TrialConditions, Value, scalar

__all__ = ["Code", "Parts", "Uniform", "code", "noise_of", "uniform", "weights_of"]


class Uniform(NamedTuple):
    """See :func:`uniform`."""

    low: float
    high: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self.low, self.high

    def at(self, u: Float[Array, ""]) -> Float[Array, ""]:
        """The value that a uniform number in [0, 1) stands for."""
        return self.low + u * (self.high - self.low)

    def given(self, value: Any, dtype: Any) -> Float[Array, ""]:
        """A value that is given instead."""
        return jnp.asarray(value).astype(dtype)


class Code(NamedTuple):
    """See :func:`code`."""

    n: int

    @property
    def bounds(self) -> tuple[float, float]:
        """First and last code."""
        return 0.0, float(self.n - 1)

    def at(self, u: Float[Array, ""]) -> Int[Array, ""]:
        """The code that a uniform number in [0, 1) stands for."""
        return place(u, self.n)

    def given(self, value: Any, dtype: Any) -> Int[Array, ""]:
        """A code that is given instead."""
        return jnp.round(jnp.asarray(value)).astype(jnp.int32)


def uniform(low: float, high: float) -> Uniform:
    """A number that is drawn for each trial, uniformly from ``low`` to ``high``."""
    if not low < high:
        raise ValueError(f"uniform() needs low < high, got {low} and {high}.")
    return Uniform(float(low), float(high))


def code(n: int) -> Code:
    """A whole number from 0 to ``n - 1`` that is drawn for each trial, all equally likely.

    It is for designs with too many combinations for a table, such as four shapes out of ten.
    """
    return Code(whole("n", n, 1))


class Parts(NamedTuple):
    """What a task is made of.

    Attributes
    ----------
    inputs
        A term for each group of input channels, by the name of the group.
    outputs
        A term for each group of outputs, or :func:`~neurodyn.tasks.parts.choices` or
        :func:`~neurodyn.tasks.parts.classes`.
    score
        How outputs are scored: ``score(task, outputs, trials)`` returns at least ``correct``. See
        :mod:`neurodyn.tasks.parts.scores`.
    drawn
        Conditions that are drawn besides the table, in order and before the durations:
        :func:`uniform` numbers and :func:`code` numbers, which can also be given, or
        ``function(conditions, key)``.
    derived
        ``function(conditions, key)`` returns further conditions, by name, when the durations are
        known: ``conditions.schedule`` holds the epochs. Those whose names begin with ``_`` are for
        terms only, and may be arrays.
    noise
        Noise of the inputs, as the standard deviation that it causes in a unit of time constant
        ``noise_tau``: of all of them, or of some groups. None: none is drawn.
    noise_tau
        Time constant that ``noise`` refers to [ms].
    weights
        Weight of a step of each epoch in the loss; of those that are not named, 1.
    output_weights
        Factor of each group of outputs; of those that are not named, 1.
    grace
        Steps at the start of epochs that are not scored.
    link
        What outputs that are no classes go through before they are compared: ``"linear"`` or
        ``"sigmoid"``.
    """

    inputs: Mapping[str, AbstractTerm]
    outputs: Outputs
    score: Callable[..., dict[str, Array]]
    drawn: Mapping[str, Uniform | Code | Callable] = {}
    derived: Callable | None = None
    noise: Any = None
    noise_tau: Any = 100.0
    weights: Mapping[str, Value] = {}
    output_weights: Mapping[str, Value] = {}
    grace: Mapping[str, int] = {}
    link: str = "linear"


def noise_of(
    parts: Parts, key: PRNGKeyArray, n_steps: int, dt: float, dtype: Any
) -> Float[Array, "time input"] | Float[Array, ""]:
    """Noise of the inputs; 0 where none is drawn."""
    if parts.noise is None:
        return jnp.zeros((), dtype)
    sizes = {name: len(term.names) for name, term in parts.inputs.items()}
    noise = parts.noise
    stds = noise if isinstance(noise, Mapping) else dict.fromkeys(sizes, noise)
    noisy = [jnp.full(n, stds[name], dtype) for name, n in sizes.items() if name in stds]
    std, tau = jnp.concatenate(noisy)[None, :], jnp.asarray(parts.noise_tau, dtype)
    drawn = input_noise(key, (n_steps, std.shape[1]), std, tau, dt)
    if len(noisy) == len(sizes):
        return drawn
    columns, start = [], 0
    for name, n in sizes.items():
        there = name in stds
        columns.append(drawn[:, start : start + n] if there else jnp.zeros((n_steps, n), dtype))
        start += n * there
    return jnp.concatenate(columns, axis=1)


def weights_of(
    parts: Parts, conditions: TrialConditions, width: int, dtype: Any
) -> Float[Array, "time output"]:
    """Weight of each step and output in the loss."""
    schedule = conditions.schedule
    special = {*parts.weights, *parts.grace}
    plain = [name for name in schedule.timeline.names if name not in special]
    steps = schedule.during(*plain).astype(dtype)
    for name in schedule.timeline.names:
        if name in special:
            weight = scalar(parts.weights.get(name, 1.0), conditions, dtype)
            scored = schedule.during(name, skip=parts.grace.get(name, 0))
            steps += weight * scored.astype(dtype)
    if isinstance(parts.outputs, Classes) or not parts.output_weights:
        return jnp.broadcast_to(steps[:, None], (len(steps), width))
    factors = [
        jnp.full(len(term.names), scalar(parts.output_weights.get(name, 1.0), conditions, dtype))
        for name, term in parts.outputs.items()
    ]
    return steps[:, None] * jnp.concatenate(factors)[None, :]
