"""Prediction by sums of units with weights that are not negative.

Weights without sign keep what a unit means: a rotation of the predictors, which changes no ridge
prediction, changes these. So they ask whether single units resemble each other, not whole spaces.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from neurodyn.analysis.prediction.activity import predictor_pair
from neurodyn.analysis.prediction.fitted import Predictors, fitted_predictions, predictors
from neurodyn.analysis.shared.correlation import pearson
from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.nonnegative import nonnegative_path
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key
from neurodyn.labels.only import takes

Activity = Float[Array, "condition time unit"]


def nonnegative_side(x: Activity, held_out: Bool[Array, "fold condition"]) -> Predictors:
    """Prepare the predictors, each on its own scale, for `nonnegative_score`."""
    return predictors(own_scale(x)[0], held_out, rotate=False)


def nonnegative_score(side: Predictors, y: Activity) -> Float[Array, " unit"]:
    """Held-out correlation of each unit of `y`, from prepared predictors."""
    path = partial(
        nonnegative_path, penalties=jnp.zeros(1, y.dtype), n_samples=training_samples(side)
    )
    return pearson(fitted_predictions(side, own_scale(y)[0], path), y)


def own_scale(x: Activity) -> tuple[Activity, Array, Array]:
    """Centred units, each divided by its largest value; the values and means that were taken out.

    A scale that is positive changes no sign of a weight.
    """
    mean = x.mean(axis=(0, 1), keepdims=True)
    x = x - mean
    size = jax.lax.stop_gradient(jnp.abs(x).max(axis=(0, 1), keepdims=True))
    size = jnp.where(size > 0, size, 1)
    return x / size, size, mean


def training_samples(side: Predictors) -> int:
    """Training samples of the largest fold, at most."""
    n_folds, n_conditions = side.held_out.shape
    return (n_conditions - -(-n_conditions // n_folds)) * side.x.shape[1]


@jax.jit
def _nonnegative_r(x, y, held_out):
    return nonnegative_score(nonnegative_side(x, held_out), y)


@takes(x=["unit"], y=["unit"])
@one_lapack_thread
def nonnegative_r(
    x: ArrayLike | xr.DataArray,
    y: ArrayLike | xr.DataArray,
    *,
    n_folds: int | None = None,
    key=0,
) -> Float[Array, " unit"]:
    """Correlation of each unit with a sum without negative weights, in held-out conditions.

    Least squares with an intercept and weights of at least 0, without a penalty.

    Parameters
    ----------
    x
        Predicting population ``(condition, time, unit)``.
    y
        Predicted population ``(condition, time, unit)``: the same conditions and times.
    n_folds
        Folds over conditions; default 10, or one a condition where there are fewer.
    key
        Seed or JAX key of the folds.

    Returns
    -------
    Array ``(unit,)``, NaN for units of `y` that are constant. A unit that no predictor resembles
    has all weights 0: its prediction is the mean of the other folds, which correlates negatively.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, or there are too few conditions.

    References
    ----------
    Lawson & Hanson, Solving Least Squares Problems, 1974; Kim & Park (2011), SIAM J. Sci. Comput.
    33:3261 (the algorithm).
    """
    x, y = predictor_pair(x, y)
    held_out = fold_masks(as_key(key), x.shape[0], n_folds_for(x.shape[0], n_folds))
    return _nonnegative_r(x, y, held_out)
