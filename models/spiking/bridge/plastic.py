"""Synapses of Brian2 with variables of their own (plasticity, terminals that tire)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurodyn.models.spiking.bridge.expressions import Expressions, exact
from neurodyn.models.spiking.bridge.rewrite import Rewrite
from neurodyn.models.spiking.bridge.scales import scale_of
from neurodyn.models.spiking.cells.expression import names_in
from neurodyn.models.spiking.cells.notation import Statement, statements
from neurodyn.models.spiking.plasticity.equation_rule import SENT, WEIGHT, EquationRule

_SIDES = ("pre", "post")


def is_plastic(synapses: Any) -> bool:
    """Whether synapses have variables that change."""
    own = set(synapses.equations.names)
    driven = synapses.event_driven
    return (driven is not None and bool(driven.diff_eq_names)) or any(
        each.name in own for pathway in synapses._pathways for each in statements(pathway.code)
    )


class PlasticReader:
    """Reads the rule of one Synapses object.

    Parameters
    ----------
    b2, synapses, target, namespace
        Brian2, the synapses, the group that receives, and values of names.
    order
        Their order as the synapses of a projection.
    """

    def __init__(self, b2: Any, synapses: Any, target: Any, namespace: Any, order: np.ndarray):
        self.synapses, self.target, self.order = synapses, target, order
        self.equations = synapses.equations
        event_driven = synapses.event_driven
        self.traces = [] if event_driven is None else list(event_driven.diff_eq_names)
        #: Statements on spikes of each side.
        self.code: dict[str, list[Statement]] = {}
        for each in synapses._pathways:
            if each.event != "spike" or each.prepost in self.code:
                raise ValueError(f"several pathways on_{each.prepost}, or of another event")
            self.code[each.prepost] = statements(each.code)
        if "pre" not in self.code:
            raise ValueError("it has no statements on_pre")
        written = {each.name for code in self.code.values() for each in code}
        changed = sorted(written & set(self.equations.parameter_names))
        self.weight = changed[0] if changed else self._constant_weight()
        self.variables = [*self.traces, *changed[1:]]
        names = {x: self._own(x) for x in self.variables}
        if self.weight is not None:
            names[self.weight] = WEIGHT
        self.names = names
        moving = {
            f"{x}{side}"
            for group in (target, synapses.source)
            for x in getattr(getattr(group, "equations", None), "diff_eq_names", ())
            for side in ("_pre", "_post", "")
        } - set(self.equations.names)
        moving |= {f"{x}_{side}" for x in ("t", "lastspike", "not_refractory") for side in _SIDES}
        self.expressions = Expressions(synapses, namespace, {*moving, *names, "lastupdate"})
        self.rewrite = Rewrite(b2, self.equations, self.expressions, names, set())

    def _constant_weight(self) -> str | None:
        """The only parameter in the statement that reaches the target, where there is one."""
        parameters = set(self.equations.parameter_names)
        seen = set()
        for name, _, text in self.code["pre"]:
            if name not in self.equations and name.removesuffix("_post") in self.target.variables:
                seen |= parameters & names_in(text)
        return seen.pop() if len(seen) == 1 else None

    def _own(self, name: str) -> str:
        return f"{name}_" if name in (WEIGHT, SENT) else name

    def read(self) -> tuple[str, EquationRule, np.ndarray]:
        """The variable that spikes reach, the rule, and the weights at the start.

        What is sent is in our units of that variable.
        """
        lines = [self._line(name) for name in self.traces]
        lines += [f"d{self.names[name]}/dt = 0" for name in self.variables[len(self.traces) :]]
        reached, on_pre = self._on_pre()
        on_post = self._on_post()
        n = len(self.order)
        weight = np.ones(n) if self.weight is None else self._value(self.weight)
        constants = {
            name: value if np.ndim(value) == 0 else np.asarray(value)[self.order]
            for name, value in self.rewrite.constants.items()
        }
        start = {self.names[x]: self._short(self._value(x)) for x in self.variables}
        rule = EquationRule(
            "\n".join(lines), on_pre=on_pre, on_post=on_post, constants=constants, start=start
        )
        return reached, rule, weight

    def _short(self, values: np.ndarray) -> Any:
        return float(values[0]) if values.size and (values == values[0]).all() else values

    def _value(self, name: str) -> np.ndarray:
        values = np.asarray(self.synapses.state(name, use_units=False)[:], float)
        values = np.broadcast_to(values, (len(self.order),))[self.order]
        return exact(values / scale_of(self.synapses.variables[name].dim))

    def _line(self, name: str) -> str:
        text = self.synapses.event_driven[name].expr.code
        try:
            return f"d{self.names[name]}/dt = {self.rewrite(text)}"
        except ValueError as error:
            raise ValueError(f"d{name}/dt = {text}: {error}") from error

    def _on_pre(self) -> tuple[str, str]:
        """The variable of the target that jumps, and the statements."""
        lines, reached, known = [], None, dict(self.names)
        for each in self.code["pre"]:
            variable = each.name.removesuffix("_post")
            if each.name in known or self._is_local(each):
                lines.append(self._renamed(each, known))
            elif variable in self.target.variables and each.operator in ("+", "-"):
                if reached is not None:
                    raise ValueError(f"'{each}' is the second variable that a spike changes")
                reached = variable
                sign = "-" if each.operator == "-" else ""
                lines.append(f"{SENT} = {sign}({self._in(each, known)})")
            else:
                raise ValueError(f"'{each}' is not supported")
        if reached is None:
            raise ValueError("a spike changes no variable of its target")
        return reached, "\n".join(lines)

    def _on_post(self) -> str:
        if "post" not in self.code:
            return ""
        if np.any(np.asarray(self.synapses.post.variables["delay"].get_value()) != 0):
            raise ValueError("on_post has a delay")
        lines, known = [], dict(self.names)
        for each in self.code["post"]:
            if each.name not in known and not self._is_local(each):
                raise ValueError(f"'{each}' on_post is not supported")
            lines.append(self._renamed(each, known))
        return "\n".join(lines)

    def _is_local(self, each: Statement) -> bool:
        """Whether a statement sets a name of its own, for the statements below it."""
        known = each.name in self.synapses.variables or each.name in self.target.variables
        return each.operator == "" and not known

    def _renamed(self, each: Statement, known: dict[str, str]) -> str:
        """A statement in our names, to which it adds the one that it sets."""
        known.setdefault(each.name, self._own(each.name))
        return str(Statement(known[each.name], each.operator, self._in(each, known)))

    def _in(self, each: Statement, known: Mapping[str, str]) -> str:
        """The expression of a statement in our names."""
        try:
            return self.rewrite(each.text, known)
        except ValueError as error:
            raise ValueError(f"'{each}': {error}") from error


def scaled(rule: EquationRule, factor: np.ndarray) -> EquationRule:
    """The rule, what is sent being multiplied by a factor of each synapse."""
    if (factor == 1).all():
        return rule
    lines = [
        f"{SENT} = gain_*({line.partition('=')[2]})" if line.startswith(f"{SENT} =") else line
        for line in rule.on_pre.splitlines()
    ]
    same = (factor == factor[0]).all()
    constants: Mapping[str, Any] = {name: x.raw for name, x in rule.constants.items()}
    return EquationRule(
        rule.equations,
        on_pre="\n".join(lines),
        on_post=rule.on_post,
        constants={**constants, "gain_": float(factor[0]) if same else factor},
        start={name: x.raw for name, x in rule.initial.items()},
    )
