"""Synapses of Brian2 with variables of their own (plasticity, terminals that tire)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurodyn.models.spiking.bridge.expressions import Expressions, exact
from neurodyn.models.spiking.bridge.rewrite import Rewrite
from neurodyn.models.spiking.bridge.scales import scale_of
from neurodyn.models.spiking.plasticity.equation_rule import SENT, WEIGHT, EquationRule

Statement = tuple[str, str, str]
_SIDES = ("pre", "post")


def is_plastic(synapses: Any) -> bool:
    """Whether synapses have variables that change."""
    own = set(synapses.equations.names)
    driven = synapses.event_driven
    return (driven is not None and bool(driven.diff_eq_names)) or any(
        name in own for pathway in synapses._pathways for name, _, _ in _statements(pathway)
    )


def _statements(pathway: Any) -> list[Statement]:
    """Name, operator and expression of each statement of a pathway."""
    found = []
    for line in re.split(r"[\n;]", pathway.code):
        line = line.split("#")[0].strip()
        match = re.fullmatch(r"(\w+)\s*([-+*/]?)=\s*([^=].*)", line)
        if line and match is None:
            raise ValueError(f"'{line}' is not supported")
        if match is not None:
            found.append((match[1], match[2], match[3]))
    return found


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
        pathways: dict[str, Any] = {}
        for each in synapses._pathways:
            if each.event != "spike" or each.prepost in pathways:
                raise ValueError(f"several pathways on_{each.prepost}, or of another event")
            pathways[each.prepost] = each
        self.pathways = pathways
        written = {x for p in pathways.values() for x, _, _ in _statements(p)}
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
        for name, _, text in _statements(self.pathways["pre"]):
            if name not in self.equations and name.removesuffix("_post") in self.target.variables:
                seen |= parameters & set(re.findall(r"[A-Za-z_]\w*", text))
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
        lines, reached, local = [], None, set()
        for name, operator, text in _statements(self.pathways["pre"]):
            variable = name.removesuffix("_post")
            whole = f"{name} {operator}= {text}"
            if name in self.names or (name in local) or self._is_local(name, operator):
                local |= set() if name in self.names else {name}
                lines.append(f"{self._named(name)} {operator}= {self._in(text, local, whole)}")
            elif variable in self.target.variables and operator in ("+", "-"):
                if reached is not None:
                    raise ValueError(f"'{whole}' is the second variable that a spike changes")
                reached = variable
                sign = "-" if operator == "-" else ""
                lines.append(f"{SENT} = {sign}({self._in(text, local, whole)})")
            else:
                raise ValueError(f"'{whole}' is not supported")
        if reached is None:
            raise ValueError("a spike changes no variable of its target")
        return reached, "\n".join(lines)

    def _on_post(self) -> str:
        if "post" not in self.pathways:
            return ""
        if np.any(np.asarray(self.pathways["post"].variables["delay"].get_value()) != 0):
            raise ValueError("on_post has a delay")
        lines, local = [], set()
        for name, operator, text in _statements(self.pathways["post"]):
            whole = f"{name} {operator}= {text}"
            if name not in self.names and name not in local and not self._is_local(name, operator):
                raise ValueError(f"'{whole}' on_post is not supported")
            local |= set() if name in self.names else {name}
            lines.append(f"{self._named(name)} {operator}= {self._in(text, local, whole)}")
        return "\n".join(lines)

    def _named(self, name: str) -> str:
        return self.names.get(name, f"{name}_" if name in (WEIGHT, SENT) else name)

    def _is_local(self, name: str, operator: str) -> bool:
        known = self.synapses.variables
        return operator == "" and name not in known and name not in self.target.variables

    def _in(self, text: str, local: set[str], whole: str) -> str:
        """An expression in our names."""
        own = self.rewrite.renamed
        self.rewrite.renamed = {**own, **{x: self._named(x) for x in local}}
        try:
            return self.rewrite(text)
        except ValueError as error:
            raise ValueError(f"'{whole}': {error}") from error
        finally:
            self.rewrite.renamed = own


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
