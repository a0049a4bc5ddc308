"""Neurons in Brian2's language: potentials in mV, time in ms, all variables without units."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from neurodyn.models.spiking.cells.adex import AdEx
from neurodyn.models.spiking.cells.izhikevich2003 import Izhikevich2003
from neurodyn.models.spiking.cells.izhikevich2007 import Izhikevich2007
from neurodyn.models.spiking.cells.lif import LIF


class Equations(NamedTuple):
    """A neuron, its current called ``I``.

    Attributes
    ----------
    rates
        Right-hand side of each variable [per ms], ``v`` first.
    threshold, reset
        Condition of a spike, and the statements of the reset.
    parameters
        Parameters that occur, one value for each unit.
    """

    rates: dict[str, str]
    threshold: str
    reset: tuple[str, ...]
    parameters: tuple[str, ...]


_IZHIKEVICH_2007 = Equations(
    {
        "v": "(k*(v - vr)*(v - vt) - u + I)/C",
        "u": "a*(b*(v - vr) - u)",
    },
    "v >= vpeak",
    ("v = c", "u += d"),
    ("C", "k", "vr", "vt", "vpeak", "a", "b", "c", "d"),
)

#: With the terms of some types of the book only: see `CellType2007`.
_SPECIAL_2007 = Equations(
    {
        "v": "(k*(v - vr)*(v - vt) - u + I)/C",
        "u": "a*((int(v < v_switch)*b_low + int(v >= v_switch)*b)*(v - vr)"
        " + cubic*clip(v - v_switch, 0, 1e4)**3 - u)",
    },
    "v >= vpeak + vpeak_u*u",
    ("v = c + c_u*u", "u = clip(u + d, -1e12, u_max)"),
    (*_IZHIKEVICH_2007.parameters, "vpeak_u", "c_u", "u_max", "b_low", "v_switch", "cubic"),
)

#: By the class of the neuron.
NEURONS: dict[type, Equations] = {
    Izhikevich2003: Equations(
        {"v": "0.04*v**2 + 5*v + 140 - u + I", "u": "a*(b*v - u)"},
        "v >= threshold",
        ("v = c", "u += d"),
        ("a", "b", "c", "d", "threshold"),
    ),
    Izhikevich2007: _IZHIKEVICH_2007,
    LIF: Equations(
        {"v": "(v_rest - v + R*I)/tau"},
        "v >= threshold",
        ("v = v_reset",),
        ("tau", "v_rest", "v_reset", "threshold", "R"),
    ),
    AdEx: Equations(
        {
            "v": "(g_L*(E_L - v) + g_L*Delta_T*exp((clip(v, -1e4, v_peak) - V_T)/Delta_T) - w + I)"
            "/C",
            "w": "(a*(v - E_L) - w)/tau_w",
        },
        "v >= v_peak",
        ("v = v_reset", "w += b"),
        ("C", "g_L", "E_L", "V_T", "Delta_T", "tau_w", "a", "b", "v_reset", "v_peak"),
    ),
}


def known_as(kind: str, each: Any, table: Mapping[type, Any]) -> Any:
    """The entry of a table for the class of an object.

    Raises
    ------
    TypeError
        If there is none; the message lists the entries.
    """
    if type(each) not in table:
        known = ", ".join(cls.__name__ for cls in table)
        raise TypeError(
            f"Brian2: {kind} of class {type(each).__name__} cannot be translated; {known} can."
        )
    return table[type(each)]


def equations_of(neuron: Any) -> Equations:
    """The equations of a neuron.

    Raises
    ------
    TypeError
        For a neuron without a translation.
    """
    known = known_as("neurons", neuron, NEURONS)
    if isinstance(neuron, LIF) and neuron.soft_reset:
        return known._replace(reset=("v -= threshold - v_reset",))
    if isinstance(neuron, Izhikevich2007) and neuron.special:
        return _SPECIAL_2007
    return known
