"""Interventions on a system: masks over its units, and the arrays in which it is changed."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from neurodyn.common.arrays import as_array
from neurodyn.engine.abilities import SizedByStep
from neurodyn.engine.intervene import (
    AbstractIntervention,
    Clamp,
    Current,
    Lesion,
    Silence,
    WeightChange,
    check_cut,
)
from neurodyn.engine.units import Chosen, chosen_mask, mask_array, shapes_of, unit_axis, where
from neurodyn.params import with_values
from neurodyn.system import AbstractSystem, State

__all__ = ["bound"]

#: Interventions on some of the units.
_ON_UNITS = (Current, Clamp, Silence, Lesion)


def bound(
    interventions: Sequence[AbstractIntervention],
    system: AbstractSystem,
    state: State | None,
    trial: Any,
    dt: Any,
) -> tuple[AbstractIntervention, ...]:
    """The interventions with their units as masks over those of this system.

    Changed systems come first, each with the arrays in which it differs only: several of them act
    together, and so does what cuts units, wherever it was listed.

    ``state`` and ``trial`` are those of a batch, or None.

    Raises
    ------
    ValueError
        If the system has no such unit, a mask is for another number of units, or a changed system
        has another structure, arrays that do not fit, or differs in what is no array.
    TypeError
        If the system cannot take the intervention.
    """
    changes = [each for each in interventions if isinstance(each, WeightChange)]
    others = [each for each in interventions if not isinstance(each, WeightChange)]
    if any(isinstance(each, _ON_UNITS) for each in others):
        shapes = shapes_of(system, state, trial, dt)
        others = [_bound(e, system, shapes) if isinstance(e, _ON_UNITS) else e for e in others]
    return (*(_differing(each, system, dt) for each in changes), *others)


def _differing(each: WeightChange, system: AbstractSystem, dt: Any) -> WeightChange:
    """With the arrays in which the changed system differs, None in the place of the others.

    Plain numbers and NumPy arrays count as well as those of JAX.
    """
    changed, system = each.changed, with_values(system)
    if isinstance(changed, SizedByStep) and not isinstance(dt, jax.core.Tracer):
        changed = changed.sized(float(dt))
    structures: list[Any] = [jax.tree.structure(each) for each in (changed, system)]
    if structures[0] != structures[1]:
        raise ValueError(
            "WeightChange: the changed system must have the same structure as the one that "
            f"runs, got {type(changed).__name__} for {type(system).__name__}. Make it with "
            "equinox.tree_at on the model itself."
        )
    differing = jax.tree_util.tree_map_with_path(_differing_leaf, changed, system)
    return eqx.tree_at(lambda e: e.changed, each, differing)


def _differing_leaf(path: Any, new: Any, old: Any) -> Any:
    """A leaf of the changed system, of the shape and type of the one that runs; None if equal."""
    if new is old:
        return None
    name = jax.tree_util.keystr(path).removeprefix(".")
    if not eqx.is_array(old):
        if not eqx.tree_equal(new, old):
            raise ValueError(
                f"WeightChange: `{name}` is {old!r} in the system that runs, which is no array and "
                "cannot change during a run: make it an array in the model's __init__."
            )
        return None
    values = new if hasattr(new, "dtype") else np.asarray(new)
    castable = np.can_cast(values.dtype, old.dtype, "same_kind")
    if not castable or values.shape not in ((), old.shape):
        raise ValueError(
            f"WeightChange: `{name}` of the changed system takes one number, or those of the "
            f"system that runs ({old.dtype} of shape {old.shape}), got {values.dtype} of shape "
            f"{values.shape}."
        )
    if isinstance(values, jax.core.Tracer) or isinstance(old, jax.core.Tracer):
        # They differ, for all that is known.
        return jnp.broadcast_to(jnp.asarray(values).astype(old.dtype), old.shape)
    values = np.broadcast_to(np.asarray(values, old.dtype), old.shape)
    same = np.array_equal(values, np.asarray(old), equal_nan=old.dtype.kind == "f")
    return None if same else as_array(values, old.dtype)


def _bound(each: Any, system: AbstractSystem, shapes: tuple[Any, Any]) -> Any:
    what, name = type(each).__name__, type(system).__name__
    if isinstance(each, (Silence, Lesion)):
        check_cut(system)
    axis = _clamped(each, shapes[1], name) if isinstance(each, Clamp) else None
    axis = unit_axis(system, shapes) if axis is None else axis
    if axis is None:
        raise TypeError(f"{what}: this {name} has neither units nor a state that is one array.")
    dim, n = axis
    if not isinstance(each.units, Chosen):
        if each.units.shape != (n,):
            raise ValueError(
                f"{what}: `units` is a mask for {each.units.shape[0]} units, but this {name} has "
                f"{n}. Give unit numbers, or select_units(model, ...), which makes a mask that "
                "fits."
            )
        return each
    mask = mask_array(chosen_mask(system, each.units, n, dim))
    if isinstance(each, (Silence, Lesion)):
        return eqx.tree_at(lambda e: e.units, each, mask, is_leaf=_is_chosen)
    field = "amplitude" if isinstance(each, Current) else "value"
    values = getattr(each, field)
    if values.ndim:
        values = _spread(system, each.units, values, n, dim)
    return eqx.tree_at(
        lambda e: (e.units, getattr(e, field)), each, (mask, values), is_leaf=_is_chosen
    )


def _is_chosen(x: Any) -> bool:
    return isinstance(x, Chosen)


def _spread(system: AbstractSystem, chosen: Chosen, values: Array, n: int, dim: str) -> Array:
    """One value for each unit of the system, from one for each number or name."""
    places = [place for _, place in where(system, chosen, n, dim)]
    units = np.concatenate(places)
    if len(np.unique(units)) < len(units):
        raise ValueError("Some units have two of these names: give one number for all of them.")
    of = np.repeat(np.arange(len(places)), [len(place) for place in places])
    return jnp.zeros((n,), values.dtype).at[units].set(values[of])


def _clamped(each: Clamp, x: Any, name: str) -> tuple[str, int] | None:
    """The dim and length of what is held; None: that of the units."""
    if hasattr(x, "shape"):
        if each.field is None:
            return None
        raise ValueError(
            f"Clamp: the state of this {name} is one array, without field {each.field!r}: leave "
            "out `field`."
        )
    fields = _fields(x)
    if each.field not in fields:
        which = "which needs `field=`" if each.field is None else f"not {each.field!r}"
        raise ValueError(
            f"Clamp: the state of this {name} has the fields {', '.join(fields)}, {which}."
        )
    return "unit", fields[each.field]


def _fields(x: Any) -> dict[str, int]:
    """Lengths of those fields of a state that are one number for each of some units."""
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
