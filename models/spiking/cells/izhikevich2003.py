"""Izhikevich's simple neuron of 2003."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float

from neurodyn.models.spiking.cells.cell_types import CELL_TYPES_2003
from neurodyn.models.spiking.cells.neuron import AbstractNeuron, PerUnit, Start, split, where_spiked
from neurodyn.system import Variable


class Recovering(NamedTuple):
    """State of a neuron with a recovery variable.

    Attributes
    ----------
    v
        Membrane potential [mV].
    u
        Recovery variable, in the units of the current.
    """

    v: Float[Array, " unit"]
    u: Float[Array, " unit"]


class Izhikevich2003(AbstractNeuron):
    r"""Izhikevich's simple neuron of 2003.

    .. math::
        \dot v &= 0.04 v^2 + 5 v + 140 - u + I \\
        \dot u &= a (b v - u)

    and where :math:`v \ge` `threshold`: :math:`v \leftarrow c,\; u \leftarrow u + d`. Time is in
    ms, v in mV, and I in mV/ms.

    Parameters
    ----------
    n
        Number of units.
    cell_type
        A type of :data:`CELL_TYPES_2003`, or one for each unit; default "RS".
    a, b, c, d
        Replace the values of the type: a number, an array ``(unit,)``, a law of
        :mod:`neurodyn.params` that is drawn once, or a parameter (then they are trained).
    threshold
        Peak of a spike [mV]; default 30, as published.
    v0
        Potential at the start [mV]; default -65. A law is drawn anew for every trial.
    u0
        Recovery at the start; default ``b v0``.
    key
        Seed or key, where a parameter is drawn.

    Raises
    ------
    ValueError
        If a type is unknown, or a size does not fit.

    References
    ----------
    Izhikevich, "Simple model of spiking neurons", IEEE Trans. Neural Netw. 14:1569, 2003.

    Examples
    --------
    >>> from neurodyn.models import spiking
    >>> spiking.Izhikevich2003(3, ["RS", "CH", "FS"]).a.value()
    Array([0.02, 0.02, 0.1 ], dtype=float32)
    """

    cell_type: Any = eqx.field(static=True, default="RS")
    _: dataclasses.KW_ONLY
    a: PerUnit = None
    b: PerUnit = None
    c: PerUnit = None
    d: PerUnit = None
    threshold: PerUnit = 30.0
    v0: Start = -65.0
    u0: Start = None
    key: dataclasses.InitVar[Any] = None

    parameters: ClassVar[tuple[str, ...]] = ("a", "b", "c", "d", "threshold")
    current_units: ClassVar[str] = "mV/ms"
    time_constants: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[tuple[str, ...]] = ("izhikevich2003",)

    def __post_init__(self, key):
        self._bind(self.parameters, ("v0", "u0"), key, types=CELL_TYPES_2003)

    def start(self, key):
        key_v, key_u = split(key, 2)
        v = self.v0.draw("v", self.c, key_v)
        return Recovering(v, self.u0.draw("u", self.b * v, key_u))

    def drift(self, cell, current):
        v, u = cell
        return Recovering(0.04 * v**2 + 5 * v + 140 - u + current, self.a * (self.b * v - u))

    def crossing(self, cell):
        return cell.v - self.threshold

    def reset(self, cell, spikes):
        return Recovering(where_spiked(spikes, self.c, cell.v), cell.u + self.d * spikes)

    def variables(self):
        return {
            "v": Variable(("unit",), "mV", "membrane potential", "voltage"),
            "u": Variable(("unit",), "mV/ms", "recovery variable", "hidden"),
        }
