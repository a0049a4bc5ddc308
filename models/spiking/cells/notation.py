"""Equations and statements written as text, in Brian2's notation."""

import functools
import re
from typing import NamedTuple

from neurodyn.models.spiking.cells import expression

_LINE = re.compile(
    r"\s*(?:d(?P<of>\w+)/dt|(?P<name>\w+))\s*=\s*(?P<text>[^:]+?)\s*"
    r"(?::\s*(?P<units>[^()]*?)\s*(?P<held>\(unless refractory\))?)?\s*"
)
_STATEMENT = re.compile(r"(\w+)\s*(\*\*|//|<<|>>|[-+*/%&|^]?)=\s*([^=].*)")


class Rate(NamedTuple):
    """The rate of change of a variable."""

    text: str
    units: str
    held: bool


class Parsed(NamedTuple):
    """Equations: rates by variable, and abbreviations by name, in their order."""

    rates: dict[str, Rate]
    short: dict[str, str]


class Statement(NamedTuple):
    """A statement: ``x = text``, or ``x += text`` with the operator ``+``."""

    name: str
    operator: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} {self.operator}= {self.text}"


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


def statements(text: str) -> list[Statement]:
    """The statements of a text, one a line or with ``;``; raises ValueError for what is none."""
    found = []
    lines = (each.split("#")[0].strip() for each in re.split(r"[\n;]", text))
    for line in filter(None, lines):
        match = _STATEMENT.fullmatch(line)
        if match is None:
            raise ValueError(f"'{line}' is no statement: write 'x = expression' or 'x += ...'.")
        found.append(Statement(*match.groups()))
    return found


@functools.lru_cache(maxsize=512)
def parsed_statements(text: str) -> tuple[tuple[str, str], ...]:
    """Name and new value of each statement."""
    found = []
    for name, operator, value in statements(text):
        value = f"{name} {operator} ({value})" if operator else value
        expression.parsed(value)
        found.append((name, value))
    return tuple(found)
