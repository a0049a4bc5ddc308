"""A neuron of any equations, given as text."""

import functools
from collections import namedtuple
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.models.spiking.cells import expression
from neurodyn.models.spiking.cells.neuron import (
    AbstractNeuron,
    Initial,
    per_unit,
    split,
    where_spiked,
)
from neurodyn.models.spiking.cells.notation import Rate, parsed_equations, parsed_statements
from neurodyn.models.spiking.synapses.synapse import scalar
from neurodyn.params import AbstractDistribution, AbstractParameter
from neurodyn.params.base import value_of
from neurodyn.system import Variable

#: Variable that is 1 where a unit may spike, 0 while it is refractory by a condition.
READY = "ready"
#: Names of variables of a network, which those of a cell would hide.
RESERVED = ("I", "rate", "decoder", "outputs", READY)


@functools.lru_cache(maxsize=512)
def _state_of(names: tuple[str, ...]) -> Any:
    """The NamedTuple of a state with these fields, the same for the same names."""
    return namedtuple("EquationState", names)


class EquationCell(AbstractNeuron):
    """A neuron of any equations, given as text.

    Parameters
    ----------
    n
        Number of units.
    equations
        A line ``dx/dt = expression : units (unless refractory)`` for each variable, one of which is
        the membrane potential ``v``; units and the note may be left out. Other lines ``y =
        expression`` name what is used below them. Time is in ms. Expressions have numbers, names,
        ``+ - * / ** // %``, comparisons with ``and``, ``or`` and ``not``, and the functions of
        :data:`neurodyn.models.spiking.cells.expression.FUNCTIONS`.
    threshold
        Condition of a spike, such as ``"v > -20"``; None: units never spike. A surrogate gradient
        sees the distance of both sides.
    reset
        Statements after a spike, such as ``"v = v_reset; w += b"``; default none.
    refractory
        Condition, such as ``"v > -40"``, while which a unit that has spiked stays refractory; None:
        none. (Refractory times are those of the population.)
    constants
        Values of the other names: a number, an array ``(unit,)``, a law of :mod:`neurodyn.params`
        that is drawn once, or a parameter (then it is trained).
    start
        Initial values by variable, as in `constants`; default 0. A law is drawn anew for every
        trial.
    current
        Name of the current in the equations; default ``"I"``.
    current_units
        Its units; default "mV/ms".
    key
        Seed or key, where a constant is drawn.

    Raises
    ------
    ValueError
        If an equation cannot be parsed, or a name has no value; the error says which.

    Notes
    -----
    While a unit is refractory only variables marked ``(unless refractory)`` stand still, and it
    does not spike, as in Brian2. Equations are stored as text and never executed as a program. The
    built-in neurons compile faster and check their parameters: prefer them where they fit.

    References
    ----------
    Stimberg, Brette & Goodman, "Brian 2, an intuitive and efficient neural simulator", eLife
    8:e47314, 2019 (the notation).

    Examples
    --------
    >>> from neurodyn.models import spiking
    >>> cell = spiking.EquationCell(
    ...     2, "dv/dt = (E - v + I)/tau : mV", threshold="v > -50", reset="v = E",
    ...     constants={"E": -60.0, "tau": 20.0}, start={"v": -60.0},
    ... )
    >>> spiking.Network(cell, bias=12.0).cell_type
    ('EquationCell', 'EquationCell')
    """

    cell_type: tuple[str, ...] = eqx.field(static=True)
    equations: str = eqx.field(static=True)
    threshold: str | None = eqx.field(static=True)
    reset_code: str = eqx.field(static=True)
    refractory: str | None = eqx.field(static=True)
    current: str = eqx.field(static=True)
    own_units: str = eqx.field(static=True)
    constants: dict[str, Any]
    initial: dict[str, Initial]

    parameters: ClassVar[tuple[str, ...]] = ()
    current_units: ClassVar[str] = "mV/ms"
    time_constants: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[tuple[str, ...]] = ("stimberg2019",)

    def __init__(
        self,
        n: int,
        equations: str,
        *,
        threshold: str | None,
        reset: str = "",
        refractory: str | None = None,
        constants: Mapping[str, Any] | None = None,
        start: Mapping[str, Any] | None = None,
        current: str = "I",
        current_units: str = "mV/ms",
        key: Any = None,
    ):
        self.n, self.equations, self.reset_code = n, equations, reset
        self.threshold, self.refractory = threshold, refractory
        self.current, self.own_units = current, current_units
        self._bind((), (), None)
        given, begin = dict(constants or {}), dict(start or {})
        self._check_names(set(given), set(begin))
        keys = split(key, len(given))
        self.constants = {
            name: self._constant(name, value, own)
            for (name, value), own in zip(sorted(given.items()), keys, strict=True)
        }
        self.initial = {}
        for name in sorted(self._rates):
            value = begin.get(name, 0.0)
            if not isinstance(value, AbstractDistribution):
                value = per_unit(name, value, self.n, None)
            self.initial[name] = Initial((value,), (self.n,))

    @property
    def _rates(self) -> dict[str, Rate]:
        return parsed_equations(self.equations).rates

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables, ``v`` first; with `refractory` also whether a unit may spike."""
        own = ("v", *(name for name in self._rates if name != "v"))
        return own if self.refractory is None else (*own, READY)

    def units_of_current(self):
        return self.own_units

    def held(self):
        return tuple(name for name, rate in self._rates.items() if rate.held)

    def guarded(self):
        return True

    def alike(self, other):
        return False

    def _constant(self, name: str, value: Any, key: Any) -> Any:
        """One number for all units or one for each."""
        if isinstance(value, (AbstractDistribution, AbstractParameter)) or np.ndim(value):
            return per_unit(name, value, self.n, key)
        return scalar(name, value)

    def _check_names(self, constants: set[str], start: set[str]) -> None:
        rates, short = parsed_equations(self.equations)
        if "v" not in rates:
            raise ValueError(f"EquationCell: there is no dv/dt in the equations of {list(rates)}.")
        hidden = [name for name in rates if name in RESERVED or name.startswith("_")]
        if hidden:
            raise ValueError(f"EquationCell: {hidden} name variables of a network: rename them.")
        known = {*rates, *short, *constants, self.current}
        texts = [*short.values(), *(rate.text for rate in rates.values())]
        statements = parsed_statements(self.reset_code)
        texts += [x for x in (self.threshold, self.refractory) if x is not None]
        for text in [*texts, *(value for _, value in statements)]:
            expression.check_names("EquationCell", text, known)
        others = sorted({name for name, _ in statements} - set(rates)) + sorted(start - set(rates))
        if others:
            raise ValueError(f"EquationCell: {others} are no variables; {list(rates)} are.")

    def _values(self, cell: Any, current: Any = 0.0) -> dict[str, Any]:
        """Values of all names."""
        values = {name: value_of(each) for name, each in self.constants.items()}
        values |= {self.current: current} | cell._asdict()
        for name, text in parsed_equations(self.equations).short.items():
            values[name] = expression.evaluate(text, values)
        return values

    def start(self, key):
        keys = split(key, len(self.names))
        zero = jnp.zeros((self.n,), jnp.result_type(float))
        drawn = {
            n: value_of(self.initial[n].draw(n, zero, k))
            for n, k in zip(self.initial, keys, strict=False)
        }
        return _state_of(self.names)(*(drawn.get(n, zero + 1) for n in self.names))

    def drift(self, cell, current):
        values = self._values(cell, current)
        rates = {n: expression.evaluate(r.text, values) for n, r in self._rates.items()}
        if self.refractory is not None:
            rates = {n: r * cell.ready if self._rates[n].held else r for n, r in rates.items()}
        return type(cell)(*(jnp.broadcast_to(rates.get(n, 0.0), cell.v.shape) for n in self.names))

    def crossing(self, cell):
        if self.threshold is None:
            return jnp.full_like(cell.v, -1.0)
        found = expression.margin(self.threshold, self._values(cell))
        found = jnp.broadcast_to(found, cell.v.shape).astype(cell.v.dtype)
        return found if self.refractory is None else jnp.where(cell.ready > 0, found, -1.0)

    def reset(self, cell, spikes):
        for name, text in parsed_statements(self.reset_code):
            new = expression.evaluate(text, self._values(cell))
            old = getattr(cell, name)
            new = jnp.broadcast_to(jnp.asarray(new, old.dtype), old.shape)
            cell = cell._replace(**{name: where_spiked(spikes, new, old)})
        if self.refractory is None:
            return cell
        # A unit stays refractory from its spike until the condition fails.
        ready = jnp.where(spikes > 0, 0.0, cell.ready)
        holds = expression.evaluate(self.refractory, self._values(cell))
        return cell._replace(ready=jnp.where(holds, ready, 1.0).astype(cell.v.dtype))

    def variables(self):
        found = {}
        for name, rate in self._rates.items():
            kind = "voltage" if rate.units == "mV" else "hidden"
            title = "membrane potential" if name == "v" else name.replace("_", " ")
            found[name] = Variable(("unit",), rate.units, title, kind)
        if self.refractory is not None:
            found[READY] = Variable(("unit",), "1", "whether a unit may spike", "hidden")
        return found
