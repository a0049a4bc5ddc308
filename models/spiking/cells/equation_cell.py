"""A neuron of any equations, given as text."""

import functools
import re
from collections import namedtuple
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

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
from neurodyn.models.spiking.synapses.synapse import scalar
from neurodyn.params import AbstractDistribution, AbstractParameter
from neurodyn.params.base import value_of
from neurodyn.system import Variable

#: Names of variables of a network, which those of a cell would hide.
RESERVED = ("I", "rate", "decoder", "outputs")
_LINE = re.compile(
    r"\s*(?:d(?P<of>\w+)/dt|(?P<name>\w+))\s*=\s*(?P<text>[^:]+?)\s*"
    r"(?::\s*(?P<units>[^()]*?)\s*(?P<held>\(unless refractory\))?)?\s*"
)
_STATEMENT = re.compile(r"(\w+)\s*([-+*/]?)=\s*([^=].*)")


class Rate(NamedTuple):
    """The rate of change of a variable."""

    text: str
    units: str
    held: bool


class Parsed(NamedTuple):
    """Equations: rates by variable, and abbreviations by name, in their order."""

    rates: dict[str, Rate]
    short: dict[str, str]


@functools.lru_cache(maxsize=512)
def parsed_equations(equations: str) -> Parsed:
    """The equations of a text; raises ValueError for a line that is none."""
    found = Parsed({}, {})
    for line in filter(None, (each.split("#")[0].strip() for each in equations.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"'{line}' is no equation: write 'dx/dt = expression : units (unless refractory)' "
                "or 'y = expression'."
            )
        expression.parsed(match["text"])
        if match["of"]:
            found.rates[match["of"]] = Rate(
                match["text"], match["units"] or "1", bool(match["held"])
            )
        else:
            found.short[match["name"]] = match["text"]
    return found


@functools.lru_cache(maxsize=512)
def parsed_statements(text: str) -> tuple[tuple[str, str], ...]:
    """Name and new value of each statement ``x = ...``, ``x += ...``; one a line or with ``;``."""
    found = []
    for line in filter(None, (each.strip() for each in re.split(r"[\n;]", text))):
        match = _STATEMENT.fullmatch(line.split("#")[0].strip())
        if match is None:
            raise ValueError(f"'{line}' is no statement: write 'x = expression' or 'x += ...'.")
        name, operation, value = match.groups()
        value = f"{name} {operation} ({value})" if operation else value
        expression.parsed(value)
        found.append((name, value))
    return tuple(found)


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
    In a refractory period only variables marked ``(unless refractory)`` stand still, and units do
    not spike, as in Brian2. Equations are stored as text and never executed as a program. The
    built-in neurons are faster to compile and check their parameters: prefer them where they fit.

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
    current: str = eqx.field(static=True)
    current_units: str = eqx.field(static=True)
    constants: dict[str, Any]
    initial: dict[str, Initial]

    parameters: ClassVar[tuple[str, ...]] = ()
    time_constants: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[tuple[str, ...]] = ("stimberg2019",)

    def __init__(
        self,
        n: int,
        equations: str,
        *,
        threshold: str | None,
        reset: str = "",
        constants: Mapping[str, Any] | None = None,
        start: Mapping[str, Any] | None = None,
        current: str = "I",
        current_units: str = "mV/ms",
        key: Any = None,
    ):
        self.n, self.equations, self.reset_code = n, equations, reset
        self.threshold, self.current, self.current_units = threshold, current, current_units
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
        """Names of the variables, ``v`` first."""
        return ("v", *(name for name in self._rates if name != "v"))

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
        known = {*rates, *constants, self.current}
        texts = [*short.values(), *(rate.text for rate in rates.values())]
        statements = parsed_statements(self.reset_code)
        texts += [] if self.threshold is None else [self.threshold]
        for text in [*texts, *(value for _, value in statements)]:
            unknown = sorted(expression.names_in(text) - known - set(short))
            if unknown:
                raise ValueError(
                    f"EquationCell: {unknown} in '{text}' have no value: give them as `constants`."
                )
            functions = sorted(expression.calls_in(text) - set(expression.FUNCTIONS))
            if functions:
                raise ValueError(
                    f"EquationCell: there are no functions {functions} ('{text}'); there are "
                    f"{', '.join(expression.FUNCTIONS)}."
                )
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
        like = self.initial["v"].sizes
        zero = jnp.zeros(like, jnp.result_type(float))
        drawn = [self.initial[n].draw(n, zero, k) for n, k in zip(self.names, keys, strict=True)]
        return _state_of(self.names)(*map(value_of, drawn))

    def drift(self, cell, current):
        values = self._values(cell, current)
        rates = {n: expression.evaluate(self._rates[n].text, values) for n in self.names}
        return type(cell)(*(jnp.broadcast_to(r, cell.v.shape) for r in rates.values()))

    def crossing(self, cell):
        if self.threshold is None:
            return jnp.full_like(cell.v, -1.0)
        found = expression.margin(self.threshold, self._values(cell))
        return jnp.broadcast_to(found, cell.v.shape).astype(cell.v.dtype)

    def reset(self, cell, spikes):
        for name, text in parsed_statements(self.reset_code):
            new = expression.evaluate(text, self._values(cell))
            old = getattr(cell, name)
            new = jnp.broadcast_to(jnp.asarray(new, old.dtype), old.shape)
            cell = cell._replace(**{name: where_spiked(spikes, new, old)})
        return cell

    def variables(self):
        found = {}
        for name in self.names:
            units = self._rates[name].units
            kind = "voltage" if units == "mV" else "hidden"
            title = "membrane potential" if name == "v" else name.replace("_", " ")
            found[name] = Variable(("unit",), units, title, kind)
        return found
