"""Terms: what inputs or targets show when; they add up.

A term is a sum of products of a time course and a row over channels. So all inputs of a task are
one matrix product, and a bump on a ring is computed once for each trial, not at every step.
"""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import plain_number, whole
from neurodyn.tasks.parts.values import (
    TrialConditions,
    Value,
    degrees_of,
    names_of,
    row,
    scalar,
)
from neurodyn.tasks.timeline import Schedule

__all__ = ["AbstractTerm", "during", "ramp", "signal"]

#: Time course and row of each product.
Products = list[tuple[Float[Array, " time"], Float[Array, " channel"]]]


class AbstractTerm(abc.ABC):
    """What some channels show during a trial; hashable unless it holds an array."""

    #: Names of the channels after that of their group; ``("",)`` if there is only one.
    names: tuple[str, ...]
    #: Epochs that it refers to.
    epochs: tuple[str, ...]
    #: Times that must be whole steps [ms].
    times: tuple[float, ...] = ()

    @property
    def degrees(self) -> tuple[str, ...]:
        """Conditions that it reads in degrees."""
        return ()

    def products(self, conditions: TrialConditions, dtype: Any) -> Products:
        """The products that add up to the term."""
        return []

    @property
    def others(self) -> tuple["Signal", ...]:
        """The parts that are no sum of few products, such as pulses at random times."""
        return ()

    def __add__(self, other: "AbstractTerm") -> "Sum":
        if not isinstance(other, AbstractTerm):
            return NotImplemented
        mine, others = (t.terms if isinstance(t, Sum) else (t,) for t in (self, other))
        return Sum((*mine, *others))

    def __radd__(self, other: Any) -> "AbstractTerm":
        return self if isinstance(other, int) and other == 0 else NotImplemented


@dataclass(frozen=True)
class During(AbstractTerm):
    """See :func:`during`."""

    epochs: tuple[str, ...]
    value: Value
    width: int | None
    skip: float
    first: float | None

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the value."""
        return names_of(self.value, self.width)

    @property
    def degrees(self) -> tuple[str, ...]:
        """Those of the value."""
        return degrees_of(self.value)

    @property
    def times(self) -> tuple[float, ...]:  # type: ignore[override]
        """What is left out and what is shown of an epoch."""
        return (self.skip, *(() if self.first is None else (self.first,)))

    def products(self, conditions: TrialConditions, dtype: Any) -> Products:
        """The epochs, and the value."""
        schedule = _schedule(conditions)
        dt = schedule.timeline.dt
        inside = schedule.during(*self.epochs, skip=round(self.skip / dt))
        if self.first is not None:
            end = round((self.skip + self.first) / dt)
            inside &= ~schedule.during(*self.epochs, skip=end)
        values = row(self.value, len(self.names), conditions, dtype)
        return [(inside.astype(dtype), values)]


@dataclass(frozen=True)
class Ramp(AbstractTerm):
    """See :func:`ramp`."""

    epoch: str
    value: Value
    width: int | None
    over: Value | None

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the value."""
        return names_of(self.value, self.width)

    @property
    def epochs(self) -> tuple[str, ...]:
        """The epoch."""
        return (self.epoch,)

    @property
    def degrees(self) -> tuple[str, ...]:
        """Those of the value."""
        return degrees_of(self.value)

    def products(self, conditions: TrialConditions, dtype: Any) -> Products:
        """The share of the rise at each step, and the value."""
        schedule = _schedule(conditions)
        i = schedule.timeline.names.index(self.epoch)
        start, stop = schedule.edges[i], schedule.edges[i + 1]
        if self.over is None:
            steps = jnp.maximum(stop - start, 1).astype(dtype)
        else:
            steps = scalar(self.over, conditions, dtype) / schedule.timeline.dt
        step = jnp.arange(schedule.timeline.n_steps, dtype=jnp.int32)
        share = (step + 1 - start).astype(dtype) / steps
        share = jnp.where(schedule.during(self.epoch), share, 0)
        return [(share, row(self.value, len(self.names), conditions, dtype))]


@dataclass(frozen=True)
class Signal(AbstractTerm):
    """See :func:`signal`."""

    function: Callable
    width: int
    channels: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those given, or numbers."""
        if self.channels is not None:
            return self.channels
        return tuple(str(i) for i in range(self.width)) if self.width > 1 else ("",)

    @property
    def epochs(self) -> tuple[str, ...]:
        """It may look at any."""
        return ()

    @property
    def others(self) -> tuple["Signal", ...]:
        """Itself."""
        return (self,)

    def show(
        self, conditions: TrialConditions, key: PRNGKeyArray, dtype: Any
    ) -> Float[Array, "time channel"]:
        """What the function returns."""
        shown = jnp.asarray(self.function(conditions, key)).astype(dtype)
        shape = (_schedule(conditions).timeline.n_steps, self.width)
        if shown.shape != shape:
            raise ValueError(f"A signal must have shape {shape}, got {shown.shape}.")
        return shown


@dataclass(frozen=True)
class Sum(AbstractTerm):
    """Terms that add up, in the same channels."""

    terms: tuple[AbstractTerm, ...]

    def __post_init__(self):
        sizes = {len(term.names) for term in self.terms}
        if len(sizes) > 1:
            raise ValueError(f"Terms add up only with equally many channels, got {sorted(sizes)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the first."""
        return self.terms[0].names

    @property
    def epochs(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for term in self.terms for name in term.epochs)

    @property
    def degrees(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for term in self.terms for name in term.degrees)

    def products(self, conditions: TrialConditions, dtype: Any) -> Products:
        """All of them."""
        return [p for term in self.terms for p in term.products(conditions, dtype)]

    @property
    def times(self) -> tuple[float, ...]:  # type: ignore[override]
        """All of them."""
        return tuple(ms for term in self.terms for ms in term.times)

    @property
    def others(self) -> tuple[Signal, ...]:
        """All of them."""
        return tuple(part for term in self.terms for part in term.others)


def during(
    *epochs: str,
    value: Value = 1.0,
    width: int | None = None,
    skip: float = 0.0,
    first: float | None = None,
) -> During:
    """Show a value during some epochs, and 0 otherwise.

    Parameters
    ----------
    *epochs
        Names of the epochs.
    value
        A number; one number for each of several channels; the name of a condition; a function of
        the dictionary of all conditions, in JAX; or a row such as :func:`ring` and :func:`one_hot`.
    width
        Channels of a function that returns several numbers.
    skip, first
        Time at the start of each epoch that is left out, and how long the value is shown then [ms],
        such as a pulse at its start. Default: all of it.
    """
    if not epochs:
        raise ValueError("during() needs the name of an epoch at least.")
    whole_width = None if width is None else whole("width", width, 1)
    shown = None if first is None else plain_number("first", first, above=0)
    return During(epochs, _plain(value), whole_width, plain_number("skip", skip, low=0), shown)


def ramp(
    epoch: str, *, value: Value = 1.0, width: int | None = None, over: Value | None = None
) -> Ramp:
    """Rise in proportion to time from 0 at the start of an epoch; 0 outside.

    Step k of the epoch shows ``(k + 1) dt / over`` of the value, because targets hold at the end of
    a step.

    Parameters
    ----------
    epoch
        Name of the epoch.
    value
        What is reached, see :func:`during`.
    width
        Channels of a function that returns several numbers.
    over
        Time in which it is reached [ms]: a number, a condition or a function of all conditions; the
        ramp goes on after it. Default: the duration of the epoch.
    """
    return Ramp(epoch, _plain(value), None if width is None else whole("width", width, 1), over)


def signal(function: Callable, width: int | tuple[str, ...] = 1) -> Signal:
    """Show whatever a function says, such as pulses at random times.

    Parameters
    ----------
    function
        ``function(conditions, key)``, in JAX, returns ``(time, width)``; the mask of steps
        ``conditions.schedule.during(*epochs)`` is of use. What conditions depend on, too, is better
        drawn as a condition whose name begins with ``_``, and shown here.
    width
        Number of channels, or their names.
    """
    if isinstance(width, (tuple, list)):
        return Signal(function, whole("width", len(width), 1), tuple(width))
    return Signal(function, whole("width", width, 1))


def _plain(value: Any) -> Any:
    """Lists as tuples, so that terms are hashable."""
    return tuple(value) if isinstance(value, list) else value


def _schedule(conditions: TrialConditions) -> Schedule:
    if conditions.schedule is None:
        raise ValueError("Terms show nothing before the epochs of the trial are drawn.")
    return conditions.schedule
