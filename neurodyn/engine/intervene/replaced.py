"""Systems in which interventions replace arrays, checked against the system that runs."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from neurodyn.common.arrays import as_array
from neurodyn.engine.intervene.base import AbstractIntervention, switched
from neurodyn.system import AbstractSystem


def with_replaced(
    interventions: Sequence[AbstractIntervention], t: Any, system: AbstractSystem
) -> AbstractSystem:
    """The system with all arrays that interventions replace in the step that starts at ``t``."""
    for each in interventions:
        other = each.replaced(system)
        if other is not None:
            new = eqx.combine(differing(each, other, system), system)
            system = switched(each.acts(t), new, system)
    return system


def differing(
    by: AbstractIntervention, changed: PyTree, system: PyTree, *, compare: bool = False
) -> PyTree:
    """A changed system, with None in the place of the arrays that do not differ.

    Plain numbers and NumPy arrays count as arrays.

    Parameters
    ----------
    by
        The intervention that changes it, which errors name.
    changed, system
        The changed system, and the one that runs.
    compare
        Whether arrays are compared by their values. Otherwise only those that are one object count
        as equal.

    Raises
    ------
    ValueError
        If both have different structures, or differ in anything but arrays that fit.
    """
    name = type(by).__name__
    structures: list[Any] = [jax.tree.structure(each) for each in (changed, system)]
    if structures[0] != structures[1]:
        raise ValueError(
            f"{name}: the changed system must have the same structure as the one that runs, got "
            f"{type(changed).__name__} for {type(system).__name__}. Make it with equinox.tree_at "
            "on the model itself."
        )
    return jax.tree_util.tree_map_with_path(partial(_differing, name, compare), changed, system)


def _differing(by: str, compare: bool, path: Any, new: Any, old: Any) -> Any:
    """A leaf of the changed system, of the shape and type of the one that runs; None if equal."""
    if new is old:
        return None
    name = jax.tree_util.keystr(path).removeprefix(".")
    if not eqx.is_array(old):
        if not eqx.tree_equal(new, old):
            raise ValueError(
                f"{by}: `{name}` is {old!r} in the system that runs, which is no array and "
                "cannot change during a run: make it an array in the model's __init__."
            )
        return None
    values = new if hasattr(new, "dtype") else np.asarray(new)
    castable = np.can_cast(values.dtype, old.dtype, "same_kind")
    if not castable or values.shape not in ((), old.shape):
        raise ValueError(
            f"{by}: `{name}` of the changed system takes one number, or those of the "
            f"system that runs ({old.dtype} of shape {old.shape}), got {values.dtype} of shape "
            f"{values.shape}."
        )
    if isinstance(values, jax.core.Tracer) or isinstance(old, jax.core.Tracer):
        # Traced values may differ, so they count as different.
        return jnp.broadcast_to(jnp.asarray(values).astype(old.dtype), old.shape)
    if not compare and isinstance(values, jax.Array):
        return jnp.broadcast_to(values.astype(old.dtype), old.shape)
    values = np.broadcast_to(np.asarray(values, old.dtype), old.shape)
    same = compare and np.array_equal(values, np.asarray(old), equal_nan=old.dtype.kind == "f")
    return None if same else as_array(values, old.dtype)
