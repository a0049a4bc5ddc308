"""Current injected into units."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.engine.chosen import Chosen
from neurodyn.engine.intervene.base import window_edges
from neurodyn.engine.intervene.units import AbstractOnUnits, units_with_values
from neurodyn.system import Drive


class Current(AbstractOnUnits):
    """Inject a current into some units in a time window.

    Parameters
    ----------
    units
        Which units: numbers, names or a mask, see :mod:`neurodyn.intervene`.
    amplitude
        Added to their summed input, in its unit: one number, one for each number or name in
        `units`, or with a mask one for each unit of the model. The class of a system without a
        summed input says which variable the current is added to.
    start, stop
        Window [ms of the run], by default the whole run. A step belongs to it when it starts inside
        ``[start, stop)``.

    Raises
    ------
    ValueError
        If `units` names no units, `amplitude` is not finite or does not fit them, or `start` is not
        before `stop`.
    """

    units: Float[Array, " unit"] | Chosen
    amplitude: Float[Array, "..."]
    start: Float[Array, ""]
    stop: Float[Array, ""]
    valued: ClassVar = "amplitude"

    def __init__(self, units: Any, amplitude: Any, start: Any = -np.inf, stop: Any = np.inf):
        self.units, self.amplitude = units_with_values(units, amplitude, "amplitude")
        self.start, self.stop = window_edges(start, stop)

    def on_drive(self, t, drive):
        current = jnp.where(self.acts(t), self.amplitude * self.units, 0.0)
        if drive.current is not None:
            current = current + drive.current
        if drive.input is not None:
            current = current.astype(drive.input.dtype)
        return Drive(drive.input, drive.target, drive.gate, current)
