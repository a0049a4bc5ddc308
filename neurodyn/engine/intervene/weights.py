"""Another version of the system for some time."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.arrays import as_array
from neurodyn.engine.abilities import SizedByStep
from neurodyn.engine.intervene.base import AbstractWindowed, switched, window_edges
from neurodyn.params import with_values
from neurodyn.system import AbstractSystem


class WeightChange(AbstractWindowed):
    """Run with another version of the system in a window.

    Several act together as far as they change different arrays; of the same array, the last wins.

    Parameters
    ----------
    changed
        The system with other values (same structure), e.g. made with ``equinox.tree_at``: one
        number, or an array of the same shape. Arrays that no step reads are refused; weights that a
        plasticity rule learns are part of the state of a run, not of the system.
    start, stop
        Window [ms of the run], by default the whole run. A step belongs to it when it starts inside
        ``[start, stop)``.

    Raises
    ------
    ValueError
        If `start` is not before `stop`.
    """

    changed: AbstractSystem
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, changed: AbstractSystem, start: Any = -np.inf, stop: Any = np.inf):
        # Resolved, because the running system is.
        self.changed = with_values(changed)
        self.start, self.stop = window_edges(start, stop)

    def bound(self, target):
        """With None in the place of the arrays that do not differ.

        Plain numbers and NumPy arrays count as arrays.
        """
        changed, system = self.changed, with_values(target.system)
        if isinstance(changed, SizedByStep) and not isinstance(target.dt, jax.core.Tracer):
            changed = changed.sized(float(target.dt))
        structures: list[Any] = [jax.tree.structure(each) for each in (changed, system)]
        if structures[0] != structures[1]:
            raise ValueError(
                "WeightChange: the changed system must have the same structure as the one that "
                f"runs, got {type(changed).__name__} for {type(system).__name__}. Make it with "
                "equinox.tree_at on the model itself."
            )
        differing = jax.tree_util.tree_map_with_path(_differing_leaf, changed, system)
        return eqx.tree_at(lambda e: e.changed, self, differing)

    def on_system(self, t, system):
        return switched(self.acts(t), eqx.combine(self.changed, system), system)


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
        # Traced values may differ, so they count as different.
        return jnp.broadcast_to(jnp.asarray(values).astype(old.dtype), old.shape)
    values = np.broadcast_to(np.asarray(values, old.dtype), old.shape)
    same = np.array_equal(values, np.asarray(old), equal_nan=old.dtype.kind == "f")
    return None if same else as_array(values, old.dtype)
