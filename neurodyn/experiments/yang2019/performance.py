"""Scores of a trained network on fresh trials, which did not take part in choosing it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn import labels
from neurodyn.engine.integrate import Save, integrate
from neurodyn.experiments.running.seeds import shared_key
from neurodyn.experiments.yang2019.settings import Settings
from neurodyn.models import CTRNN
from neurodyn.task import Trial
from neurodyn.tasks import Yang2019

#: Most trials of one batch, which share their durations.
_BATCH = 64
#: Parts of the random key: trials of the test, apart from those of training and rule algebra.
_PART = 1000


def performance(settings: Settings, model: CTRNN) -> xr.Dataset:
    """Correct trials of every rule, in fresh trials.

    Returns
    -------
    xr.Dataset
        ``correct`` (rule), ``correct_held`` (rule), where fixation before the go counts too, and
        ``shortcut`` (rule), what the best known strategy scores that leaves out what the rule asks.
    """
    task = Yang2019(settings.dt, rules=settings.rules_in_use())
    found = [scored(model, task, rule, settings.n_trials, _PART) for rule in task.rules]
    known = np.array([task.shortcuts[rule] for rule in task.rules])
    columns = {"correct": "correct trials", "correct_held": "correct trials with held fixation"}
    means = {name: np.array([scores[name].mean() for scores in found]) for name in columns}
    return labels.dataset(
        {name: ("rule", means[name], "1", about) for name, about in columns.items()}
        | {"shortcut": ("rule", known, "1", "correct trials of the best shortcut")},
        {"rule": list(task.rules)},
        source="analysis",
        dims=("rule",),
    )


def scored(
    model: CTRNN, task: Yang2019, rule: str, n: int, part: int
) -> dict[str, Float[np.ndarray, " trial"]]:
    """Scores of the first ``n`` trials of a rule that belong to a part of the experiment."""
    size, found = min(n, _BATCH), []
    for i in range(-(-n // size)):
        key = jax.random.fold_in(shared_key(part), i)
        trials = task.batch(key, size, rule=task.code(rule))
        inputs = np.swapaxes(np.asarray(trials.inputs), 0, 1)
        run = integrate(
            model, inputs, dt=task.dt, key=key, save=Save(variables=()), length=trials.length
        )
        found.append(jax.tree.map(np.asarray, _scores(task, run.outputs, trials)))
    return {name: np.concatenate([each[name] for each in found])[:n] for name in found[0]}


@eqx.filter_jit
def _scores(
    task: Yang2019, outputs: Float[Array, "time trial output"], trials: Trial
) -> dict[str, Float[Array, " trial"]]:
    scores = task.score(jnp.swapaxes(outputs, 0, 1), trials)
    return {name: scores[name] for name in ("correct", "correct_held")}
