"""Units that are cut off: silenced or lesioned."""

from typing import Any, ClassVar, Protocol, runtime_checkable

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.engine.chosen import Chosen
from neurodyn.engine.intervene.base import switched, window_edges
from neurodyn.engine.intervene.units import AbstractOnUnits, units_of


@runtime_checkable
class SupportsCut(Protocol):
    """A system whose units can be disconnected."""

    def cut(self, units: Bool[Array, " unit"], *, incoming: bool, outgoing: bool) -> Any:
        """A copy in which these units receive nothing (`incoming`) or send nothing (`outgoing`)."""


def check_cut(system: Any) -> None:
    """Refuse a system whose units cannot be disconnected.

    Raises
    ------
    TypeError
        If the system has no method ``cut``.
    """
    if not isinstance(system, SupportsCut):
        raise TypeError(
            f"{type(system).__name__} has no `cut` method, so its units cannot be lesioned or "
            "silenced; use Clamp, or WeightChange with a changed copy."
        )


class _Cut(AbstractOnUnits):
    """Some units without their outgoing, and perhaps their incoming, connections."""

    units: Float[Array, " unit"] | Chosen
    start: Float[Array, ""]
    stop: Float[Array, ""]
    incoming: eqx.AbstractClassVar[bool]

    def __init__(self, units: Any, start: Any = -np.inf, stop: Any = np.inf):
        self.units = units_of(units)
        self.start, self.stop = window_edges(start, stop)

    def bound(self, target):
        check_cut(target.system)
        return super().bound(target)

    def on_system(self, t, system):
        check_cut(system)
        cut = system.cut(self.units > 0, incoming=self.incoming, outgoing=True)
        return switched(self.acts(t), cut, system)


class Silence(_Cut):
    """Silence some units: other units and the readout receive nothing from them.

    Their own state still evolves with its inputs, as a unit's does whose axon is blocked.

    Parameters
    ----------
    units
        Which units: numbers, names or a mask, see :mod:`neurodyn.intervene`.
    start, stop
        Window [ms of the run], by default the whole run. A step belongs to it when it starts inside
        ``[start, stop)``.

    Raises
    ------
    ValueError
        If `units` names no units, or `start` is not before `stop`.

    See Also
    --------
    Lesion : the units also receive nothing.

    Examples
    --------
    >>> import numpy as np
    >>> import neurodyn as nd
    >>> model = nd.models.CTRNN(1, 4, 1, key=0)
    >>> run = nd.integrate(
    ...     model, np.ones((20, 1)), dt=1.0, interventions=[nd.Silence(range(4))]
    ... )
    >>> float(abs(run.outputs).max())
    0.0
    """

    incoming: ClassVar[bool] = False


class Lesion(_Cut):
    """Remove some units: they neither receive nor send anything.

    Parameters
    ----------
    units
        Which units: numbers, names or a mask, see :mod:`neurodyn.intervene`.
    start, stop
        Window [ms of the run], by default the whole run. A step belongs to it when it starts inside
        ``[start, stop)``.

    Raises
    ------
    ValueError
        If `units` names no units, or `start` is not before `stop`.

    See Also
    --------
    Silence : the units still receive their inputs.
    """

    incoming: ClassVar[bool] = True
