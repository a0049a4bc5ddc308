"""Parameters whose value several units share, or that each sequence or subject has for itself."""

from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from neurodyn.params.base import AbstractParameter, changed, held, turned_array, value_of
from neurodyn.params.entries import Free
from neurodyn.params.held import differs, refuse_entries
from neurodyn.params.kinds import AbstractWrapper
from neurodyn.params.laws import Init, initial_value, is_concrete


class Grouped(AbstractWrapper):
    """One value per group of units.

    Parameters
    ----------
    groups
        Group of each unit: a number (0, 1, ...), or a name; names are numbered in the order in
        which they first appear.
    of
        Parameter of the values of groups.
    """

    groups: Sequence[int] | Sequence[str] | np.ndarray | Array
    of: Any = Free()
    elementwise: ClassVar[bool] = False

    def __check_init__(self):
        _require_entries(self.of, "Grouped")

    def draw(self, shape, key, dtype=None):
        """Draw a value for each group."""
        groups = np.asarray(self.groups)
        if groups.dtype.kind in "US":
            names = list(dict.fromkeys(groups.tolist()))
            groups = np.asarray([names.index(name) for name in groups.tolist()])
        if shape != groups.shape or groups.dtype.kind not in "iu" or groups.min(initial=0) < 0:
            raise ValueError(
                f"Grouped: `groups` must give a name or a number >= 0 for each of the units "
                f"{shape}, got {groups.dtype} of shape {groups.shape}."
            )
        of = self.of.build((int(groups.max(initial=0)) + 1,), key, dtype)
        return changed(self, groups=jnp.asarray(groups, jnp.int32), of=of)

    def hold(self, value):
        return _one_a_group(self, value)

    def value(self) -> Array:
        """The value of every unit."""
        return value_of(self.of)[self.groups]


class Shared(AbstractWrapper):
    """One value for all units (see :class:`Grouped`).

    Parameters
    ----------
    of
        Parameter of the value.
    """

    of: Any = Free()
    groups: Int[Array, " unit"] | None = None
    elementwise: ClassVar[bool] = False

    def __check_init__(self):
        _require_entries(self.of, "Shared")

    def draw(self, shape, key, dtype=None):
        """Draw one value."""
        if len(shape) != 1:
            raise ValueError(f"Shared spreads one value over units, but the parameter is {shape}.")
        of = self.of.build((1,), key, dtype)
        return changed(self, of=of, groups=jnp.zeros(shape, jnp.int32))

    def hold(self, value):
        return _one_a_group(self, value)

    def value(self) -> Array:
        """The value of every unit."""
        return value_of(self.of)[self.groups]


class Indexed(AbstractParameter):
    """Own values for each sequence or subject, trained together with the shared weights.

    The model sees the row of the running trial.

    Parameters
    ----------
    n
        Number of sequences (or subjects).
    by
        ``"sequence"``: the trial's ``item``; any other name: ``trial.conditions[name]``.
    init
        As for :class:`Free`; a callable draws all rows at once.
    values
        All rows, where it is bound already.
    """

    n: int = eqx.field(static=True)
    by: str = eqx.field(static=True, default="sequence")
    init: Init = 0.0
    values: Float[Array, "row ..."] | None = None
    trained: ClassVar = ("values",)

    def __check_init__(self):
        if self.n < 1:
            raise ValueError(f"Indexed: n must be at least 1, got {self.n}.")

    def draw(self, shape, key, dtype=None):
        """Draw all rows."""
        values = initial_value(self.init, (self.n, *shape), key, dtype)
        return changed(self, init=None, values=values)

    def value(self) -> Array:
        """All rows (:func:`with_values` with a trial picks one)."""
        return self.values

    def hold(self, value):
        return changed(
            self, values=jnp.broadcast_to(value, self.values.shape).astype(self.values.dtype)
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return self.values.shape[1:]

    def transposed(self):
        return changed(self, values=turned_array(self.values))

    def row(self, trial: PyTree) -> Array:
        """The row of this trial."""
        return self.values[self.index(trial)]

    def index(self, trial: PyTree) -> Int[Array, "..."]:
        """The number of the row (or rows, for a batch) of this trial.

        Raises
        ------
        ValueError
            If the trial does not say its sequence or subject, or there is no such row.
        TypeError
            If it says so by something other than whole numbers.
        """
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


def _one_a_group(parameter: Any, value: np.ndarray) -> Any:
    """The parameter with values that are the same for all units of a group."""
    groups = np.asarray(parameter.groups)
    first = np.array([np.argmax(groups == g) for g in range(groups.max(initial=0) + 1)])
    why = "it has one value for this unit and others, whose value is another."
    refuse_entries(parameter, value, differs(value[first][groups], value), why)
    return changed(parameter, of=held(parameter.of, value[first]))


def _require_entries(parameter: Any, name: str) -> None:
    """Refuse a parameter whose entries are not separate."""
    if isinstance(parameter, AbstractParameter) and not parameter.elementwise:
        raise ValueError(
            f"{name} spreads the entries of a parameter such as Free, Fixed, Bounded or Clamped, "
            f"got {type(parameter).__name__}."
        )
