"""Conditions that can be given to any task, and their bounds."""

from typing import Any

from neurodyn.task import AbstractTask


def limits_of(task: AbstractTask) -> dict[str, tuple[float, float]]:
    """Bounds of the numbers that can be given to a task, where it has any."""
    limits: dict[str, Any] = task.limits() if hasattr(task, "limits") else {}
    return getattr(task, "_drawn", {}) | limits


def table_of(task: AbstractTask) -> dict[str, Any]:
    """Values of the conditions that can be given: the design, and that of tasks inside."""
    inside = task.given() if hasattr(task, "given") else {}
    return task.condition_table() | inside
