"""Roles of the labels of trials: conditions of the design of a task, and outcomes of a run.

A coordinate has its role in the attribute `role`. The attribute `conditions` lists all conditions
of the design, so that a condition whose values a user replaces, which loses its attributes, is
still known from the other ones. Attributes survive selection, concatenation and files. Labels of
recordings have no role.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import xarray as xr

from neurodyn.labels.convention import LabelError

#: Names of outcomes, for labels without a role.
OUTCOMES = {"choice", "correct", "fixation", "mse", "outcome", "response", "reward", "rt"}
_ATTRS = ("role", "conditions")


def conditions(obj: Any) -> list[str]:
    """Labels on `trial` that are conditions of the task's design; none if no label has a role."""
    known = [c.attrs["conditions"] for c in _of_trials(obj).values() if c.attrs.get("conditions")]
    names = dict.fromkeys(name for text in known for name in str(text).split())
    return [name for name in names if name in _of_trials(obj)]


def outcomes(obj: Any) -> set[str]:
    """Labels on `trial` that are outcomes of a run; none if no label has a role."""
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
        If `by` is None and the data do not name the conditions of a design.
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
    """Make variables with a role of columns ``(dim, values, units)`` of trials."""
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
    """Attributes of a label without those of its role, for labels that are not of trials."""
    return {name: value for name, value in attrs.items() if name not in _ATTRS}


def _of_trials(obj: Any) -> dict[str, Any]:
    return {str(n): c for n, c in obj.coords.items() if c.dims == ("trial",) and n != "trial"}
