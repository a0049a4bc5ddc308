"""Durations of epochs that depend on a condition of the trial, such as its rule."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.tasks.timeline import Span, check_step

__all__ = ["DurationTable"]

#: Guards whole numbers of steps against rounding when fractions of a step are cut off.
_SLACK = 1e-9


@dataclass(frozen=True)
class DurationTable:
    """One row of durations for each condition; hashable, so it is a static field.

    All durations that are given must be whole steps. A range ``(low, high)`` is drawn uniformly
    without its upper end, and cut off to whole steps, as in most published code; the values of a
    list are equally likely; an epoch that a row does not name is left out.

    Attributes
    ----------
    dt
        Step [ms].
    epochs
        Names of the epochs, in order.
    low, high
        Range of each row and epoch [ms].
    choices
        Durations [steps] to draw from, for each row and epoch; empty for a range.
    """

    dt: float
    epochs: tuple[str, ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]
    choices: tuple[tuple[tuple[int, ...], ...], ...]

    @classmethod
    def build(
        cls, dt: float | int, epochs: Sequence[str], rows: Sequence[Mapping[str, Span]]
    ) -> "DurationTable":
        """Turn durations in ms into steps.

        Parameters
        ----------
        dt
            Step [ms].
        epochs
            Names of the epochs, in order.
        rows
            Duration of each epoch that the condition has [ms].

        Raises
        ------
        ValueError
            If ``dt`` is no positive number or does not divide a duration; the message names the
            next shorter step that divides all.
        """
        check_step(dt)
        low, high, choices = [], [], []
        for row in rows:
            spans = [row.get(name, 0) for name in epochs]
            ends = [_ends(span) for span in spans]
            for name, values in zip(epochs, ends, strict=True):
                undivided = [v for v in values if name in row and not _divides(dt, v)]
                if undivided:
                    raise ValueError(
                        f"`dt` = {dt:g} ms does not divide `{name}` ({undivided[0]:g} ms) into "
                        f"steps: take {_next_divisor(dt, rows)}."
                    )
            low.append(tuple(float(min(values)) for values in ends))
            high.append(tuple(float(max(values)) for values in ends))
            steps = [tuple(int(v / dt + _SLACK) for v in values) for values in ends]
            pairs = zip(spans, steps, strict=True)
            choices.append(tuple(() if isinstance(s, tuple) else each for s, each in pairs))
        return cls(float(dt), tuple(epochs), tuple(low), tuple(high), tuple(choices))

    @property
    def shortest(self) -> Int[np.ndarray, "row epoch"]:
        """Fewest steps of each epoch."""
        return np.floor(np.array(self.low) / self.dt + _SLACK).astype(np.int32)

    @property
    def longest(self) -> Int[np.ndarray, "row epoch"]:
        """Most steps of each epoch."""
        ranged = np.array([[not c for c in row] for row in self.choices])
        last = np.ceil(np.array(self.high) / self.dt - _SLACK).astype(np.int32) - 1
        whole = np.floor(np.array(self.high) / self.dt + _SLACK).astype(np.int32)
        return np.maximum(np.where(ranged, last, whole), self.shortest)

    def draw(self, u: Float[Array, " epoch"], row: Int[Array, ""]) -> Int[Array, " epoch"]:
        """Steps of each epoch, from uniform numbers in [0, 1)."""
        most = max(len(each) for r in self.choices for each in r)
        padded = [[(*each, *(0,) * (most - len(each))) for each in r] for r in self.choices]
        counts = jnp.asarray([[len(each) for each in r] for r in self.choices], jnp.int32)[row]
        low, high = (jnp.asarray(np.array(a), u.dtype)[row] for a in (self.low, self.high))
        ranged = jnp.floor((low + u * (high - low)) / self.dt).astype(jnp.int32)
        shortest, longest = jnp.asarray(self.shortest)[row], jnp.asarray(self.longest)[row]
        ranged = jnp.clip(ranged, shortest, longest)
        place = jnp.minimum((u * counts.astype(u.dtype)).astype(jnp.int32), counts - 1)
        values = jnp.asarray(padded, jnp.int32)[row]
        chosen = jnp.take_along_axis(values, jnp.maximum(place, 0)[:, None], axis=1)[:, 0]
        return jnp.where(counts > 0, chosen, ranged)


def _ends(span: Span) -> tuple[float, ...]:
    """The durations that a span names."""
    return tuple(span) if isinstance(span, (tuple, list)) else (span,)


def _divides(dt: float | int, ms: float | int) -> bool:
    steps = round(ms / dt)
    return steps >= 1 and abs(ms / dt - steps) <= _SLACK * steps


def _next_divisor(dt: float | int, rows: Sequence[Mapping[str, Span]]) -> str:
    """The longest whole step below ``dt`` that divides all durations, in words."""
    given = [ms for row in rows for span in row.values() for ms in _ends(span)]
    divisors = [step for step in range(1, math.ceil(dt)) if all(_divides(step, ms) for ms in given)]
    return f"{divisors[-1]} ms" if divisors else "another step"
