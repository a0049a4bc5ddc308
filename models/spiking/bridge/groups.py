"""A NeuronGroup of Brian2 as a population, with the receptors in its equations."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from neurodyn.models.spiking.bridge.equations import (
    EquationReader,
    refractory_times,
    refuse_lost,
    reset_of,
)
from neurodyn.models.spiking.bridge.expressions import Expressions, exact
from neurodyn.models.spiking.bridge.noises import amplitude, drawn_current, drawn_parameters
from neurodyn.models.spiking.bridge.receptors import Receptor, read_receptors
from neurodyn.models.spiking.bridge.recognise import Cell, Rates, recognise
from neurodyn.models.spiking.network.population import Population

_MS = 1e-3
_SUPPORTED = (
    "Supported: equations of variables and constants (any that are no functions of t, one array "
    "over time), white noise xi on the potential by a constant factor, a parameter that "
    "'x = mean + std*randn()' draws in each step, any threshold and reset of these variables, and "
    "refractory times."
)


class Group(NamedTuple):
    """The parts of one NeuronGroup.

    Attributes
    ----------
    population
        Its neurons.
    v
        Name of the potential, and its unit in SI units.
    receptors
        By the name of the variable that acts.
    inputs
        Weight of each TimedArray on each unit, and its number of channels.
    bias, noise, current_noise_std
        As of a Network.
    variables
        Of a neuron of its own equations: our name of each variable, and its unit in SI units.
    """

    population: Population
    v: tuple[str, float]
    receptors: dict[str, Receptor]
    inputs: dict[str, tuple[int, np.ndarray]]
    bias: np.ndarray | None
    noise: np.ndarray | None
    current_noise_std: np.ndarray | None
    variables: dict[str, tuple[str, float]]


def read_group(
    b2: Any, group: Any, namespace: Mapping[str, Any], written: Collection[str] = ()
) -> Group:
    """Read a NeuronGroup: as a neuron of this library, else as one of its own equations.

    Parameters
    ----------
    b2, group, namespace
        Brian2, the group, and values of names.
    written
        Variables that synapses and Poisson inputs change.

    Raises
    ------
    ValueError
        If an equation has no counterpart; the message has the equations and the supported forms.
    """
    try:
        found = _Reader(b2, group, namespace, written).read()
        entries = {found.v[0], *(each.entry for each in found.receptors.values())}
        if set(written) <= entries:
            return found
    except ValueError:
        pass  # no neuron of this library
    try:
        population, other = EquationReader(b2, group, namespace, written).read()
    except ValueError as error:
        raise ValueError(
            f"from_brian2: {group.name}: {error}.\n{group.user_equations}\n{_SUPPORTED}"
        ) from error
    return Group(population=population, receptors={}, **other)


class _Reader:
    """Reads one NeuronGroup."""

    def __init__(self, b2: Any, group: Any, namespace: Mapping[str, Any], written: Collection[str]):
        self.b2, self.group, self.n = b2, group, len(group)
        self.equations = group.user_equations
        self.names = sorted(self.equations.diff_eq_names)
        self.expressions = Expressions(group, namespace, [*self.names, *written])
        self.drawn = drawn_parameters(b2, group, self.expressions)
        self.expressions.changing |= set(self.drawn)
        self.rates = {
            name: expression.code
            for name, expression in self.equations.get_substituted_expressions(group.variables)
        }

    def read(self) -> Group:
        refuse_lost(self.group)
        if set(self.group.events) != {"spike"}:
            raise ValueError("it never spikes")
        v, threshold = self._threshold()
        dim = self.group.variables[v].dim
        size = self._unit(dim)
        if not dim.is_dimensionless and dim != self.b2.volt.dim:
            raise ValueError(f"{v} has the dimension {dim}; volt or none is wanted")
        resets = self._resets()
        noise = sorted(self.equations.stochastic_variables)
        terms = {x: self._terms(x, noise if x == v else []) for x in self.names}
        others = [x for x in self.names if x != v]
        recovering = [x for x in others if v in terms[x] or x in resets]
        if len(recovering) > 1:
            raise ValueError(f"more than one variable besides {v} depends on it: {recovering}")
        u = recovering[0] if recovering else None
        cell, dv = self._cell(v, u, size, terms, threshold, resets)
        receptors = read_receptors(
            v, size, cell.capacity, dv, {x: terms[x] for x in others if x != u}
        )
        moving = [x for x in others if x != u and self._start(x).any()]
        if moving:
            raise ValueError(f"{moving} must start at 0, as synapses do here")
        factors = [dv.pop(name) for name in noise if name in dv]
        if len(factors) != len(noise):
            raise ValueError("noise is read where it is added to dv/dt by a constant factor")
        inputs = self._inputs(dv, cell, size)
        bias, drawn = drawn_current(self.drawn, dv, cell.capacity, cell.bias, size)
        if dv:
            raise ValueError(f"d{v}/dt has a term in {', '.join(dv)}, which is not supported")
        self._check_held(v)
        refractory = refractory_times(self.group, self.expressions)
        return Group(
            Population(cell.neuron, refractory=refractory),
            (v, size),
            receptors,
            inputs,
            bias,
            amplitude(factors, size),
            drawn,
            {},
        )

    def _all(self, values: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, float), (self.n,)).copy()

    def _unit(self, dim: Any) -> float:
        """Our unit of a dimension in SI units: mV and pA; 1 for quantities scaled later."""
        units = ((self.b2.volt.dim, 1e-3), (self.b2.amp.dim, 1e-12))
        return next((size for known, size in units if dim == known), 1.0)

    def _threshold(self) -> tuple[str, np.ndarray]:
        """Name of the potential, and the threshold in SI units."""
        text = self.group.events["spike"]
        match = re.fullmatch(r"\s*(\w+)\s*>=?\s*([^<>=]+)", text)
        if match is None or match[1] not in self.names or re.search(r"\b(and|or|not)\b", text):
            raise ValueError(f"the threshold '{text}' is not 'v > x'")
        return match[1], self._all(self.expressions.numbers(match[2].strip()))

    def _resets(self) -> dict[str, tuple[str, str]]:
        """The statement of the reset for each variable: an operator and an expression."""
        found: dict[str, tuple[str, str]] = {}
        for each in reset_of(self.group):
            name, operator, text = each
            if operator not in ("", "+", "-") or name not in self.names or name in found:
                raise ValueError(f"the reset '{each}' is not supported")
            found[name] = operator, text
        return found

    def _terms(self, name: str, noise: list[str]) -> dict[str, np.ndarray]:
        try:
            variables = [*self.names, *noise, *self.drawn]
            terms = self.expressions.terms(self.rates[name], variables)
        except ValueError as error:
            raise ValueError(f"d{name}/dt = {self.equations[name].expr}: {error}") from error
        return {product: self._all(factor) for product, factor in terms.items()}

    def _cell(self, v, u, size, terms, threshold, resets) -> tuple[Cell, dict]:
        """The neuron, and the terms of dv/dt that do not belong to it."""
        scale = {v: size}
        if u is not None:
            scale[u] = self._unit(self.group.variables[u].dim)
        dv, own = dict(terms[v]), {"v": v, "v**2": f"{v}**2", "1": "1", "u": u}
        ours = {
            k: exact(dv.pop(x) * _factor(k, x, v, scale) * _MS / size)
            for k, x in own.items()
            if x in dv
        }
        slope = middle = None
        rises = [x for x in dv if x.startswith("exp(")]
        if len(rises) == 1:
            slope, middle = self._rise(rises[0], v, size)
            ours["exp"] = dv.pop(rises[0]) * _MS / size
        du = None
        if u is not None:
            unknown = sorted(set(terms[u]) - {v, u, "1"})
            if unknown:
                raise ValueError(f"d{u}/dt = {self.equations[u].expr} has terms in {unknown}")
            du = {
                k: exact(terms[u][x] * _factor(k, x, v, scale) * _MS / scale[u])
                for k, x in (("v", v), ("u", u), ("1", "1"))
                if x in terms[u]
            }
        reset, soft = self._reset(v, resets, threshold)
        zero = np.zeros(self.n)
        rates = Rates(
            ours,
            du,
            slope,
            middle,
            exact(threshold / size),
            exact(reset / size),
            zero if u not in resets else exact(self._jump(u, *resets[u]) / scale[u]),
            self._start(v) / size,
            zero if u is None else self._start(u) / scale[u],
            soft,
        )
        return recognise(rates), dv

    def _rise(self, call: str, v: str, size: float) -> tuple[np.ndarray, np.ndarray]:
        """Slope and middle of an exponential, which may be clipped at the peak."""
        inside = re.sub(rf"clip\({v}, [^,()]+, [^,()]+\)", v, call[4:-1])
        terms = self.expressions.terms(inside, [v])
        if v not in terms or set(terms) - {v, "1"}:
            raise ValueError(f"{call} is not exp((v - x)/y)")
        slope = 1 / self._all(terms[v])
        return exact(slope / size), exact(-self._all(terms.get("1", 0.0)) * slope / size)

    def _reset(self, v: str, resets: Mapping, threshold) -> tuple[np.ndarray, bool]:
        """The reset potential, and whether it is reached from the threshold by a subtraction."""
        operator, text = resets.get(v, ("+", "0"))
        if operator == "" and not re.search(rf"\b{v}\b", text):
            return self._all(self.expressions.numbers(text)), False
        jump = self._jump(v, operator, text)
        if (jump < 0).all():
            return threshold + jump, True
        raise ValueError(f"the reset must set {v} or lower it")

    def _jump(self, u: str, operator: str, text: str) -> np.ndarray:
        """Increment of the recovery variable by a spike."""
        if operator == "":
            terms = self.expressions.terms(text, [u])
            if set(terms) - {u, "1"} or not np.all(terms.get(u, 0.0) == 1):
                raise ValueError(f"the reset '{u} = {text}' is not '{u} += x'")
            return self._all(terms.get("1", 0.0))
        return self._all(self.expressions.numbers(text)) * (-1 if operator == "-" else 1)

    def _start(self, name: str) -> np.ndarray:
        return np.array(self.group.state(name, use_units=False)[:], float)

    def _inputs(self, dv: dict, cell: Cell, size: float) -> dict[str, tuple[int, np.ndarray]]:
        found = {}
        for call in list(dv):
            array = self.expressions.timed_array(call)
            if array is None:
                continue
            unit = self._unit(array.dim)
            channels = 1 if call.endswith("(t)") else array.values.shape[1]
            weight = exact(dv.pop(call) * cell.capacity * unit * _MS / size)
            found[call.partition("(")[0]] = (channels, weight)
        return found

    def _check_held(self, v: str) -> None:
        """Refuse refractory units that hold anything but the potential."""
        if self.group._refractory is False:
            return
        if "unless refractory" not in self.equations[v].flags:
            raise ValueError(
                f"refractory units must hold {v}: write 'd{v}/dt = ... (unless refractory)'"
            )
        held = [x for x in self.names if x != v and "unless refractory" in self.equations[x].flags]
        if held:
            raise ValueError(f"refractory units hold {v} alone here, not {held}")


def _factor(kind: str, name: str, v: str, scale: Mapping[str, float]) -> float:
    """Our units of a product of variables in SI units."""
    return 1.0 if kind == "1" else scale[v] ** 2 if kind == "v**2" else scale[name]
