"""Trials of one task as trials of a mixture, and back."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neurodyn.task import Trial
from neurodyn.tasks.mixtures.columns import ONE, ZERO, arranged, sources
from neurodyn.tasks.mixtures.layout import NO_CODE, Layout


def widened(found: Layout, k: int, trial: Trial, *, one_task: bool = False) -> Trial:
    """Trials of task ``k`` as trials of the mixture.

    Parameters
    ----------
    found
        The layout of the mixture.
    k
        The task.
    trial
        One trial or several.
    one_task
        Whether these are a batch of one task, which runs for as long as its trials last.
    """
    part, batch = found.parts[k], trial.inputs.shape[:-2]
    which = np.full(len(found.parts), ZERO)
    which[k] = ONE
    into = np.concatenate([sources(part.inputs, len(found.inputs)), which])
    inputs = arranged(trial.inputs.astype(found.dtype), into.tolist())
    if found.classes:
        targets = jnp.asarray(part.outputs, trial.targets.dtype)[trial.targets]
        mask = trial.mask
    else:
        back = sources(part.outputs, len(found.outputs)).tolist()
        targets, mask = (arranged(x.astype(found.dtype), back) for x in (trial.targets, trial.mask))
    conditions = {"task": jnp.full(batch, k, jnp.int32)}
    own = {part.conditions[name]: value for name, value in trial.conditions.items()}
    for name, dtype in found.conditions.items():
        absent = jnp.full(batch, absent_of(dtype), dtype)
        conditions[name] = own[name].astype(dtype) if name in own else absent
    nowhere = jnp.zeros((*batch, 2), found.dtype)
    length, n_valid = _ends(trial, part.n_steps)
    item = None
    if found.items:
        item = jnp.full(batch, NO_CODE, jnp.int32) if trial.item is None else trial.item
    return Trial(
        _padded(inputs, found.n_steps),
        _padded(targets, found.n_steps),
        _padded(mask.astype(found.dtype), found.n_steps),
        conditions,
        {name: trial.epochs.get(name, nowhere).astype(found.dtype) for name in found.epochs},
        length=length if one_task else None,
        item=item,
        n_valid=jnp.broadcast_to(n_valid, batch) if found.ragged else None,
    )


def narrowed(found: Layout, k: int, trials: Trial, mine: Bool[Array, " trial"] | None) -> Trial:
    """Trials of the mixture as task ``k`` knows them.

    ``mine`` marks those that are its trials; None: all. What it would make of the others does not
    count; their weights are 1, so that it is finite wherever it can be.
    """
    part, like = found.parts[k], found.parts[k].example
    inputs = arranged(trials.inputs[:, : part.n_steps], part.inputs)
    targets, mask = (x[:, : part.n_steps] for x in (trials.targets, trials.mask))
    if found.classes:
        targets = jnp.asarray(np.maximum(sources(part.outputs, len(found.outputs)), 0))[targets]
    else:
        targets, mask = (arranged(x, part.outputs) for x in (targets, mask))
    if mine is not None:
        mask = jnp.where(mine[:, None, None], mask, 1)
    return replace(
        like,
        inputs=inputs.astype(like.inputs.dtype),
        targets=targets.astype(like.targets.dtype),
        mask=mask.astype(like.mask.dtype),
        conditions={
            name: trials.conditions[new].astype(like.conditions[name].dtype)
            for name, new in part.conditions.items()
        },
        epochs={name: trials.epochs[name].astype(like.epochs[name].dtype) for name in like.epochs},
        length=trials.length,
        item=None if like.item is None else trials.item,
        n_valid=trials.n_valid if part.ragged else None,
        dt=trials.dt,
        time_unit=trials.time_unit,
    )


def outputs_of(
    found: Layout, k: int, outputs: Float[Array, "trial time output"], mine: Any = None
) -> Float[Array, "trial time own"]:
    """The outputs of task ``k``; 0 in the trials of other tasks."""
    own = arranged(outputs[:, : found.parts[k].n_steps], found.parts[k].outputs)
    return own if mine is None else jnp.where(mine[:, None, None], own, 0)


def evenly(n: int, m: int) -> np.ndarray:
    """``m`` of ``n`` trials that stand for all of them, whether those are sorted or repeat a list.

    Steps of about 0.618 n around the circle of the n trials, without a common divisor, spread over
    sorted trials, and meet each entry of a list that repeats equally often.
    """
    step = round(0.618 * n)
    while np.gcd(step, n) > 1:
        step += 1
    return np.arange(m) * step % n


def absent_of(dtype: Any) -> int:
    """What stands for a condition that a trial does not have."""
    return NO_CODE if jnp.issubdtype(dtype, jnp.integer) else 0


def own_of_each(
    values: Sequence[Array], which: Int[Array, " trial"], absent: Any, dtype: Any
) -> Array:
    """The value of each trial by its own task; ``values`` are None for tasks without any."""
    result = None
    for k, value in enumerate(values):
        if value is None:
            continue
        shape = (-1, *(1,) * (value.ndim - 1))
        start = jnp.full(value.shape, absent, dtype) if result is None else result
        result = jnp.where((which == k).reshape(shape), value.astype(dtype), start)
    return result


def _padded(x: Array, n_steps: int) -> Array:
    missing = n_steps - x.shape[-2]
    widths = [(0, 0)] * (x.ndim - 2) + [(0, missing), (0, 0)]
    return jnp.pad(x, widths) if missing else x


def _ends(trial: Trial, n_steps: int) -> tuple[Array, Array]:
    """The steps that a batch runs for, and those of each trial."""
    length = jnp.asarray(n_steps if trial.length is None else trial.length, jnp.int32)
    n_valid = length if trial.n_valid is None else trial.n_valid.astype(jnp.int32)
    return length, n_valid
