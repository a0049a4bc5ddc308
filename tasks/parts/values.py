"""What a term shows: a number, a condition, a function of conditions, a ring or a one-hot code.

A value becomes a row: one number for each channel.
"""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import whole
from neurodyn.tasks.parts.circle import bump, degrees_apart
from neurodyn.tasks.timeline import Schedule

__all__ = ["AbstractRow", "TrialConditions", "Value", "bumps", "on_circle", "one_hot", "ring"]


class TrialConditions(dict):
    """The conditions of a trial that is being drawn, by name.

    Attributes
    ----------
    schedule
        Its epochs: ``schedule.during("stimulus")`` is a mask of steps. None before they are drawn,
        and where a score reads the conditions.
    """

    def __init__(self, named: Mapping[str, Any], schedule: Schedule | None = None):
        super().__init__(named)
        self.schedule = schedule

    def __missing__(self, name: str) -> Any:
        """Say which conditions there are."""
        raise ValueError(
            f"There is no condition {name!r}; this task has {', '.join(self) or 'none'}."
        )


class AbstractRow(abc.ABC):
    """A value of several channels; hashable."""

    #: Names of the channels, after that of their group.
    names: tuple[str, ...]

    @abc.abstractmethod
    def row(self, conditions: Mapping[str, Array], dtype: Any) -> Float[Array, " channel"]:
        """The number of each channel."""

    @property
    def degrees(self) -> tuple[str, ...]:
        """Conditions that are read in degrees."""
        return ()


#: A number, numbers for several channels, the name of a condition, a function of all conditions,
#: or a row.
Value = (
    float | int | str | tuple[float, ...] | Array | Callable[[TrialConditions], Any] | AbstractRow
)


@dataclass(frozen=True)
class Ring(AbstractRow):
    """See :func:`ring`."""

    condition: str
    n: int
    strength: Value
    peak: float
    spread: float

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Numbers of the units."""
        return tuple(str(i) for i in range(self.n))

    @property
    def degrees(self) -> tuple[str, ...]:
        """The direction."""
        return (self.condition,)

    def row(self, conditions: Mapping[str, Array], dtype: Any) -> Float[Array, " channel"]:
        """The bump."""
        direction = scalar(self.condition, conditions, dtype)
        shown = bumps(direction, self.n, peak=self.peak, spread=self.spread)
        return scalar(self.strength, conditions, dtype) * shown


@dataclass(frozen=True)
class Circle(AbstractRow):
    """See :func:`on_circle`."""

    condition: str
    strength: Value
    names = ("cos", "sin")

    @property
    def degrees(self) -> tuple[str, ...]:
        """The direction."""
        return (self.condition,)

    def row(self, conditions: Mapping[str, Array], dtype: Any) -> Float[Array, " channel"]:
        """The point."""
        angle = scalar(self.condition, conditions, dtype) * (np.pi / 180)
        point = jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        return scalar(self.strength, conditions, dtype) * point


@dataclass(frozen=True)
class OneHot(AbstractRow):
    """See :func:`one_hot`."""

    code: Value
    names: tuple[str, ...]
    strength: Value

    def row(self, conditions: Mapping[str, Array], dtype: Any) -> Float[Array, " channel"]:
        """The code."""
        code = resolve(self.code, conditions)
        hot = jax.nn.one_hot(jnp.asarray(code).astype(jnp.int32), len(self.names), dtype=dtype)
        return scalar(self.strength, conditions, dtype) * hot


def ring(
    condition: str, n: int = 32, *, strength: Value = 1.0, peak: float = 0.8, spread: float = 22.5
) -> Ring:
    """A direction on a ring of units, each with a preferred direction.

    Parameters
    ----------
    condition
        The condition that holds the direction [deg].
    n
        Units; unit k prefers ``360 k / n`` degrees.
    strength
        Factor of the bump: a number, the name of a condition or a function of all conditions.
    peak, spread
        Height and standard deviation [deg] of the bump. Defaults: those of Yang et al. (2019).
    """
    return Ring(condition, whole("n", n, 3), strength, float(peak), float(spread))


def bumps(
    directions: Float[Array, "*time"], n: int, *, peak: float = 0.8, spread: float = 22.5
) -> Float[Array, "*time unit"]:
    """What a ring of units shows of directions [deg], as :func:`ring` does of a condition.

    Parameters
    ----------
    directions
        One direction, or one at each step [deg].
    n, peak, spread
        As of :func:`ring`.
    """
    preferred = np.reshape(np.arange(n) * (360 / n), (1,) * directions.ndim + (n,))
    away = degrees_apart(directions[..., None], jnp.asarray(preferred, directions.dtype))
    return bump(away, spread, peak)


def on_circle(condition: str, *, strength: Value = 1.0) -> Circle:
    """Cosine and sine of a direction, in two channels.

    Parameters
    ----------
    condition
        The condition that holds the direction [deg].
    strength
        Factor: a number, the name of a condition or a function of all conditions.
    """
    return Circle(condition, strength)


def one_hot(code: Value, channels: int | tuple[str, ...], *, strength: Value = 1.0) -> OneHot:
    """One channel for each value of a code; the one of the trial is ``strength``, the others 0.

    Parameters
    ----------
    code
        The condition that holds the code, from 0, or a function of all conditions. A code that has
        no channel, such as -1, shows nothing.
    channels
        Number of channels, or their names.
    strength
        Size: a number, the name of a condition or a function of all conditions.
    """
    if isinstance(channels, (tuple, list)):
        return OneHot(code, tuple(channels), strength)
    return OneHot(code, tuple(str(i) for i in range(whole("channels", channels, 1))), strength)


def resolve(value: Value, conditions: Mapping[str, Array]) -> Any:
    """A number, the value of a condition, or that of a function of all of them."""
    if isinstance(value, str):
        return _named(conditions)[value]
    return value(_named(conditions)) if callable(value) else value


def _named(conditions: Mapping[str, Array]) -> TrialConditions:
    return TrialConditions(conditions, getattr(conditions, "schedule", None))


def scalar(value: Value, conditions: Mapping[str, Array], dtype: Any) -> Float[Array, ""]:
    """A value as one number."""
    found = jnp.asarray(resolve(value, conditions)).astype(dtype)
    if found.shape != ():
        raise ValueError(f"{value!r} must be one number, got shape {found.shape}.")
    return found


def row(
    value: Value, width: int, conditions: Mapping[str, Array], dtype: Any
) -> Float[Array, " channel"]:
    """A value as one number for each of ``width`` channels."""
    if isinstance(value, AbstractRow):
        return value.row(conditions, dtype)
    found = jnp.asarray(resolve(value, conditions)).astype(dtype)
    if found.shape not in ((), (width,)):
        raise ValueError(
            f"A value must have one number or {width}, one for each channel, got shape "
            f"{found.shape}: say `width={found.size}` in the term."
        )
    return jnp.broadcast_to(found, (width,))


def names_of(value: Value, width: int | None) -> tuple[str, ...]:
    """Names of the channels of a value after that of their group; ``("",)`` of a single one."""
    if isinstance(value, AbstractRow):
        if width not in (None, len(value.names)):
            raise ValueError(f"`width` is {width}, but the value has {len(value.names)} channels.")
        return value.names
    given = isinstance(value, str) or callable(value)
    numbers: Any = value
    size = (width or 1) if given else int(np.prod(np.shape(numbers)))
    if width not in (None, size):
        raise ValueError(f"`width` is {width}, but the value has {size} numbers.")
    return ("",) if size == 1 else tuple(str(i) for i in range(size))


def degrees_of(value: Value) -> tuple[str, ...]:
    """Conditions that a value reads in degrees."""
    return value.degrees if isinstance(value, AbstractRow) else ()
