"""Predictions of held-out trials by the decoders that have a closed form, and their scores.

Decoders of all times, all folds and all shuffles of the labels are fitted in one compiled program.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from neurodyn.analysis.prediction.discriminant import discriminant_side, discriminants
from neurodyn.analysis.prediction.ridge import predicted, ridge_side

Times = Literal["together", "each", "cross"]
#: Shuffles that are decoded at once.
_BATCH = 8


class Options(NamedTuple):
    """What the closed forms need besides trials.

    Attributes
    ----------
    held_out
        Trials of each fold.
    penalties
        Ridge penalties to choose from.
    shrinkage
        Of the covariance of discriminants.
    middle
        Value of a single column between two classes.
    """

    held_out: Bool[Array, "fold trial"]
    penalties: Float[Array, " penalty"]
    shrinkage: Float[Array, ""]
    middle: Float[Array, ""]


@partial(jax.jit, static_argnames=("kind", "times", "n_classes"))
def decoded(
    x: Float[Array, "trial time unit"],
    y: Float[Array, "trial time column"],
    options: Options,
    orders: Int[Array, "draw trial"],
    *,
    kind: str,
    times: Times,
    n_classes: int,
) -> tuple[Float[Array, "train trial time column"], Any]:
    """Predictions of held-out trials, and the score of each order of the labels.

    The first axis holds the times that were fitted on: one for decoders that are the same at all
    times. A decoder of each time has one entry along the third axis.
    """

    def of(x, at, y, y_at):
        if kind == "lda":
            side = discriminant_side(x, options.held_out, options.shrinkage, at)
        else:
            side = ridge_side(x, options.held_out, options.penalties, at)
        predict = discriminants if kind == "lda" else predicted

        def shuffled(order):
            return scored(predict(side, y[order]), y_at[order], options.middle, n_classes, times)

        batch = min(_BATCH, orders.shape[0])
        return predict(side, y), jax.lax.map(shuffled, orders, batch_size=batch)

    if times == "together":
        guess, scores = of(x, None, y, y)
        return guess[None], scores[None]

    def at_time(one):
        x_then, y_then = one[0][:, None], one[1][:, None]
        if times == "each":
            return of(x_then, None, y_then, y_then)
        return of(x_then, x, y_then, y)

    return jax.lax.map(at_time, (x.swapaxes(0, 1), y.swapaxes(0, 1)))


def scored(
    guess: Float[Array, "trial time column"],
    truth: Float[Array, "trial time column"],
    middle: Float[Array, ""],
    n_classes: int,
    times: Times,
) -> Float[Array, " time"]:
    """Balanced accuracy at each time, or r2, which is that of all times where they are together."""
    if n_classes:
        right = codes_of(guess, middle) == codes_of(truth, middle)
        member = codes_of(truth, middle)[..., None] == jnp.arange(n_classes)[None, None, :]
        number = member.sum(axis=0).astype(truth.dtype)
        recall = (member & right[..., None]).sum(axis=0).astype(truth.dtype)
        there = jnp.maximum((number > 0).sum(axis=-1), 1).astype(truth.dtype)
        return (recall / jnp.maximum(number, 1)).sum(axis=-1) / there
    over = (0, 1) if times == "together" else (0,)
    spread = ((truth - truth.mean(axis=over, keepdims=True)) ** 2).sum(axis=(*over, 2))
    missed = ((truth - guess) ** 2).sum(axis=(*over, 2))
    return jnp.atleast_1d(1 - missed / jnp.where(spread > 0, spread, jnp.nan))


def codes_of(goal: Any, middle: Any) -> Any:
    """Class of each entry: of two classes by one column, else the highest of several."""
    return (goal[..., 0] > middle).astype("int32") if goal.shape[-1] == 1 else goal.argmax(-1)
