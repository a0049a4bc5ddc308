"""Scores of many altered copies of one network.

Every altered network runs the same trials through one compiled program, one network after the
other, so that its weights stay in the cache; on an accelerator `at_once` runs some side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, PyTree

from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import check_whole
from neurodyn.common.random import as_key
from neurodyn.engine.inputs import predicted, trials_for
from neurodyn.engine.integrate import Save, integrate
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractTask, Trial


def altered_scores(
    model: AbstractSystem,
    task: AbstractTask,
    change: Callable[[Any, Any], Any],
    alterations: PyTree,
    *,
    n_trials: int = 10,
    score: str = "correct",
    same_trials: bool = True,
    at_once: int = 1,
    key: Any,
) -> xr.Dataset:
    """Scores of one network under many alterations.

    Parameters
    ----------
    model, task
        A network and the task it is scored on.
    change
        ``(model, alteration) -> model``, in JAX. A new function compiles anew.
    alterations
        Pytree of arrays with a leading axis: one entry for each run.
    n_trials
        Trials of each run.
    score
        Which of the task's scores.
    same_trials
        Whether all runs see the same trials and initial states, so that differences between them
        are those of the alteration; else each draws its own.
    at_once
        Altered networks that run side by side.
    key
        Seed or key of trials and initial states.

    Returns
    -------
    Dataset on (sweep, trial), one sweep for each alteration: ``score``, and ``finite``, whether the
    network stayed finite in the trial. A network that grew beyond all bounds has no answer; a score
    of accuracy reads its output as the first of the answers, so such a trial counts as a guess.

    Raises
    ------
    ValueError
        If model and task do not fit, there is no such score, or no alteration.
    """
    for what in ("n_inputs", "n_outputs"):
        if getattr(model, what) != getattr(task, what):
            raise ValueError(
                f"{type(model).__name__} has {what}={getattr(model, what)}, but "
                f"{type(task).__name__} has {what}={getattr(task, what)}: build the task with as "
                "many heads as the network was trained with."
            )
    check_whole(1, n_trials=n_trials, at_once=at_once)
    sizes = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(alterations)}
    if len(sizes) != 1 or sizes == {()} or sizes == {(0,)}:
        raise ValueError(
            "`alterations` must hold arrays with one leading axis in common, not empty; got "
            f"{[np.shape(leaf) for leaf in jax.tree.leaves(alterations)]}."
        )
    key = as_key(key, needed_for="Scoring altered networks")
    _check_score(model, task, score, n_trials, key)
    found, finite = _scores(model, task, change, alterations, key, n_trials, same_trials, at_once)
    dims, scores = ("sweep", "trial"), np.asarray(found[score], np.float64)
    variables = {
        "score": (dims, scores, "1", f"score '{score}' of the altered network"),
        "finite": (dims, np.asarray(finite), "1", "whether the network stayed finite"),
    }
    return results(variables, values=False)


def _check_score(model, task: AbstractTask, score: str, n_trials: int, key) -> None:
    """Refuse a score that the task does not have, before anything is compiled."""

    def intact(model, key):
        return _score(model, task, task.batch(key, n_trials), key)[0]

    given = eqx.filter_eval_shape(intact, model, key)
    if score not in given:
        raise ValueError(
            f"{type(task).__name__} has no score {score!r}; it has {', '.join(sorted(given))}."
        )
    if given[score].shape != (n_trials,):
        raise ValueError(f"the score {score!r} is not one number for each trial.")


@eqx.filter_jit
def _scores(model, task, change, alterations, key, n_trials, same_trials, at_once):
    n = jax.tree.leaves(alterations)[0].shape[0]
    shared = task.batch(jax.random.fold_in(key, 0), n_trials) if same_trials else None

    def one(args):
        number, alteration = args
        own = key if same_trials else jax.random.fold_in(key, 2 + number)
        trials = task.batch(jax.random.fold_in(own, 0), n_trials) if shared is None else shared
        altered = change(model, alteration)
        return _score(altered, task, trials, jax.random.fold_in(own, 1))

    numbers = jnp.arange(n, dtype=jnp.uint32)
    return jax.lax.map(one, (numbers, alterations), batch_size=at_once if at_once > 1 else None)


def _score(
    model: Any, task: AbstractTask, trials: Trial, key: Any
) -> tuple[dict[str, Array], Bool[Array, " trial"]]:
    started, trials = trials_for(model, trials), predicted(model, trials)
    run = integrate(
        model,
        trials.inputs.transpose(1, 0, 2),
        dt=task.dt,
        key=key,
        save=Save(outputs="last" if task.scored == "last" else "every"),
        trial=started,
        length=trials.length,
        checkpoint=False,
    )
    assert run.outputs is not None
    return task.score(run.outputs.transpose(1, 0, 2), trials), run.stats["finite"]
