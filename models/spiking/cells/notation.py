"""Equations and statements written as text, in Brian2's notation."""

import functools
import re
from typing import NamedTuple

from neurodyn.models.spiking.cells import expression

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
