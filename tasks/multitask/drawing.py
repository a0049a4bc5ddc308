"""Drawing trials: how often each rule comes, and what a batch shares or each trial draws."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.task import Trial
from neurodyn.tasks.base import input_noise
from neurodyn.tasks.mixtures.weights import drawn
from neurodyn.tasks.mixtures.weights import frequencies as relative
from neurodyn.tasks.multitask import trial
from neurodyn.tasks.multitask.rules import EPOCHS, RuleTable
from neurodyn.tasks.multitask.stimuli import N_DRAWN, draw_stimuli

#: Parts of a trial that a batch can share, and how many numbers are drawn for each.
SHARED = {"rule": 1, "durations": len(EPOCHS), "modality": 2}
_N_SHARED = sum(SHARED.values())
#: The two context rules without delay are hard; the published training shows them more often.
_OFTEN = ("contextdm1", "contextdm2")


def frequencies(weights: Any, table: RuleTable, rules: tuple[str, ...]) -> Float[Array, " rule"]:
    """Relative frequencies of the rules in use; None: as published.

    Raises
    ------
    ValueError
        If they are not one for each rule, or none is above 0.
    """
    if weights is None:
        often = _OFTEN if table.variant == "yang" else ()
        weights = [5.0 if name in often else 1.0 for name in rules]
    return relative(weights, len(rules), "rule in use")


@eqx.filter_jit
def draw(
    task: Any,
    key: PRNGKeyArray,
    n: int,
    columns: Mapping[str, Array],
    shared: tuple[str, ...],
    same_length: bool,
) -> Trial:
    """Draw a batch, compiled.

    Parameters
    ----------
    task
        The task.
    key, n
        Key and number of trials.
    columns
        Conditions that are given, one value for each trial.
    shared
        What the trials share, of `SHARED`.
    same_length
        Whether all trials are known to last equally long.
    """
    k_batch, k_trials = jax.random.split(key)
    common = _uniform(k_batch, _N_SHARED, task)
    in_common = np.concatenate([np.full(size, name in shared) for name, size in SHARED.items()])

    def one(i, given):
        k_own, k_trial = jax.random.split(jax.random.fold_in(k_trials, i))
        own = _uniform(k_own, _N_SHARED, task)
        return draw_trial(task, k_trial, jnp.where(in_common, common, own), given)

    trials = jax.vmap(one)(jnp.arange(n, dtype=jnp.uint32), dict(columns))
    if same_length:
        return replace(trials, length=trials.n_valid[0], n_valid=None)
    return trials


def draw_alone(task: Any, key: PRNGKeyArray, given: Mapping[str, Any]) -> Trial:
    """One trial that shares nothing."""
    k_own, k_trial = jax.random.split(key)
    return draw_trial(task, k_trial, _uniform(k_own, _N_SHARED, task), given)


def draw_trial(
    task: Any, key: PRNGKeyArray, shared: Float[Array, " drawn"], given: Mapping[str, Any]
) -> Trial:
    """One trial; ``shared`` are uniform numbers for what a batch may share."""
    k_own, k_noise = jax.random.split(key)
    own, table = _uniform(k_own, N_DRAWN, task), task.table
    rule = given["rule"] if "rule" in given else _rule(task, shared[0])
    rule = jnp.asarray(rule).astype(jnp.int32)
    rings = jnp.stack(
        [
            (given[name] == 2 if name in given else u >= 0.5)
            for name, u in (("modality1", shared[-2]), ("modality2", shared[-1]))
        ]
    ).astype(jnp.int32)
    steps = trial.durations(table, rule, shared[1:-2], given)
    edges = trial.edges_of(steps)
    stimuli = draw_stimuli(table, rule, rings, own, given)
    sizes = task.n_steps, task.n_ring
    inputs = trial.inputs_of(table, rule, edges, stimuli, task.rule_code[rule], *sizes)
    weights = task.response_weight, task.fixation_weight
    targets, mask = trial.targets_of(table, edges, stimuli, weights, *sizes)
    if task.noise_std is not None:
        law = task.noise_std, task.noise_tau, task.dt
        inputs = inputs + input_noise(k_noise, inputs.shape, *law, n_valid=edges[-1])
    ms = edges.astype(own.dtype) * task.dt
    return Trial(
        inputs,
        targets,
        mask,
        trial.conditions_of(rule, steps, rings, stimuli, table),
        {name: ms[i : i + 2] for i, name in enumerate(EPOCHS)},
        n_valid=edges[-1],
    )


def check_room(
    table: RuleTable, codes: np.ndarray, n_steps: int, conditions: Mapping[str, Any]
) -> None:
    """Refuse given durations [ms] with which a trial could be longer than ``n_steps``.

    ``codes`` are those of the rules in use. Traced conditions are not checked.
    """
    law, rule = table.durations, conditions.get("rule", codes)
    given = {
        i: int(np.max(np.round(np.asarray(ms) / law.dt)))
        for i, name in enumerate(EPOCHS)
        if (ms := conditions.get(f"{name}_duration")) is not None
        and not isinstance(ms, jax.core.Tracer)
    }
    if not given or isinstance(rule, jax.core.Tracer):
        return
    longest = law.longest[np.unique(np.asarray(rule, int))]
    for i, steps in given.items():
        longest[:, i] = np.where(longest[:, i] > 0, steps, 0)
    most = int(longest.sum(1).max())
    if most > n_steps:
        raise ValueError(
            f"With these durations a trial may last {most} steps, but this task has room for "
            f"{n_steps}: give shorter ones, or those of the other epochs too."
        )


def _rule(task: Any, u: Float[Array, ""]) -> Int[Array, ""]:
    return task.condition_table()["rule"][drawn(task.weights, u)]


def _uniform(key: PRNGKeyArray, n: int, task: Any) -> Float[Array, " drawn"]:
    return jax.random.uniform(key, (n,), task.weights.dtype)
