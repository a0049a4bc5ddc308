"""Parts of tasks: what channels show during which epochs, and how outputs are scored.

:class:`neurodyn.tasks.EpochTask` puts them together. A class of its own, with arguments of its own,
derives from :class:`AbstractEpochTask` and composes the same parts from its fields.
"""

from neurodyn.tasks.parts.assembly import Code, Parts, Uniform, code, uniform
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.conditions import crossed, directions, repeat
from neurodyn.tasks.parts.crossings import interval
from neurodyn.tasks.parts.outputs import Classes, choices, classes
from neurodyn.tasks.parts.scores import AbstractScore, choice, direction, hits, within
from neurodyn.tasks.parts.terms import AbstractTerm, during, ramp, signal
from neurodyn.tasks.parts.values import (
    AbstractRow,
    TrialConditions,
    bumps,
    on_circle,
    one_hot,
    ring,
)

__all__ = [
    # Tasks
    "AbstractEpochTask",
    "Parts",
    # What channels show
    "AbstractRow",
    "AbstractTerm",
    "bumps",
    "during",
    "on_circle",
    "one_hot",
    "ramp",
    "ring",
    "signal",
    # Conditions and epochs
    "Code",
    "TrialConditions",
    "Uniform",
    "code",
    "crossed",
    "directions",
    "repeat",
    "uniform",
    # Classes instead of numbers
    "Classes",
    "choices",
    "classes",
    # Scores
    "AbstractScore",
    "choice",
    "direction",
    "hits",
    "interval",
    "within",
]
