"""The epochs of a trial, in whole steps, with fixed or drawn durations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from neurodyn.common.arrays import refuse_units
from neurodyn.tasks.laws import AbstractLaw, Between, OneOf, as_law

__all__ = ["Duration", "Schedule", "Span", "Timeline", "check_step", "steps_of", "whole_steps"]

#: How long an epoch lasts [ms]: a number, ``(low, high)`` to draw it for every trial from this
#: range, or a list to draw it from these values.
Span = float | int | tuple[float | int, float | int] | list[float | int]
#: The same, or another law (:mod:`neurodyn.tasks.laws`).
Duration = Span | AbstractLaw


@dataclass(frozen=True)
class Timeline:
    """The epochs of a task, in order, in whole steps; hashable, so it is a static field.

    An epoch's duration is drawn uniformly from ``shortest`` to ``longest`` steps, or from its
    ``choices``. The alignment event, the start of epoch ``align``, keeps its place all the same:
    where an epoch before it is short, the first epoch lasts longer; where one after it is short,
    the trial ends early and the rest of the buffer has weight 0.

    Attributes
    ----------
    dt
        Step [ms].
    names, shortest, longest
        The epochs and the range of their durations [steps].
    align
        The epoch at whose start time is 0.
    choices
        Durations [steps] to draw from, for each epoch; empty where it is drawn from the range. No
        entries: no epoch has choices.
    laws
        Another law of each epoch, in steps, or None. No entries: no epoch has one.
    """

    dt: float
    names: tuple[str, ...]
    shortest: tuple[int, ...]
    longest: tuple[int, ...]
    align: str
    choices: tuple[tuple[int, ...], ...] = ()
    laws: tuple[AbstractLaw | None, ...] = ()

    @classmethod
    def build(
        cls,
        dt: float | int,
        align: str,
        durations: Mapping[str, Duration | None],
        defaults: Mapping[str, Duration],
        *,
        may_be_zero: Sequence[str] = (),
        nearest: bool = False,
    ) -> "Timeline":
        """Turn durations in ms into whole steps.

        Parameters
        ----------
        dt
            Step [ms].
        align
            The epoch at whose start time is 0.
        durations
            Epochs in order. None takes the default to the nearest step (at least one, unless it
            is 0); a duration that is given must be a whole number of steps.
        defaults
            Default durations [ms].
        may_be_zero
            Epochs that can be left out by a duration of 0.
        nearest
            Whether durations that are given are taken to the nearest step, too.

        Raises
        ------
        ValueError
            If ``dt`` is not positive, or a duration is too short, not a whole number of steps or
            an empty range, or the first epoch is drawn though time 0 is a later event, which it
            keeps in place by making up for the other epochs.
        """
        check_step(dt)
        shortest, longest, choices, laws = [], [], [], []
        for i, (name, given) in enumerate(durations.items()):
            wanted = defaults[name] if given is None else given
            law, exact = as_law(name, wanted), not (given is None or nearest)
            law = law.in_steps(_counting(name, dt, exact, int(name not in may_be_zero)), dt)
            low, high = int(law.shortest), int(law.longest)
            if low > high:
                raise ValueError(
                    f"`{name}` must be a duration, (low, high) or a list of choices, got {given}."
                )
            if i == 0 and low != high and align != name:
                raise ValueError(
                    f"`{name}` is the first epoch and cannot be drawn: it keeps the alignment "
                    f"event, the start of `{align}`, in place when later epochs vary. Give it one "
                    f"duration, or align trials to the start of `{name}`."
                )
            shortest.append(low)
            longest.append(high)
            listed = law.values if isinstance(wanted, list) and isinstance(law, OneOf) else ()
            choices.append(tuple(map(int, listed)))
            laws.append(law if isinstance(wanted, AbstractLaw) else None)
        spans = tuple(durations), tuple(shortest), tuple(longest)
        several = tuple(choices) if any(choices) else ()
        return cls(float(dt), *spans, align, several, tuple(laws) if any(laws) else ())

    @property
    def n_steps(self) -> int:
        """Steps of the longest trial."""
        return sum(self.longest)

    @property
    def lead(self) -> int:
        """Steps before the alignment event."""
        return sum(self.longest[: self.names.index(self.align)])

    @property
    def t0(self) -> float:
        """Start of the trial relative to the alignment event [ms]."""
        return -self.lead * self.dt if self.lead else 0.0

    @property
    def varied(self) -> dict[str, tuple[float, float]]:
        """Ranges of the durations that vary [ms], by their condition ``NAME_duration``."""
        spans = zip(self.names, self.shortest, self.longest, strict=True)
        return {f"{name}_duration": (a * self.dt, b * self.dt) for name, a, b in spans if a != b}

    @property
    def drawn(self) -> dict[str, tuple[float, float]]:
        """Those of `varied` that can be given: no other condition decides on them."""
        laws = zip(self.names, self.laws, strict=False)
        bound = {f"{name}_duration" for name, law in laws if law is not None and law.needs}
        return {name: span for name, span in self.varied.items() if name not in bound}

    def draw(self, key: PRNGKeyArray, given: Mapping[str, Any]) -> "Schedule":
        """Draw the durations; a ``NAME_duration`` that is given [ms] is used instead."""
        keys = jax.random.split(key, len(self.names))

        def drawn(i: int) -> Int[Array, ""]:
            if self.laws and self.laws[i] is not None:
                return _by_law(self.laws[i], jax.random.uniform(keys[i]), given)
            if self.choices and self.choices[i]:
                place = jax.random.randint(keys[i], (), 0, len(self.choices[i]))
                return jnp.asarray(self.choices[i], jnp.int32)[place]
            low, high = self.shortest[i], self.longest[i]
            return jax.random.randint(keys[i], (), low, high + 1, jnp.int32)

        return self._schedule(drawn, given)

    def place(self, u: Float[Array, " epoch"], given: Mapping[str, Any]) -> "Schedule":
        """The durations that uniform numbers in [0, 1) stand for; else as :meth:`draw`.

        One draw for all epochs is compiled faster than one for each.
        """

        def drawn(i: int) -> Int[Array, ""]:
            return _by_law(self._law(i), u[i], given)

        return self._schedule(drawn, given)

    def _law(self, i: int) -> AbstractLaw:
        """How the duration of an epoch [steps] is drawn."""
        law = self.laws[i] if self.laws else None
        if law is not None:
            return law
        values = self.choices[i] if self.choices else ()
        return OneOf(values) if values else Between(self.shortest[i], self.longest[i])

    def _schedule(
        self, drawn: Callable[[int], Int[Array, ""]], given: Mapping[str, Any]
    ) -> "Schedule":
        """The epochs, where ``drawn(i)`` draws the durations that vary and are not given."""
        steps = []
        for i, (name, low, high) in enumerate(
            zip(self.names, self.shortest, self.longest, strict=True)
        ):
            if low == high:
                steps.append(jnp.asarray(low, jnp.int32))
            elif (ms := given.get(f"{name}_duration")) is not None:
                steps.append(jnp.round(jnp.asarray(ms) / self.dt).astype(jnp.int32))
            else:
                steps.append(drawn(i))
        lengths = jnp.stack(steps)
        before = self.names.index(self.align)
        if before:
            lengths = lengths.at[0].add(self.lead - lengths[:before].sum(dtype=jnp.int32))
        edges = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(lengths, dtype=jnp.int32)])
        return Schedule(edges, self)


class Schedule(NamedTuple):
    """The epochs of one trial.

    Attributes
    ----------
    edges
        First step of every epoch, and the step after the last one.
    timeline
        Where it comes from.
    """

    edges: Int[Array, " edge"]
    timeline: Timeline

    def start(self, name: str) -> Int[Array, ""]:
        """First step of an epoch."""
        return self.edges[self._number(name)]

    def _number(self, name: str) -> int:
        names = self.timeline.names
        if name not in names:
            raise ValueError(f"There is no epoch {name!r}, only {', '.join(names)}.")
        return names.index(name)

    def during(self, *names: str, skip: int = 0) -> Bool[Array, " time"]:
        """Mask of the steps in any of the epochs, without the first ``skip`` of each epoch."""
        step = jnp.arange(self.timeline.n_steps, dtype=jnp.int32)
        inside = jnp.zeros(self.timeline.n_steps, bool)
        for name in names:
            i = self._number(name)
            inside |= (step >= self.edges[i] + skip) & (step < self.edges[i + 1])
        return inside

    def n_valid(self) -> Int[Array, ""] | None:
        """Steps until the trial ends; None where all trials of the timeline last equally long."""
        after = self.timeline.names.index(self.timeline.align)
        ends = zip(self.timeline.shortest[after:], self.timeline.longest[after:], strict=True)
        return self.edges[-1] if any(low != high for low, high in ends) else None

    def intervals(self, dtype: Any) -> dict[str, Float[Array, "2"]]:
        """Start and stop of every epoch that is not left out [ms from the start of the trial]."""
        ms = self.edges.astype(dtype) * self.timeline.dt
        spans = zip(self.timeline.names, self.timeline.longest, strict=True)
        return {name: ms[i : i + 2] for i, (name, steps) in enumerate(spans) if steps}

    def conditions(self, dtype: Any) -> dict[str, Float[Array, ""]]:
        """The durations that vary [ms]."""
        ms = jnp.diff(self.edges).astype(dtype) * self.timeline.dt
        named = {f"{name}_duration": ms[i] for i, name in enumerate(self.timeline.names)}
        return {name: named[name] for name in self.timeline.varied}


def _counting(name: str, dt: float | int, exact: bool, least: int) -> Callable[[Any], int]:
    """How durations [ms] of an epoch become whole steps."""
    if exact:
        return lambda ms: whole_steps(name, ms, dt, least)
    return lambda ms: max(round(ms / dt), int(ms > 0))


def _by_law(law: AbstractLaw, u: Float[Array, ""], given: Mapping[str, Any]) -> Int[Array, ""]:
    for name in law.needs:
        if name not in given:
            raise ValueError(
                f"a duration depends on the condition {name!r}, which this task has not drawn "
                f"yet; it has drawn {', '.join(given) or 'none'}."
            )
    return jnp.asarray(law.draw(u, given), jnp.int32)


def check_step(dt: float | int) -> None:
    """Refuse a step that is not a positive number of ms."""
    refuse_units("`dt`", dt)
    if not (_is_number(dt) and dt > 0):
        raise ValueError(f"`dt` must be a positive number of ms, got {dt!r}.")


def whole_steps(name: str, duration: float | int, dt: float | int, least: int = 1) -> int:
    """Steps in ``duration`` [ms]; fractions of a step and fewer than ``least`` are refused."""
    refuse_units(f"`{name}`", duration)
    if not _is_number(duration) or duration < least * dt * (1 - 1e-6):
        raise ValueError(
            f"`{name}` must last at least {'one step' if least else '0 ms'} (dt = {dt:g} ms), "
            f"got {duration!r} ms."
        )
    steps = duration / dt
    if abs(steps - round(steps)) > 1e-6 * max(1.0, steps):
        raise ValueError(
            f"`{name}` = {duration:g} ms is not a whole number of steps of {dt:g} ms: take "
            f"{np.floor(steps) * dt:g} or {np.ceil(steps) * dt:g} ms, or another dt."
        )
    return round(steps)


def steps_of(
    name: str, given: float | int | None, default: float, dt: float | int, least: int = 1
) -> int:
    """Steps of a duration that is given [ms], see `whole_steps`; the default to the nearest."""
    check_step(dt)
    return max(round(default / dt), least) if given is None else whole_steps(name, given, dt, least)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and bool(np.isfinite(value))
