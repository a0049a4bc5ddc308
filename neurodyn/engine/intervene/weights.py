"""Another version of the system for some time."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from neurodyn.engine.abilities import SizedByStep
from neurodyn.engine.intervene.base import AbstractWindowed, window_edges
from neurodyn.engine.intervene.replaced import differing
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
        changed = differing(self, changed, system, compare=True)
        return eqx.tree_at(lambda e: e.changed, self, changed)

    def replaced(self, system):
        """With the arrays that differ."""
        return eqx.combine(self.changed, system)
