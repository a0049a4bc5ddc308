"""Names, labels and summaries of mixtures."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.base import kind_of
from neurodyn.tasks.mixtures.given import limits_of
from neurodyn.tasks.mixtures.layout import NO_CODE, Layout
from neurodyn.tasks.mixtures.merging import narrowed


def check_tasks(tasks: Any) -> None:
    """Refuse what is no mapping of names to at least two tasks."""
    if not isinstance(tasks, Mapping) or len(tasks) < 2:
        raise ValueError(
            "A mixture takes two tasks or more by name, Mixture({'decide': task, 'match': other}), "
            f"got {tasks!r}."
        )
    for name, task in tasks.items():
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"Names of tasks are words without spaces, got {name!r}.")
        if not isinstance(task, AbstractTask):
            raise ValueError(f"`{name}` must be a task (neurodyn.tasks), got {kind_of(task)}.")


def check_channels(inputs: Sequence[str], names: Sequence[str]) -> None:
    """Refuse inputs of a task that are called like those that say which task it is."""
    taken = [name for name in names if f"task_{name}" in inputs]
    if taken:
        raise ValueError(
            f"A task has an input 'task_{taken[0]}', as the mixture would have for the task "
            f"{taken[0]!r}: give that task another name, or pass inputs='private'."
        )


def clock(tasks: Sequence[AbstractTask]) -> tuple[float, str]:
    """Start of trials and event at time 0, where all tasks agree; else they start at 0."""
    found = {(float(task.t0), task.align_event) for task in tasks}
    return found.pop() if len(found) == 1 else (0.0, "trial start")


def evidence(tasks: Sequence[AbstractTask], names: Sequence[str], found: Layout) -> Any:
    """For each task that has one, the signed condition that choices follow."""
    pairs = zip(names, tasks, found.parts, strict=True)
    named = {
        n: part.conditions.get(e, e)
        for n, t, part in pairs
        if isinstance(e := t.evidence, str) and e
    }
    return {"task": named} if named else ""


def limits(tasks: Sequence[AbstractTask], found: Layout) -> dict[str, tuple[float, float]]:
    """The widest bounds of the numbers that can be given."""
    widest: dict[str, tuple[float, float]] = {}
    for task, part in zip(tasks, found.parts, strict=True):
        for name, (low, high) in limits_of(task).items():
            new = part.conditions.get(name, name)
            least, most = widest.get(new, (low, high))
            widest[new] = (min(low, least), max(high, most))
    return widest


def labels(
    tasks: Sequence[AbstractTask], names: Sequence[str], found: Layout, *, absent: bool
) -> dict[str, dict[int, str]]:
    """Names of codes; where a code means something else in another task, both and their tasks."""
    meanings: dict[str, dict[int, dict[str, str]]] = {}
    having: dict[str, int] = {}
    for name, task, part in zip(names, tasks, found.parts, strict=True):
        known = part.scores | part.conditions
        for own, codes in task.labels().items():
            new = known.get(own, own)
            having[new] = having.get(new, 0) + 1
            for code, word in codes.items():
                meanings.setdefault(new, {}).setdefault(code, {})[name] = word
    named = {
        new: {code: _word(words) for code, words in sorted(codes.items())}
        for new, codes in meanings.items()
    }
    if absent:
        for new, codes in named.items():
            if having[new] < len(tasks):
                codes.setdefault(NO_CODE, "none")
    return {"task": dict(enumerate(names)), **named}


def _word(words: Mapping[str, str]) -> str:
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return ", ".join(f"{word} ({task})" for task, word in words.items())


def units(tasks: Sequence[AbstractTask], found: Layout) -> dict[str, str]:
    """Units of conditions and scores."""
    named = {}
    for task, part in zip(tasks, found.parts, strict=True):
        known = part.scores | part.conditions
        named |= {known.get(name, name): unit for name, unit in task.units().items()}
    return named


def coordinates(
    tasks: Sequence[AbstractTask], found: Layout, trials: Trial
) -> dict[str, tuple[np.ndarray, str]]:
    """Labels of trials that the tasks know better than their conditions."""
    which, named = np.asarray(trials.conditions["task"]), {}
    # Rows are picked by NumPy, because JAX would compile anew for every number of them.
    for k, (task, part) in enumerate(zip(tasks, found.parts, strict=True)):
        mine = np.flatnonzero(which == k)
        if not len(mine):
            continue
        own = _only(narrowed(found, k, trials, None), mine)
        for name, (values, unit) in task.coordinates(own).items():
            new, values = part.conditions.get(name, name), np.asarray(values)
            known = new in trials.conditions
            start = np.asarray(trials.conditions[new]) if known else _nothing(values, len(which))
            column = named.get(new, (start.astype(values.dtype), unit))[0]
            column = column.astype(np.result_type(column, values))
            column[mine] = values
            named[new] = (column, unit)
    return named


def _only(trials: Trial, which: np.ndarray) -> Trial:
    return jax.tree.map(lambda a: np.asarray(a)[which] if np.ndim(a) else a, trials)


def _nothing(values: np.ndarray, n: int) -> np.ndarray:
    """Labels of trials without one: 0, -1 for whole numbers, or no text."""
    if values.dtype.kind in "iu":
        return np.full(n, NO_CODE, values.dtype)
    return np.zeros(n, values.dtype)


def summary(task: Any, scores: Mapping[str, Array], trials: Trial) -> dict[str, Float[Array, ""]]:
    """Means over trials, over those of each task, and of the worst task."""
    found, which = task._layout, trials.conditions["task"]
    each: dict[str, Array] = {}
    more: dict[str, Array] = {}
    worst, kept = [], set()
    for k, (name, part) in enumerate(zip(task.names, found.parts, strict=True)):
        mine = which == k
        own = {old: _blank(scores[new], mine) for old, new in part.scores.items()}
        numbers = task.tasks[k].summary(own, narrowed(found, k, trials, mine))
        each[f"correct_{name}"] = jnp.nanmean(own["correct"])
        worst.append(numbers.get("correct_min", each[f"correct_{name}"]))
        kept |= {new for old, new in part.scores.items() if old in numbers}
        more |= {x: v for x, v in numbers.items() if x not in part.scores and x != "correct_min"}
    means = AbstractTask.summary(task, {name: scores[name] for name in kept}, trials)
    return more | means | each | {"correct_min": jnp.nanmin(jnp.stack(worst))}


def _blank(values: Array, mine: Array) -> Array:
    """Scores of the trials of one task; those of others are NaN, or stay if they are codes."""
    if jnp.issubdtype(values.dtype, jnp.integer):
        return values
    return jnp.where(mine.reshape(-1, *(1,) * (values.ndim - 1)), values, jnp.nan)
