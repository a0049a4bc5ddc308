"""Durations of epochs beyond numbers, ranges and lists: other distributions, and other conditions.

They go wherever a task takes a duration. Numbers are in ms; a timeline holds the same laws with
their numbers in steps, so that drawing is a matter of whole numbers.
"""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

__all__ = [
    "AbstractBounded",
    "AbstractLaw",
    "Between",
    "ByCode",
    "Exponential",
    "FromCondition",
    "HalfOpen",
    "OneOf",
    "as_law",
]


class AbstractLaw(abc.ABC):
    """How a duration is drawn; hashable."""

    @property
    @abc.abstractmethod
    def shortest(self) -> float:
        """The shortest duration."""

    @property
    @abc.abstractmethod
    def longest(self) -> float:
        """The longest duration."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Conditions of the trial that it depends on."""
        return ()

    @abc.abstractmethod
    def in_steps(self, steps: Callable[[Any], int], dt: float) -> "AbstractLaw":
        """The same law with its numbers in steps; ``steps`` turns ms into whole ones."""

    @abc.abstractmethod
    def draw(self, u: Float[Array, ""], given: Mapping[str, Any]) -> Int[Array, ""]:
        """A duration [steps], from a uniform number in [0, 1) and the conditions of the trial."""


class AbstractBounded(AbstractLaw):
    """A duration from ``low`` to ``high``."""

    low: float
    high: float

    @property
    def shortest(self) -> float:
        """The lower end."""
        return self.low

    @property
    def longest(self) -> float:
        """The upper end."""
        return self.high


@dataclass(frozen=True)
class HalfOpen(AbstractLaw):
    """Uniform from ``low`` to ``high`` without the upper end, as ranges of NumPy are.

    Attributes
    ----------
    low, high
        Shortest duration, and the first that is too long [ms].
    """

    low: float
    high: float

    def __post_init__(self):
        if not self.low < self.high:
            raise ValueError(f"HalfOpen needs low < high, got {self.low} and {self.high}.")

    @property
    def shortest(self) -> float:
        """The lower end."""
        return self.low

    @property
    def longest(self) -> float:
        """One below the upper end."""
        return self.high - 1

    def in_steps(self, steps: Callable[[Any], int], dt: float) -> "HalfOpen":
        """Whole steps."""
        low = steps(self.low)
        return HalfOpen(low, max(steps(self.high), low + 1))

    def draw(self, u: Float[Array, ""], given: Mapping[str, Any]) -> Int[Array, ""]:
        """Every number of steps equally often."""
        return int(self.low) + place(u, int(self.high - self.low))


@dataclass(frozen=True)
class Exponential(AbstractBounded):
    """Exponential, cut off at both ends: the end of the epoch is equally likely at any time.

    Attributes
    ----------
    mean
        Mean of the exponential distribution before it is cut off [ms].
    low, high
        Shortest and longest duration [ms]. Draws outside are drawn again.
    """

    mean: float
    low: float
    high: float

    def __post_init__(self):
        if not (self.mean > 0 and 0 <= self.low < self.high):
            raise ValueError(f"Exponential needs mean > 0 and 0 <= low < high, got {self}.")

    def in_steps(self, steps: Callable[[Any], int], dt: float) -> "Exponential":
        """Whole steps; the mean needs not be one."""
        low = steps(self.low)
        return Exponential(self.mean / dt, low, max(steps(self.high), low + 1))

    def draw(self, u: Float[Array, ""], given: Mapping[str, Any]) -> Int[Array, ""]:
        """To the nearest step. What lies above ``low`` is exponential again."""
        span = self.high - self.low
        later = -self.mean * jnp.log1p(u * np.expm1(-span / self.mean))
        return int(self.low) + jnp.clip(jnp.round(later), 0, span).astype(jnp.int32)


@dataclass(frozen=True)
class FromCondition(AbstractBounded):
    """As long as a condition of the trial says, such as the interval to be measured.

    Attributes
    ----------
    condition
        Its name; its values are in ms, and are taken to the nearest step.
    low, high
        Bounds of its values [ms], which the buffer is made for.
    dt
        Step [ms]; a timeline sets it.
    """

    condition: str
    low: float
    high: float
    dt: float = 1.0

    @property
    def needs(self) -> tuple[str, ...]:
        """The condition."""
        return (self.condition,)

    def in_steps(self, steps: Callable[[Any], int], dt: float) -> "FromCondition":
        """Whole steps."""
        return FromCondition(self.condition, steps(self.low), steps(self.high), float(dt))

    def draw(self, u: Float[Array, ""], given: Mapping[str, Any]) -> Int[Array, ""]:
        """The value of the condition, within the bounds."""
        ms = jnp.asarray(given[self.condition]).astype(u.dtype)
        steps = jnp.round(ms / self.dt).astype(jnp.int32)
        return jnp.clip(steps, int(self.low), int(self.high))


@dataclass(frozen=True)
class ByCode(AbstractLaw):
    """A duration for each code of a condition, such as a rule.

    Attributes
    ----------
    condition
        Name of the condition, whose values are the codes 0, 1, ...
    durations
        The duration at each code [ms]: a number, ``(low, high)`` or another law.
    """

    condition: str
    durations: tuple[Any, ...]

    def __post_init__(self):
        several = self.durations if isinstance(self.durations, (tuple, list)) else ()
        laws = tuple(as_law("durations", each) for each in several)
        object.__setattr__(self, "durations", laws)
        if not laws or any(law.needs for law in laws):
            raise ValueError(
                "ByCode needs one duration for each code, none of them by a condition of its own."
            )

    @property
    def shortest(self) -> float:
        """The shortest of all."""
        return min(law.shortest for law in self.durations)

    @property
    def longest(self) -> float:
        """The longest of all."""
        return max(law.longest for law in self.durations)

    @property
    def needs(self) -> tuple[str, ...]:
        """The condition."""
        return (self.condition,)

    def in_steps(self, steps: Callable[[Any], int], dt: float) -> "ByCode":
        """Whole steps."""
        return ByCode(self.condition, tuple(law.in_steps(steps, dt) for law in self.durations))

    def draw(self, u: Float[Array, ""], given: Mapping[str, Any]) -> Int[Array, ""]:
        """The one of the code."""
        each = jnp.stack([jnp.asarray(law.draw(u, given), jnp.int32) for law in self.durations])
        return each[given[self.condition]]


@dataclass(frozen=True)
class OneOf(AbstractLaw):
    """One of some values, all equally likely: what a list of durations stands for.

    Attributes
    ----------
    values
        The values [ms].
    """

    values: tuple[float, ...]

    @property
    def shortest(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def longest(self) -> float:
        """The largest value."""
        return max(self.values)

    def in_steps(self, steps: Callable[[Any], int], dt: float) -> "OneOf":
        """Whole steps."""
        return OneOf(tuple(map(steps, self.values)))

    def draw(self, u: Float[Array, ""], given: Mapping[str, Any]) -> Int[Array, ""]:
        """One of them."""
        return jnp.asarray(self.values, jnp.int32)[place(u, len(self.values))]


@dataclass(frozen=True)
class Between(AbstractBounded):
    """Uniform, both ends included: what ``(low, high)`` stands for.

    Attributes
    ----------
    low, high
        Shortest and longest duration [ms].
    """

    low: float
    high: float

    def in_steps(self, steps: Callable[[Any], int], dt: float) -> "Between":
        """Whole steps."""
        return Between(steps(self.low), steps(self.high))

    def draw(self, u: Float[Array, ""], given: Mapping[str, Any]) -> Int[Array, ""]:
        """Every number of steps equally often."""
        return int(self.low) + place(u, int(self.high - self.low) + 1)


def as_law(name: str, duration: Any) -> AbstractLaw:
    """A number, ``(low, high)``, a list of choices or a law, as a law.

    Raises
    ------
    ValueError
        If it is none of them; the message names the epoch.
    """
    if isinstance(duration, AbstractLaw):
        return duration
    values = tuple(duration) if isinstance(duration, (tuple, list)) else (duration,)
    fits = values and (not isinstance(duration, tuple) or len(values) == 2)
    if isinstance(duration, str) or not fits:
        raise ValueError(
            f"`{name}` must be a duration, (low, high) or a list of choices, got {duration}."
        )
    return Between(*values) if isinstance(duration, tuple) else OneOf(values)


def place(u: Float[Array, ""], n: int) -> Int[Array, ""]:
    """One of ``n`` places, from a uniform number in [0, 1)."""
    return jnp.minimum((u * n).astype(jnp.int32), n - 1)
