"""What a label of trials is to a run: a condition of its task's design, or an outcome of the run.

A coordinate says so by its attribute `role`, and names the conditions of the design by
`conditions`, so that a condition that a user names anew (words for codes) is still known by its
siblings. Attributes survive selection, concatenation and files. Labels of recordings have no role.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import xarray as xr

from neurodyn.labels.convention import LabelError

__all__ = ["OUTCOMES", "chosen", "conditions", "marked", "outcomes", "without_role"]

#: Names of outcomes, for labels that say nothing themselves.
OUTCOMES = {"choice", "correct", "fixation", "mse", "outcome", "response", "reward", "rt"}
_ATTRS = ("role", "conditions")


def conditions(obj: Any) -> list[str]:
    """Labels on `trial` that are conditions of the task's design; none where nothing says so."""
    known = [c.attrs["conditions"] for c in _of_trials(obj).values() if c.attrs.get("conditions")]
    names = dict.fromkeys(name for text in known for name in str(text).split())
    return [name for name in names if name in _of_trials(obj)]


def outcomes(obj: Any) -> set[str]:
    """Labels on `trial` that say what a run came to; none where nothing says so."""
    found = _of_trials(obj)
    if not any("role" in c.attrs for c in found.values()):
        return set()
    # A label that was assigned anew has lost its attributes.
    return {
        name
        for name, c in found.items()
        if c.attrs.get("role", "outcome" if name in OUTCOMES else "") == "outcome"
    }


def chosen(obj: Any, by: str | Sequence[str] | None, *, what: str = "data") -> list[str]:
    """The labels of trials that make a condition: `by`, else the conditions of the task's design.

    Raises
    ------
    LabelError
        If nothing says what they are.
    """
    if by is not None:
        return [by] if isinstance(by, str) else list(by)
    if known := conditions(obj):
        return known
    labels = [n for n in _of_trials(obj) if n not in outcomes(obj)]
    advice = (
        f"say which of their labels make a condition, by=[...], out of {labels}"
        if labels
        else "give them labels that make a condition, .assign_coords(NAME=('trial', values))"
    )
    raise LabelError(
        f"{what} holds single trials: {advice}; or make one condition of all trials, by=[]."
    )


def marked(
    columns: dict[str, tuple], *, design: Iterable[str], outcome: Iterable[str] = ()
) -> dict[str, xr.Variable]:
    """Columns ``(dim, values, units)`` of trials as variables that say their role."""
    design = [name for name in design if name in columns]
    made = {}
    for name, (dim, values, units) in columns.items():
        role = "outcome" if name in outcome else "condition" if name in design else None
        attrs = {"units": units}
        if role:
            attrs |= {"role": role} | ({"conditions": " ".join(design)} if design else {})
        made[name] = xr.Variable(dim, values, attrs)
    return made


def without_role(attrs: dict[Any, Any]) -> dict[Any, Any]:
    """Attributes of a label that is none of a run's trials any more."""
    return {name: value for name, value in attrs.items() if name not in _ATTRS}


def _of_trials(obj: Any) -> dict[str, Any]:
    return {str(n): c for n, c in obj.coords.items() if c.dims == ("trial",) and n != "trial"}
