"""Linear discriminant analysis of all folds, in closed form.

Classes are Gaussian with means of their own and one covariance, that of the trials around the mean
of their class. It is shrunk towards a multiple of the identity, so that it can be inverted with
more units than trials.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from neurodyn.analysis.prediction.ridge import on_common_axes

Activity = Float[Array, "trial time unit"]


class Discriminant(NamedTuple):
    """Activity in the form that discriminants are fitted from.

    Attributes
    ----------
    held_out
        Trials of each fold.
    x
        Activity to fit on.
    at
        Activity to predict from.
    shrinkage
        Share of the identity in the covariance, from 0 to 1; NaN: after Ledoit & Wolf (2004).
    n_units
        Number of units, of which there may be more than axes.
    """

    held_out: Bool[Array, "fold trial"]
    x: Float[Array, "trial time axis"]
    at: Float[Array, "trial attime axis"]
    shrinkage: Float[Array, ""]
    n_units: Float[Array, ""]


def discriminant_side(
    x: Activity,
    held_out: Bool[Array, "fold trial"],
    shrinkage: Float[Array, ""],
    at: Activity | None = None,
) -> Discriminant:
    """Prepare activity, for `discriminants`."""
    n_units = jnp.asarray(x.shape[2], x.dtype)
    return Discriminant(held_out, *on_common_axes(x, at), shrinkage, n_units)


def discriminants(
    side: Discriminant, y: Float[Array, "trial time class"]
) -> Float[Array, "trial attime class"]:
    """Log posterior of each class, up to a constant, from the fold that held the trial out.

    `y` is 1 for the class of a trial and 0 for others. A class that is missing in the training
    trials is never predicted.
    """
    n_axes, n_classes = side.x.shape[2], y.shape[2]
    x, flat = side.x.reshape(-1, n_axes), y.reshape(-1, n_classes)

    def one_fold(total, out):
        train = jnp.repeat((~out).astype(x.dtype), side.x.shape[1])[:, None]
        member = flat * train
        number = member.sum(axis=0)
        prior = number / number.sum()
        means = (member.T @ x) / jnp.maximum(number, 1)[:, None]
        apart = (x - flat @ means) * train
        covariance = _shrunk(apart, number.sum(), side)
        weights = jnp.linalg.solve(covariance, means.T)
        known = number > 0
        offset = jnp.log(jnp.where(known, prior, 1)) - 0.5 * jnp.sum(means.T * weights, axis=0)
        guess = side.at @ weights + jnp.where(known, offset, -jnp.inf)[None, None, :]
        return jnp.where(out[:, None, None], guess, total), None

    start = jnp.zeros((*side.at.shape[:2], n_classes), x.dtype)
    return jax.lax.scan(one_fold, start, side.held_out)[0]


def _shrunk(apart: Float[Array, "sample axis"], n: Float[Array, ""], side: Discriminant):
    """Covariance of deviations from class means, shrunk towards its mean variance."""
    covariance = apart.T @ apart / n
    mean = jnp.trace(covariance) / side.n_units
    square = jnp.sum(covariance**2)
    spread = square - side.n_units * mean**2
    error = (jnp.sum(jnp.sum(apart**2, axis=1) ** 2) / n - square) / n
    best = jnp.where(spread > 0, jnp.clip(error / jnp.where(spread > 0, spread, 1), 0, 1), 1)
    share = jnp.where(jnp.isnan(side.shrinkage), best, side.shrinkage)
    # Without any spread within classes every direction counts alike.
    mean = jnp.where(mean > 0, mean, 1)
    return (1 - share) * covariance + share * mean * jnp.eye(apart.shape[1], dtype=apart.dtype)
