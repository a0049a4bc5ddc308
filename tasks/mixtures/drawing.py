"""Drawing the trials of a mixture."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from neurodyn.task import Trial
from neurodyn.tasks.mixtures.layout import Layout
from neurodyn.tasks.mixtures.merging import evenly, widened
from neurodyn.tasks.mixtures.weights import drawn


def draw_one(task: Any, key: PRNGKeyArray, given: Mapping[str, Any]) -> Trial:
    """One trial of a mixture; its task and other conditions may be given."""
    k_task, k_trial = jax.random.split(key)
    if "task" in given:
        which = jnp.asarray(given["task"]).astype(jnp.int32)
    else:
        which = drawn(task.weights, jax.random.uniform(k_task, (), task.weights.dtype))
    found = task._layout
    branches = [
        lambda key, given, k=k: widened(
            found, k, task.tasks[k].sample(key, **_own(found, k, given))
        )
        for k in range(len(task.names))
    ]
    return jax.lax.switch(which, branches, k_trial, dict(given))


@eqx.filter_jit
def draw(task: Any, key: PRNGKeyArray, n: int, columns: Mapping[str, Array], alone: bool) -> Trial:
    """Draw a batch, compiled.

    Parameters
    ----------
    task
        The mixture.
    key, n
        Key and number of trials.
    columns
        Conditions that are given, one value for all trials or for each.
    alone
        Whether all trials are of one task.
    """
    found = task._layout
    if not alone:
        shared = {name: v for name, v in columns.items() if not v.ndim}
        own = {name: v for name, v in columns.items() if v.ndim}

        def one(i, given):
            return draw_one(task, jax.random.fold_in(key, i), given | shared)

        return jax.vmap(one)(jnp.arange(n, dtype=jnp.uint32), own)

    k_task, k_trials = jax.random.split(key)
    which = columns.get("task")
    if which is None:
        which = drawn(task.weights, jax.random.uniform(k_task, (), task.weights.dtype))

    def branch(k):
        def draw(key, given):
            trials = task.tasks[k].batch(key, n, **_own(found, k, given))
            return widened(found, k, trials, one_task=True)

        return draw

    branches = [branch(k) for k in range(len(task.names))]
    return jax.lax.switch(which, branches, k_trials, dict(columns))


@eqx.filter_jit
def in_equal_parts(task: Any, each: Sequence[Trial]) -> Trial:
    """As many trials of each task of a mixture as the smallest of these sets has."""
    m = min(trials.inputs.shape[0] for trials in each)
    wide = []
    for k, trials in enumerate(each):
        pick = evenly(trials.inputs.shape[0], m)
        picked = jax.tree.map(lambda a, pick=pick: a[pick] if a.ndim else a, trials)
        wide.append(widened(task._layout, k, picked))
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *wide)


def _own(found: Layout, k: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions in ``given`` that task ``k`` takes, by its own names."""
    part = found.parts[k]
    names = {name: part.conditions.get(name, name) for name in part.given}
    return {name: given[new] for name, new in names.items() if new in given}
