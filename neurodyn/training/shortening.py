"""Batches whose trials end before their buffer does: steps that no trial has are left out.

The number of steps of a batch is not known when a program is compiled. A program therefore holds
a training step for a few numbers of steps, and takes the smallest that covers the batch. Without
that, the products and random numbers of steps that nobody scores can take most of the time.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neurodyn.task import Trial

#: Largest number of programs, the ratio of their numbers of steps, and the fewest steps: a shorter
#: one would save less than it costs to compile.
_PROGRAMS, _RATIO, _FEWEST = 4, 0.7, 64


def in_fewest_steps(function: Callable[[Trial], Any], trials: Trial) -> Any:
    """``function(trials)``, without the steps after ``trials.length`` as far as programs allow.

    Trials of stored items keep all steps, because models may have parameters for each of them, and
    so do sessions, whose trials lie at steps of the buffer.

    Parameters
    ----------
    function
        Must return arrays of the same shapes for trials of any number of steps.
    trials
        Batch of trials, with or without a common length.
    """
    if trials.length is None or trials.item is not None or trials.parts is not None:
        return function(trials)
    sizes = step_counts(trials.inputs.shape[1])
    fits = jnp.searchsorted(jnp.asarray(sizes, jnp.int32), trials.length.astype(jnp.int32))
    branches = [lambda trials, n=n: _within(function, trials, n) for n in sizes]
    return jax.lax.switch(_largest(fits.astype(jnp.int32)), branches, trials)


def step_counts(n_steps: int) -> list[int]:
    """Numbers of steps that programs are compiled for, in increasing order."""
    sizes = [math.ceil(n_steps * _RATIO**i) for i in range(_PROGRAMS)]
    return sorted(n for n in sizes if n == n_steps or n >= _FEWEST)


def _within(function: Callable[[Trial], Any], trials: Trial, n_steps: int) -> Any:
    """``function`` of the first steps; an error says how many, because shapes may not fit them."""
    try:
        return function(_first_steps(trials, n_steps))
    except (TypeError, ValueError) as error:
        if n_steps < (whole := trials.inputs.shape[1]):
            error.add_note(
                f"The trials here have the first {n_steps} of {whole} steps, because a batch with "
                "`length` is trained without the steps after it. A loss takes the number of steps "
                "from `outputs`, not from `task.n_steps`, and no condition has a time axis."
            )
        raise


def _first_steps(trials: Trial, n_steps: int) -> Trial:
    def cut(x: Float[Array, "trial time channel"]) -> Float[Array, "trial step channel"]:
        return x[:, :n_steps] if x.shape[1] == trials.inputs.shape[1] else x  # scored at the last

    inputs, targets, mask = map(cut, (trials.inputs, trials.targets, trials.mask))
    return replace(trials, inputs=inputs, targets=targets, mask=mask)


@jax.custom_batching.custom_vmap
def _largest(index: Int[Array, ""]) -> Int[Array, ""]:
    """The index, and for members that are trained together the largest of theirs.

    With an index for each member, the branches would all run.
    """
    return index


@_largest.def_vmap
def _(axis_size, in_batched, index):
    del axis_size
    return (jnp.max(index) if in_batched[0] else index), False
