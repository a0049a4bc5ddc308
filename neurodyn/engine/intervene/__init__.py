"""Interventions: manipulations of a running system, as in an experiment.

An intervention acts at three places of each step: on the system (weights), on the drive (injected
current) and on the state (clamps). Subclass :class:`AbstractIntervention` for your own; its
:meth:`~AbstractIntervention.replaced` changes parameters.

**Units** are given by number, counted from 0 (``[0, 5]``), by name (``["PFC"]``, a value of one of
the coordinates of the model's units), or by a mask with one entry for each unit. Whole numbers name
units; a mask is boolean, or 0 and 1 as decimals. A list of whole numbers that are all 0 or 1 and
name a unit twice is read as a mask, since it can be nothing else. :func:`select_units` makes a mask
from numbers and from coordinates of units. Systems without units, such as Lorenz's, have the
entries of their state as units.

An intervention that would change nothing is refused before the run: a current into a system that
does not read it, a lesion of a system whose units cannot be cut, a change of an array that no step
reads.
"""

from neurodyn.engine.intervene.base import (
    AbstractIntervention,
    AbstractWindowed,
    Target,
    window_edges,
)
from neurodyn.engine.intervene.clamp import Clamp
from neurodyn.engine.intervene.current import Current
from neurodyn.engine.intervene.cut import Lesion, Silence, SupportsCut
from neurodyn.engine.intervene.weights import WeightChange
from neurodyn.engine.units import as_mask, select_units

__all__ = [
    "AbstractIntervention",
    "AbstractWindowed",
    "Clamp",
    "Current",
    "Lesion",
    "Silence",
    "SupportsCut",
    "Target",
    "WeightChange",
    "as_mask",
    "select_units",
    "window_edges",
]
