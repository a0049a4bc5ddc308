"""Receptors in Brian2's language: variables of the units that receive."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from neurodyn.models.spiking.bridge.neurons import known_as
from neurodyn.models.spiking.synapses.delta import Delta, Pulse
from neurodyn.models.spiking.synapses.exponential import DoubleExponential, Exponential
from neurodyn.models.spiking.synapses.nmda import NMDA
from neurodyn.params.base import value_of


class Receptor(NamedTuple):
    """A receptor with a state on every unit.

    Attributes
    ----------
    declared
        Variables that no solver integrates.
    rates
        Right-hand side of each integrated variable [per ms].
    current
        Term that it adds to the current into a unit; None: none.
    on_pre
        Statement that a spike executes; ``weight`` is the weight of the synapse.
    advance
        Statements that bring exact states to the end of the step, before spikes arrive.
    parameters
        Values that differ between units.
    """

    declared: tuple[str, ...]
    rates: dict[str, str]
    current: str | None
    on_pre: str
    advance: tuple[str, ...]
    parameters: dict[str, np.ndarray]


def written(value: Any) -> str:
    """A number as text, in the shortest form."""
    return str(np.asarray(value)[()])


class _Names:
    """Numbers in equations, by name where they differ between units."""

    def __init__(self, receptor: str):
        self.receptor = receptor
        self.parameters: dict[str, np.ndarray] = {}

    def __call__(self, field: str, value: Any) -> str:
        value = np.asarray(value_of(value))
        if value.ndim == 0:
            return f"({written(value)})" if value < 0 else written(value)
        self.parameters[f"{field}_{self.receptor}"] = value
        return f"{field}_{self.receptor}"


def receptor_of(name: str, synapse: Any) -> Receptor:
    """A receptor by the name that its variables are to have.

    Raises
    ------
    TypeError
        For a synapse without a translation.
    """
    return known_as(f"synapse {name!r}", synapse, _KNOWN)(name, synapse)


def _delta(name: str, synapse: Delta) -> Receptor:
    del name
    return Receptor((), {}, None, f"{synapse.onto}_post += weight", (), {})


def _pulse(name: str, synapse: Pulse) -> Receptor:
    del synapse
    g = f"g_{name}"
    return Receptor((g,), {}, g, f"{g}_post += weight", (f"{g} = 0",), {})


def _exponential(name: str, synapse: Exponential) -> Receptor:
    number, g = _Names(name), f"g_{name}"
    tau = number("tau", synapse.tau)
    on_pre = f"{g}_post += weight" + (f"/{_post(tau)}" if synapse.unit_area else "")
    current = _driven(g, synapse.reversal, number)
    if synapse.exact:
        advance = (f"{g} *= exp(-dt/({tau}*ms))",)
        return Receptor((g,), {}, current, on_pre, advance, number.parameters)
    return Receptor((), {g: f"-{g}/{tau}"}, current, on_pre, (), number.parameters)


def _double(name: str, synapse: DoubleExponential) -> Receptor:
    return _two(name, synapse, lambda g, number: _driven(g, synapse.reversal, number))


def _nmda(name: str, synapse: NMDA) -> Receptor:
    def current(g: str, number: _Names) -> str:
        reversal, magnesium = (number(f, getattr(synapse, f)) for f in ("reversal", "magnesium"))
        return f"{g}*({reversal} - v)/(1 + {magnesium}/3.57*exp(-0.062*v))"

    return _two(name, synapse.kinetics, current)


def _two(name: str, synapse: DoubleExponential, current: Callable[[str, _Names], str]) -> Receptor:
    number, g, h = _Names(name), f"g_{name}", f"h_{name}"
    rise, decay = number("rise", synapse.rise), number("decay", synapse.decay)
    on_pre = f"{h}_post += weight/({_post(rise)}*{_post(decay)})"
    if synapse.unit_peak:
        on_pre += f"/{_post(number('peak', synapse._peak()))}"
    flows = current(g, number)
    if synapse.exact:
        advance = (
            f"{g} = {g}*exp(-dt/({rise}*ms)) + {h}*(dt/ms)",
            f"{h} *= exp(-dt/({decay}*ms))",
        )
        return Receptor((g, h), {}, flows, on_pre, advance, number.parameters)
    rates = {g: f"{h} - {g}/{rise}", h: f"-{h}/{decay}"}
    return Receptor((), rates, flows, on_pre, (), number.parameters)


def _driven(g: str, reversal: Any, number: _Names) -> str:
    return g if reversal is None else f"{g}*({number('E', reversal)} - v)"


def _post(number: str) -> str:
    """As seen from a synapse: values of the unit that receives."""
    return number if number.strip("()")[0] in "-0123456789." else f"{number}_post"


_KNOWN: dict[type, Callable[[str, Any], Receptor]] = {
    Delta: _delta,
    Pulse: _pulse,
    Exponential: _exponential,
    DoubleExponential: _double,
    NMDA: _nmda,
}
