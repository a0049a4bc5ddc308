"""Errors and warnings when training diverges or a time constant gets too short."""

import warnings
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PyTree

from neurodyn.engine.abilities import check_step
from neurodyn.task import Trial
from neurodyn.training.errors import DivergenceError
from neurodyn.training.history import History
from neurodyn.training.plan import Plan
from neurodyn.training.results import history_of, model_of
from neurodyn.training.step import diagnose


def refuse_divergence(plan: Plan, run: Any, history: History, records, step: int, n: int) -> None:
    """Raise DivergenceError if the chunk of n steps from `step` went bad, saying where."""
    failed = run.flags()[0]
    if (failed < 0).all():
        return
    seed = int(np.flatnonzero(failed >= 0)[np.argmin(failed[failed >= 0])])
    number = int(failed[seed])
    constants, member = run.member(seed)
    loss, grads, params, trials = eqx.filter_jit(diagnose)((run.setup_of(seed), constants), member)
    in_gradient, in_value = _not_finite(grads), _not_finite(params)
    if in_gradient or in_value:
        where = f"the {'gradients' if in_gradient else 'new values'} of "
        where += f"{_listed(in_gradient or in_value)} are not finite"
    else:
        where = f"gradients are finite still, the largest parameter is {_largest(member.params)}"
    if number > step:
        history.add_steps(records, number - step)
    which = "" if plan.how is None else f" of seed {seed}"
    raise DivergenceError(
        f"training{which} diverged at step {number}: the loss is {float(loss):.4g}, {where} "
        f"({_batch(number, trials)}). Try a smaller learning rate, stronger clipping or a smaller "
        "dt; look at the batch (error.trials) and the last good model (error.model).",
        step=number,
        seed=seed,
        parameters=in_gradient or in_value,
        trials=trials,
        model=model_of(constants, member, best=False, seed=seed),
        history=history_of(plan, history),
    )


def warn_of_long_step(plan: Plan, run: Any, step: int, told: set[int]) -> None:
    """Warn, once for each member, when the task's step no longer suits the model."""
    for seed in set(range(len(plan.models))) - told:
        try:
            check_step(run.model(seed), plan.task.dt)
        except ValueError as error:
            told.add(seed)
            which = "" if plan.how is None else f" of seed {seed}"
            warnings.warn(f"training{which} came to this by step {step}: {error}", stacklevel=4)


def _batch(number: int, trials: Trial) -> str:
    text = f"batch {number} of this key"
    if trials.item is not None:
        text += f", items {np.asarray(trials.item).tolist()[:10]}"
    if _not_finite((trials.inputs, trials.targets)):
        text += ", whose own inputs or targets are not finite"
    return text


def _largest(params: PyTree) -> str:
    leaves, _ = jax.tree_util.tree_flatten_with_path(params)
    sizes = {jax.tree_util.keystr(path): float(np.abs(x).max()) for path, x in leaves}
    name = max(sizes, key=sizes.__getitem__)
    return f"{name} ({sizes[name]:.3g})"


def _not_finite(tree: PyTree) -> list[str]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [
        jax.tree_util.keystr(path)
        for path, x in leaves
        if eqx.is_inexact_array(x) and not np.isfinite(x).all()
    ]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if names[6:] else "") or "none"
