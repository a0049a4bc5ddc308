"""Parameters whose entries are constrained one by one, or shared."""

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from neurodyn.common.arrays import as_array
from neurodyn.params.base import (
    AbstractParameter,
    AbstractSpec,
    Init,
    draw,
    is_concrete,
    numbers_of,
    value_of,
)

__all__ = [
    "Bounded",
    "BoundedParameter",
    "Clamped",
    "ClampedParameter",
    "Fixed",
    "FixedParameter",
    "Free",
    "Grouped",
    "GroupedParameter",
    "Indexed",
    "IndexedParameter",
    "Shared",
]


class Free(AbstractSpec):
    """An unconstrained, trained parameter.

    Parameters
    ----------
    init
        A number, an array of the right shape, or a callable ``(key, shape, dtype)`` such as
        :class:`Uniform` or those of ``jax.nn.initializers``. None: the model's own default.
    """

    init: Init = None
    elementwise = True

    def build(self, shape, key, dtype=None):
        """A raw array."""
        return draw(self.init, shape, key, dtype)


class FixedParameter(AbstractParameter):
    """A value that training leaves alone."""

    trained: ClassVar = ()
    raw: Array

    def value(self) -> Array:
        """The stored array, with no gradient."""
        return jax.lax.stop_gradient(self.raw)


class Fixed(AbstractSpec):
    """A parameter that is not trained (see :class:`Free` for ``init``)."""

    init: Init = None
    elementwise = True

    def build(self, shape, key, dtype=None):
        """A :class:`FixedParameter`."""
        return FixedParameter(draw(self.init, shape, key, dtype))


class BoundedParameter(AbstractParameter):
    """``low + (high - low) sigmoid(raw)``."""

    trained: ClassVar = ("raw",)
    raw: Float[Array, "..."]
    low: Float[Array, ""]
    high: Float[Array, ""]

    def value(self) -> Array:
        """The value, inside the interval."""
        low, high = jax.lax.stop_gradient((self.low, self.high))
        return _between(self.raw, low, high)


class Bounded(AbstractSpec):
    """A trained parameter kept inside ``(low, high)`` by a scaled sigmoid.

    Parameters
    ----------
    low, high
        The open interval.
    init
        As for :class:`Free`; must lie strictly inside. None: the model's default.
    """

    low: float | int
    high: float | int
    init: Init = None
    elementwise = True

    def __check_init__(self):
        if not self.low < self.high or not np.isfinite([self.low, self.high]).all():
            raise ValueError(
                f"Bounded needs finite low < high, got low={self.low}, high={self.high}. "
                "For a lower end only, use Clamped."
            )

    def build(self, shape, key, dtype=None):
        """A :class:`BoundedParameter`."""
        x = draw(self.init, shape, key, dtype)
        low, high = as_array(self.low, x.dtype), as_array(self.high, x.dtype)
        numbers = numbers_of(x)
        if (
            numbers is not None
            and not ((numbers > np.asarray(low)) & (numbers < np.asarray(high))).all()
        ):
            raise ValueError(
                f"Bounded({self.low}, {self.high}): the initial value must lie strictly inside; "
                f"got values from {float(x.min()):.6g} to {float(x.max()):.6g}. "
                "Pass another `init` or wider bounds."
            )
        return BoundedParameter(_logit(x, low, high), low, high)


# One program each, where they are computed outside of one.


@functools.partial(jax.jit, inline=True)
def _between(raw: Array, low: Array, high: Array) -> Array:
    """A scaled sigmoid."""
    # Rounding can carry the sum past an end, which matters where a time constant must not
    # fall below the step.
    return jnp.clip(low + (high - low) * jax.nn.sigmoid(raw), low, high)


@functools.partial(jax.jit, inline=True)
def _logit(x: Array, low: Array, high: Array) -> Array:
    """Where a scaled sigmoid takes the value x."""
    return jnp.log(x - low) - jnp.log(high - x)


class ClampedParameter(AbstractParameter):
    """``max(raw, minimum)``: the raw value may drift below, where its gradient is zero."""

    trained: ClassVar = ("raw",)
    raw: Float[Array, "..."]
    minimum: Float[Array, ""]

    def value(self) -> Array:
        """The clamped value."""
        minimum = jax.lax.stop_gradient(self.minimum)
        return jnp.where(self.raw > minimum, self.raw, minimum)


class Clamped(AbstractSpec):
    """A trained parameter with a hard lower clamp in the forward pass.

    Where the raw value falls below the clamp it gets no gradient any more and stays there, as in
    the reference. :class:`Bounded` is the constraint that keeps learning.

    Parameters
    ----------
    minimum
        The clamp.
    init
        As for :class:`Free`.

    References
    ----------
    Khajehabdollahi, Zeraati et al., "Emergent mechanisms for long timescales depend on training
    curriculum and affect performance in memory tasks", ICLR 2024.
    """

    minimum: float | int
    init: Init = None
    elementwise = True

    def build(self, shape, key, dtype=None):
        """A :class:`ClampedParameter`."""
        raw = draw(self.init, shape, key, dtype)
        return ClampedParameter(raw, as_array(self.minimum, raw.dtype))


class GroupedParameter(AbstractParameter):
    """One value per group (or one shared value), spread over the units."""

    trained: ClassVar = ("inner",)
    inner: Any
    index: Int[Array, " unit"]

    def value(self) -> Array:
        """The value of every unit."""
        return value_of(self.inner)[self.index]


class Grouped(AbstractSpec):
    """One value per group of units.

    Parameters
    ----------
    groups
        Group of each unit: a number (0, 1, ...), or a name; names are numbered in the order in
        which they first appear.
    of
        Spec of the group values.
    """

    groups: Sequence[int] | Sequence[str] | np.ndarray | Array
    of: AbstractSpec = Free()
    elementwise = False

    def __check_init__(self):
        require_entries(self.of, "Grouped")

    def build(self, shape, key, dtype=None):
        """A :class:`GroupedParameter`."""
        groups = np.asarray(self.groups)
        if groups.dtype.kind in "US":
            names = list(dict.fromkeys(groups.tolist()))
            groups = np.asarray([names.index(name) for name in groups.tolist()])
        if shape != groups.shape or groups.dtype.kind not in "iu" or groups.min(initial=0) < 0:
            raise ValueError(
                f"Grouped: `groups` must give a name or a number >= 0 for each of the units "
                f"{shape}, got {groups.dtype} of shape {groups.shape}."
            )
        inner = self.of.build((int(groups.max(initial=0)) + 1,), key, dtype)
        return GroupedParameter(inner, jnp.asarray(groups, jnp.int32))


class Shared(AbstractSpec):
    """One value for all units (see :class:`Grouped`)."""

    of: AbstractSpec = Free()
    elementwise = False

    def __check_init__(self):
        require_entries(self.of, "Shared")

    def build(self, shape, key, dtype=None):
        """A :class:`GroupedParameter` with a single group."""
        if len(shape) != 1:
            raise ValueError(f"Shared spreads one value over units, but the parameter is {shape}.")
        return GroupedParameter(self.of.build((1,), key, dtype), jnp.zeros(shape, jnp.int32))


class IndexedParameter(AbstractParameter):
    """A value for each sequence or subject; the row of the running trial is what the model sees."""

    trained: ClassVar = ("values",)
    values: Float[Array, "row ..."]
    by: str = eqx.field(static=True)

    def value(self) -> Array:
        """All rows (``resolve`` with a trial picks one)."""
        return self.values

    def row(self, trial: PyTree) -> Array:
        """The row of this trial."""
        return self.values[self.index(trial)]

    def index(self, trial: PyTree) -> Int[Array, "..."]:
        """Which row (or rows, for a batch) this trial uses."""
        index = trial.item if self.by == "sequence" else trial.conditions.get(self.by)
        if index is None:
            raise ValueError(
                f"A parameter is indexed by {self.by!r}, but the trials do not say which "
                f"{self.by} they are: set `item` (data tasks do) or conditions[{self.by!r}]."
            )
        if not jnp.issubdtype(jnp.asarray(index).dtype, jnp.integer):
            raise TypeError(
                f"A parameter is indexed by {self.by!r}, so that must be whole numbers, got "
                f"{jnp.asarray(index).dtype}."
            )
        n = self.values.shape[0]
        if is_concrete(index, self.values):
            numbers = np.asarray(index)
            if numbers.size and not (numbers.min() >= 0 and numbers.max() < n):
                raise ValueError(
                    f"A parameter holds {n} rows, one for each {self.by}, but the trials ask for "
                    f"rows {numbers.min()} to {numbers.max()}. Build it with Indexed(n=...) that "
                    "covers the data."
                )
        return index


class Indexed(AbstractSpec):
    """Own values for each sequence or subject, trained together with the shared weights.

    Parameters
    ----------
    n
        Number of sequences (or subjects).
    by
        ``"sequence"``: the trial's ``item``; any other name: ``trial.conditions[name]``.
    init
        As for :class:`Free`; a callable draws all rows at once.
    """

    n: int
    by: str = "sequence"
    init: Init = 0.0
    elementwise = False

    def __check_init__(self):
        if self.n < 1:
            raise ValueError(f"Indexed: n must be at least 1, got {self.n}.")

    def build(self, shape, key, dtype=None):
        """An :class:`IndexedParameter`."""
        return IndexedParameter(draw(self.init, (self.n, *shape), key, dtype), self.by)


def require_entries(spec: AbstractSpec, name: str) -> None:
    """Refuse a spec that is not about single entries."""
    if not spec.elementwise:
        raise ValueError(
            f"{name} spreads the entries of a plain spec (Free, Fixed, Bounded, Clamped), "
            f"got {type(spec).__name__}."
        )
