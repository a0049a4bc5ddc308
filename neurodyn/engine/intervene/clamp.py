"""State variables held at a value."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.engine.chosen import Chosen
from neurodyn.engine.intervene.base import window_edges
from neurodyn.engine.intervene.units import AbstractOnUnits, units_with_values


class Clamp(AbstractOnUnits):
    """Hold a state variable of some units at a value.

    Parameters
    ----------
    units
        Which units: numbers, names or a mask, see :mod:`neurodyn.intervene`.
    value
        The value at which the variable is held, given like the amplitude of :class:`Current`.
    start, stop
        Window [ms of the run], by default the whole run. The value is set at the end of each step
        that starts inside ``[start, stop)``, so the first step still begins from the state before.
    field
        Name of the field of ``state.x``; None where ``x`` is a single array.

    Raises
    ------
    ValueError
        If `units` names no units, `value` is not finite or does not fit them, or `start` is not
        before `stop`.
    """

    units: Float[Array, " unit"] | Chosen
    value: Float[Array, "..."]
    start: Float[Array, ""]
    stop: Float[Array, ""]
    field: str | None = eqx.field(static=True)
    valued: ClassVar = "value"

    def __init__(
        self, units: Any, value: Any, start: Any = -np.inf, stop: Any = np.inf, *, field: Any = None
    ):
        self.units, self.value = units_with_values(units, value, "value")
        self.start, self.stop = window_edges(start, stop)
        self.field = field

    def on_state(self, t, state):
        hold = self.acts(t) & (self.units > 0)
        if self.field is None:
            return state._replace(x=self._held(hold, state.x))
        new = self._held(hold, getattr(state.x, self.field))
        # A state that keeps a field in several places has a method that changes all of them.
        change = getattr(state.x, f"with_{self.field}", None)
        if change is not None:
            return state._replace(x=change(new))
        return state._replace(x=eqx.tree_at(lambda x: getattr(x, self.field), state.x, new))

    def _held(self, hold, old):
        return jnp.where(hold, self.value.astype(old.dtype), old)

    def axis(self, target):
        """The dim and the length of the variable that is held."""
        x, name = target.shapes[1], type(target.system).__name__
        if hasattr(x, "shape"):
            if self.field is None:
                return super().axis(target)
            raise ValueError(
                f"Clamp: the state of this {name} is one array, without field {self.field!r}: "
                "leave out `field`."
            )
        fields = _fields(x)
        if self.field not in fields:
            which = "which needs `field=`" if self.field is None else f"not {self.field!r}"
            raise ValueError(
                f"Clamp: the state of this {name} has the fields {', '.join(fields)}, {which}."
            )
        return "unit", fields[self.field]


def _fields(x: Any) -> dict[str, int]:
    """Lengths of those fields of a state that hold one number for each unit."""
    kind = type(x)
    names = getattr(kind, "_fields", None) or tuple(getattr(kind, "__dataclass_fields__", ()))
    shown = [name for name, member in vars(kind).items() if isinstance(member, property)]
    found = {}
    for name in (*names, *shown):
        try:
            value = jax.eval_shape(lambda x, name=name: getattr(x, name), x)
        except (AttributeError, ValueError):
            continue  # such as a variable that only some of the cells have
        if hasattr(value, "shape") and len(value.shape) == 1:
            found[name] = value.shape[0]
    return found
