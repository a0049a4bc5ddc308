"""A NeuronGroup of Brian2 as a neuron of its own equations."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from neurodyn.models.spiking.bridge.expressions import Expressions, exact
from neurodyn.models.spiking.bridge.noises import Drawn, amplitude, drawn_parameters
from neurodyn.models.spiking.bridge.rewrite import Rewrite
from neurodyn.models.spiking.bridge.scales import scale_of, unit_of
from neurodyn.models.spiking.cells.equation_cell import RESERVED, EquationCell
from neurodyn.models.spiking.cells.notation import Statement, statements
from neurodyn.models.spiking.network.population import Population

_MS = 1e-3


def reset_of(group: Any) -> list[Statement]:
    """The statements of the reset."""
    return statements(group.event_codes.get("spike") or "")


def refuse_lost(group: Any) -> None:
    """Refuse events of a group, and variables of other groups in it, which would be lost."""
    events = set(group.events)
    if events - {"spike"}:
        raise ValueError(f"it has the events {sorted(events)}, not 'spike' alone")
    equations = group.user_equations
    linked = [name for name in equations.names if "linked" in equations[name].flags]
    if linked:
        raise ValueError(f"linked variables {linked} are not read")


def refractory_times(group: Any, expressions: Expressions) -> np.ndarray | None:
    """Refractory periods [ms]; None: none."""
    given = group._refractory
    if given is False:
        return None
    try:
        seconds = expressions.numbers(given) if isinstance(given, str) else float(given)
    except ValueError as error:
        raise ValueError(f"refractory='{given}': {error}") from error
    return exact(np.broadcast_to(seconds, (len(group),)) / _MS)


class EquationReader:
    """Reads one NeuronGroup by its equations.

    Parameters
    ----------
    b2, group, namespace
        Brian2, the group, and values of names.
    written
        Variables that synapses and Poisson inputs change.
    """

    def __init__(self, b2: Any, group: Any, namespace: Mapping[str, Any], written: Collection[str]):
        self.b2, self.group, self.n = b2, group, len(group)
        self.equations, self.written = group.user_equations, set(written)
        resets = {each.name for each in reset_of(group)}
        parameters = [
            name
            for name in self.equations.parameter_names
            if name in resets | set(written) and name in group.variables
        ]
        self.names = [*self.equations.diff_eq_names, *parameters]
        if not self.names:
            raise ValueError("it has no variable that changes")
        self.expressions = Expressions(group, namespace, self.names)
        self.drawn = drawn_parameters(b2, group, self.expressions)
        self.potential = self._potential()
        self.renamed = {name: self._own(name) for name in self.names}
        self.noise: list[np.ndarray] = []
        self.rewrite = Rewrite(b2, self.equations, self.expressions, self.renamed, set(self.drawn))

    def _potential(self) -> str:
        """The variable that the threshold is of; else the first voltage or variable."""
        text = self.group.events.get("spike") or ""
        seen = [name for name in re.findall(r"[A-Za-z_]\w*", text) if name in self.names]
        volts = [x for x in self.names if self.group.variables[x].dim == self.b2.volt.dim]
        return next(iter(seen or volts or self.names))

    def _own(self, name: str) -> str:
        """The name of a variable in our neuron; its potential is v."""
        if name == self.potential:
            return "v"
        taken = name in RESERVED or name == "v" or name.startswith("_")
        return f"{name.lstrip('_')}_" if taken else name

    def read(self) -> tuple[Any, dict[str, Any]]:
        """The population, and what the network needs to know of it."""
        refuse_lost(self.group)
        if self._shared_noise():
            raise ValueError(f"the noise on {self.potential} is shared by all units")
        held = [x for x in self.written & set(self.names) if self._held(x)]
        if held and self._conditional:
            raise ValueError(
                f"refractory='{self.group._refractory}' is a condition that holds {sorted(held)}, "
                "which synapses change: a refractory time is read there"
            )
        lines = [self._line(name) for name in self.names]
        text = self.group.events.get("spike")
        threshold = None if text is None else self.rewrite(text)
        reset = "\n".join(
            str(Statement(self._variable(each.name), each.operator, self.rewrite(each.text)))
            for each in reset_of(self.group)
        )
        scales = {name: scale_of(self.group.variables[name].dim) for name in self.names}
        unit = unit_of(self.b2, self.group.variables[self.potential].dim)
        cell = EquationCell(
            self.n,
            "\n".join(lines),
            threshold=threshold,
            reset=reset,
            refractory=self.rewrite(self.group._refractory) if self._conditional else None,
            constants=self.rewrite.constants,
            start={
                ours: exact(self._state(name) / scales[name]) for name, ours in self.renamed.items()
            },
            current=self.rewrite.current,
            current_units=self.rewrite.current_units or f"{unit}/ms",
        )
        times = None if self._conditional else refractory_times(self.group, self.expressions)
        population = Population(cell, refractory=times)
        return population, {
            "variables": {x: (self.renamed[x], scales[x]) for x in self.names},
            "v": (self.potential, scales[self.potential]),
            "inputs": self.rewrite.inputs(self.n),
            "noise": amplitude(self.noise, scales[self.potential]),
            **self._drawn(),
        }

    def _shared_noise(self) -> bool:
        shared = "shared" in self.equations[self.potential].flags
        return shared and self.equations.is_stochastic and self.n > 1

    def _held(self, name: str) -> bool:
        """Whether refractory units hold a variable."""
        return "unless refractory" in self.equations[name].flags

    def _line(self, name: str) -> str:
        held, expr = " (unless refractory)" * self._held(name), "0"
        if name in self.equations.diff_eq_names:
            expr = self._without_noise(name, self.equations[name].expr.code)
            try:
                expr = self.rewrite(expr)
            except ValueError as error:
                shown = self.equations[name].expr
                raise ValueError(f"d{name}/dt = {shown}: {error}") from error
        if name == self.potential and not self.rewrite.has_current and not self.drawn:
            expr = f"{expr} + {self.rewrite.current}" if expr != "0" else self.rewrite.current
        unit = unit_of(self.b2, self.group.variables[name].dim)
        return f"d{self.renamed[name]}/dt = {expr} : {unit}{held}"

    def _without_noise(self, name: str, text: str) -> str:
        """The deterministic part; keeps the amplitude of the noise on the potential."""
        import sympy as sp

        noises = sorted(self.equations.stochastic_variables & self.rewrite.names(text))
        if not noises:
            return text
        where = f"d{name}/dt = {self.equations[name].expr}"
        if name != self.potential:
            raise ValueError(
                f"{where}: white noise ({', '.join(noises)}) is read on the potential "
                f"{self.potential} alone"
            )
        whole = self.expressions.parsed(self.rewrite.inlined(text))
        for each in noises:
            factor = sp.diff(whole, sp.Symbol(each, real=True))
            try:
                self.noise.append(self._all(self.expressions.numbers(factor)))
            except ValueError as error:
                raise ValueError(
                    f"{where}: the factor of {each} must be constant: {error}"
                ) from error
        return self.rewrite.with_zeros(text, noises)

    def _drawn(self) -> dict[str, Any]:
        """Mean and standard deviation of a current that is drawn in each step."""
        found: dict[str, Any] = {"bias": None, "current_noise_std": None}
        if len(self.drawn) > 1:
            raise ValueError(f"{sorted(self.drawn)} are drawn in each step, of which one is read")
        for name, each in self.drawn.items():
            each = Drawn(*(x / scale_of(self.group.variables[name].dim) for x in each))
            found["bias"] = exact(each.mean) if each.mean.any() else None
            found["current_noise_std"] = exact(each.std)
        return found

    def _variable(self, name: str) -> str:
        if name not in self.renamed:
            raise ValueError(f"the reset sets {name}, which is no variable")
        return self.renamed[name]

    def _all(self, values: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, float), (self.n,)).copy()

    def _state(self, name: str) -> np.ndarray:
        return self._all(self.group.state(name, use_units=False)[:])

    @property
    def _conditional(self) -> bool:
        """Whether units are refractory by a condition, instead of for a time."""
        given, kinds = self.group._refractory, (ast.Compare, ast.BoolOp, ast.Not)
        return isinstance(given, str) and any(
            isinstance(node, kinds) for node in ast.walk(ast.parse(given))
        )
