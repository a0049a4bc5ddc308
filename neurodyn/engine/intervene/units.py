"""Interventions on some units: the units and the values that go with them, as masks."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.engine.chosen import Chosen, as_units, in_model_order, mask_array
from neurodyn.engine.intervene.base import AbstractWindowed, Target
from neurodyn.engine.units import chosen_mask, unit_axis, where
from neurodyn.params.base import changed


class AbstractOnUnits(AbstractWindowed):
    """An intervention on some units of a system.

    Attributes
    ----------
    units
        The units: a mask, or the numbers or names out of which :meth:`bound` makes one.
    valued
        Name of the field with a value for each unit, if there is one.
    """

    units: eqx.AbstractVar[Float[Array, " unit"] | Chosen]
    valued: ClassVar[str | None] = None

    def axis(self, target: Target) -> tuple[str, int] | None:
        """The dim and the length of what has these units; None if the system has nothing such."""
        return unit_axis(target.system, target.shapes)

    def bound(self, target):
        """With a mask, and a value for each entry of it.

        Raises
        ------
        ValueError
            If the system has no such unit, or another number of units than the mask.
        TypeError
            If the system has neither units nor a state that is one array.
        """
        name, what = type(self).__name__, type(target.system).__name__
        if (axis := self.axis(target)) is None:
            raise TypeError(f"{name}: this {what} has neither units nor a state that is one array.")
        dim, n = axis
        mask = self.units
        if isinstance(mask, Chosen):
            mask = mask_array(chosen_mask(target.system, mask, n, dim))
        elif mask.shape != (n,):
            raise ValueError(
                f"{name}: `units` is a mask for {mask.shape[0]} units, but this {what} has {n}. "
                "Give unit numbers, or select_units(model, ...), which makes a mask that fits."
            )
        if self.valued is None:
            return changed(self, units=mask)
        values = _spread(self.units, getattr(self, self.valued), target, axis)
        return changed(self, units=mask, **{self.valued: values})


def units_of(units: Any) -> Float[Array, " unit"] | Chosen:
    """The units of a user as a mask, or as numbers or names."""
    found = as_units(units)
    return found if isinstance(found, Chosen) else mask_array(found)


def units_with_values(units: Any, value: Any, name: str) -> tuple[Any, Array]:
    """Units, and the values of the same units in the same order.

    Raises
    ------
    ValueError
        If the values do not fit the units, or are not finite.
    """
    found = as_units(units)
    if isinstance(found, Chosen):
        n, value = len(found.which), _for_chosen(found, value, name)
    else:
        if getattr(units, "dims", ()) and getattr(value, "dims", ()):
            from neurodyn.labels import pair

            units, value = pair(units, value, what=("units", name))
            found = as_units(units)
        mask: Any = found
        n, value = len(mask), in_model_order(value, name)
    value = jnp.asarray(value, jnp.result_type(float))
    if value.shape not in ((), (n,)):
        raise ValueError(
            f"`{name}` must be one number, or one for each of the {n} units, got shape "
            f"{value.shape}."
        )
    if not isinstance(value, jax.core.Tracer) and not np.isfinite(np.asarray(value)).all():
        raise ValueError(f"`{name}` must be finite, got {np.asarray(value).tolist()}.")
    return found if isinstance(found, Chosen) else mask_array(found), value


def _for_chosen(chosen: Chosen, value: Any, name: str) -> Any:
    """Values for units that are given by number or name, in their order."""
    if not getattr(value, "dims", ()) or value.dims[0] not in value.coords:
        return getattr(value, "values", value)
    # xarray is slow to import, and rarely needed
    import xarray as xr

    from neurodyn.labels import pair

    which = list(chosen.which)
    named = xr.DataArray(which, {value.dims[0]: which})
    return pair(named, value, what=("units", name))[1].values


def _spread(units: Any, values: Array, target: Target, axis: tuple[str, int]) -> Array:
    """One value for each unit of the system, from one for each number or name.

    Raises
    ------
    ValueError
        If some unit has two of the names.
    """
    if not values.ndim or not isinstance(units, Chosen):
        return values
    dim, n = axis
    places = [place for _, place in where(target.system, units, n, dim)]
    numbers = np.concatenate(places)
    if len(np.unique(numbers)) < len(numbers):
        raise ValueError("Some units have two of these names: give one number for all of them.")
    of = np.repeat(np.arange(len(places)), [len(place) for place in places])
    return jnp.zeros((n,), values.dtype).at[numbers].set(values[of])
