"""White noise, and normal numbers that a `run_regularly` operation draws in each step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from neurodyn.models.spiking.bridge.expressions import Expressions, exact

_MS = 1e-3


class Drawn(NamedTuple):
    """A parameter that is drawn anew before each step, in SI units, one value for each unit."""

    mean: np.ndarray
    std: np.ndarray


def drawn_parameters(b2: Any, group: Any, expressions: Expressions) -> dict[str, Drawn]:
    """Parameters that ``x = mean + std*randn()`` sets before each step.

    Raises
    ------
    ValueError
        For any other operation, by its name and code.
    """
    found: dict[str, Drawn] = {}
    for units, runner in _runners(b2, group):
        code = runner.abstract_code.strip()
        match = re.fullmatch(r"(\w+)\s*=\s*([^=\n;]*\brandn\(\)[^=\n;]*)", code)
        each_step = abs(float(runner.clock.dt) - float(group.clock.dt)) < 1e-12
        before = runner.when in ("start", "before_start", "after_start", "before_groups")
        if match is None or match[1] not in group.variables or not each_step or not before:
            raise ValueError(
                f"the run_regularly operation {runner.name} ('{code}', every {runner.clock.dt}, in "
                f"slot '{runner.when}') is not read; 'x = mean + std*randn()' before each step is"
            )
        terms = expressions.terms(match[2].replace("randn()", "_normal"), ["_normal"])
        if set(terms) - {"_normal", "1"}:
            raise ValueError(f"{runner.name}: '{code}' is not 'x = mean + std*randn()'")
        mean, std = found.setdefault(match[1], Drawn(*np.zeros((2, len(group)))))
        for values, term in ((mean, "1"), (std, "_normal")):
            term_values = np.broadcast_to(terms.get(term, 0.0), (len(group),))
            values[units] = term_values[units]
    return found


def drawn_current(
    drawn: Mapping[str, Drawn],
    dv: dict[str, np.ndarray],
    capacity: np.ndarray,
    bias: np.ndarray | None,
    size: float,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Bias, and standard deviation of the current that is drawn in each step.

    Takes the terms of the drawn parameters out of dv/dt, which is in SI units of the given size.
    """
    squares = []
    for name, each in drawn.items():
        factor = dv.pop(name, 0.0) * capacity * _MS / size
        squares.append((each.std * factor) ** 2)
        if each.mean.any():
            bias = exact((0.0 if bias is None else bias) + each.mean * factor)
    return bias, exact(np.sqrt(sum(squares))) if squares else None


def amplitude(factors: Sequence[np.ndarray], size: float) -> np.ndarray | None:
    """Amplitude of white noise [mV per square root of ms]; independent sources add up.

    The factors of the sources are in SI units, of which our unit has the given size.
    """
    return exact(np.sqrt(sum(x**2 for x in factors) * _MS) / size) if factors else None


def _runners(b2: Any, group: Any) -> Iterator[tuple[slice, Any]]:
    """Operations on the group and its parts, and the units that they act on."""
    from brian2.groups.group import CodeRunner

    for each in group.contained_objects:
        if type(each) is CodeRunner:
            yield slice(None), each
        if isinstance(each, b2.Subgroup):
            for runner in each.contained_objects:
                if type(runner) is CodeRunner:
                    yield slice(each.start, each.stop), runner
