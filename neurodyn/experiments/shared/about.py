"""What the settings of an experiment are: their defaults, units and meanings, out of its class."""

import dataclasses
import inspect
import re
import textwrap
from typing import Any, NamedTuple, get_type_hints

from neurodyn.experiments.shared.experiment import Experiment
from neurodyn.experiments.shared.values import described, spelled

__all__ = ["Setting", "settings_of"]

_UNIT = re.compile(r"\s*\[([^\]]+)\]")


class Setting(NamedTuple):
    """One setting, as text.

    Attributes
    ----------
    name
        Its name.
    values
        Its value in each preset, as it is typed.
    unit
        Its unit; empty where it has none.
    takes
        Which values it takes.
    meaning
        What it is.
    """

    name: str
    values: dict[str, str]
    unit: str
    takes: str
    meaning: str


def settings_of(experiment: Experiment) -> list[Setting]:
    """All settings of an experiment, in the order of its class."""
    kind: Any = type(next(iter(experiment.presets.values())))
    hints = get_type_hints(kind, include_extras=True)
    meanings: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        for names, text in _attributes(cls.__dict__.get("__doc__") or "").items():
            meanings |= dict.fromkeys(names, text)
    found = []
    for field in dataclasses.fields(kind):
        text = meanings.get(field.name, "")
        units = _UNIT.findall(text)
        values = {
            name: spelled(getattr(preset, field.name))
            for name, preset in experiment.presets.items()
        }
        meaning = _UNIT.sub("", text) if len(units) == 1 else text
        unit = units[0] if len(units) == 1 else ""
        found.append(Setting(field.name, values, unit, described(hints[field.name]), meaning))
    return found


def _attributes(doc: str) -> dict[tuple[str, ...], str]:
    """Names and descriptions of the section "Attributes" of a docstring."""
    _, _, section = inspect.cleandoc(doc).partition("Attributes\n----------\n")
    found, names = {}, ()
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names = tuple(name.strip() for name in line.split(","))
            found[names] = ""
        elif names:
            found[names] += line + "\n"
    return {
        names: " ".join(textwrap.dedent(text).replace("``", "").split())
        for names, text in found.items()
    }
