"""All interventions of a run, prepared for the system that runs."""

from collections.abc import Sequence
from typing import Any

from neurodyn.engine.intervene.base import AbstractIntervention, Target
from neurodyn.engine.intervene.weights import WeightChange
from neurodyn.system import AbstractSystem, State

__all__ = ["bound"]


def bound(
    interventions: Sequence[AbstractIntervention],
    system: AbstractSystem,
    state: State | None,
    trial: Any,
    dt: Any,
) -> tuple[AbstractIntervention, ...]:
    """The interventions with their units as masks over those of this system.

    Changed systems come first, so that a unit that is cut is cut in the changed system too,
    whatever the order of the list.

    Parameters
    ----------
    interventions
        As given to :func:`neurodyn.integrate`.
    system
        The system that runs.
    state, trial
        Those of the batch that runs, or None.
    dt
        Step [ms].

    Raises
    ------
    ValueError
        If the system has no such unit, a mask is for another number of units, or a changed system
        has another structure, arrays of another shape, or differs in a field that is no array.
    TypeError
        If the system cannot take the intervention.
    """
    target = Target(system, state, trial, dt)
    in_order = sorted(interventions, key=lambda each: not isinstance(each, WeightChange))
    return tuple(each.bound(target) for each in in_order)
