"""Description of the settings of an experiment: defaults, units and meanings from its class."""

import inspect
import re
import textwrap
from typing import NamedTuple

from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.running.values import described, spelled

_UNIT = re.compile(r"\s*\[([^\]]+)\]")


class Setting(NamedTuple):
    """One setting, as text.

    Attributes
    ----------
    name
        Name.
    values
        Value in each preset, as typed on a command line.
    unit
        Unit; empty for a setting without unit.
    takes
        Values that the setting takes.
    meaning
        Meaning.
    """

    name: str
    values: dict[str, str]
    unit: str
    takes: str
    meaning: str


def settings_of(experiment: Experiment) -> list[Setting]:
    """All settings of an experiment, in the order of its class."""
    meanings: dict[str, str] = {}
    for cls in reversed(experiment.settings_class().__mro__):
        for names, text in _attributes(cls.__dict__.get("__doc__") or "").items():
            meanings |= dict.fromkeys(names, text)
    found = []
    for name, hint in experiment.hints().items():
        text = meanings.get(name, "")
        units = _UNIT.findall(text)
        values = {key: spelled(getattr(preset, name)) for key, preset in experiment.presets.items()}
        meaning = _UNIT.sub("", text) if len(units) == 1 else text
        found.append(
            Setting(name, values, units[0] if len(units) == 1 else "", described(hint), meaning)
        )
    return found


def _attributes(doc: str) -> dict[tuple[str, ...], str]:
    """Names and descriptions in the section "Attributes" of a docstring."""
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
