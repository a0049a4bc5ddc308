"""Accuracy of a network whose bits last for other numbers of steps than in training."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.common.random import as_key
from neurodyn.experiments.timescales.heads import head_of, with_one_head
from neurodyn.experiments.timescales.networks import Variant, at_hold, task_of
from neurodyn.tasks.memory.bits import AbstractBitTask
from neurodyn.training import FreshTrials

__all__ = ["HOLDS", "accuracy_by_hold", "generalisation"]

#: Tested steps per bit, within the published 1 to 200.
HOLDS = 1, 2, 5, 7, 10, 15, 20, 50, 100, 200


def accuracy_by_hold(
    model: Any,
    task: AbstractBitTask,
    holds: Sequence[int],
    *,
    n_batches: int = 10,
    batch_size: int = 256,
    key: Any,
) -> xr.Dataset:
    """Accuracy for several numbers of steps per bit, with the same time constants in bits.

    Parameters
    ----------
    model
        A network trained with ``hold`` above 1.
    task
        The task that the model has solved.
    holds
        Tested steps per bit; published: 1 to 200.
    n_batches, batch_size
        Number of test batches, and of sequences in each.
    key
        Seed or key of the sequences, which are the same for each of ``holds``.

    Returns
    -------
    xr.Dataset
        ``accuracy`` on ``sweep``, whose coordinate is the number of steps per bit.
    """
    found, key = [], as_key(key, needed_for="Drawing sequences")
    for hold in holds:
        held = type(task)(
            task.ns[task.ns > 0].tolist(),
            n_heads=task.n_heads,
            p=task.p.tolist(),
            levels=task.levels.tolist(),
            hold=hold,
        )
        found.append(_accuracy(at_hold(model, hold), held, FreshTrials(n_batches, batch_size), key))
    return labels.dataset(
        {"accuracy": ("sweep", np.asarray(found, np.float64), "1", "fraction correct")},
        {"sweep": ("sweep", np.asarray(holds), "1", "steps per bit")},
        source="analysis",
    )


def generalisation(settings: Any, variant: Variant, network: Any, n: int, key: Any) -> xr.Dataset:
    """Accuracy for N by the number of steps per bit, of a network trained with ``settings.hold``.

    Parameters
    ----------
    settings
        Settings of the training; the test has ``n_test`` batches.
    variant
        Curriculum and time constants of the network.
    network
        Network at the time when it solved `n`.
    n
        The largest solved N, tested alone.
    key
        Key of the sequences.
    """
    model = with_one_head(settings, variant, network, head_of(network, variant, n))
    task = task_of(settings, variant._replace(curriculum="single")).with_ns(n)
    return accuracy_by_hold(model, task, HOLDS, n_batches=settings.n_test, key=key)


@eqx.filter_jit
def _accuracy(model, task, test, key) -> jax.Array:
    return test(model, task, key=key)["correct"]
