"""How well one population predicts each unit of another, in conditions it was not fitted to.

Ridge regression, cross-validated over conditions: all times of a condition are held out together,
since neighbouring times resemble each other. The penalty of each unit is chosen within the training
conditions by leaving out one condition at a time, in closed form: of a linear smoother H the
residuals of a left-out block g are ``(I - H_gg)^-1 (y_g - H_g y)``. So one eigendecomposition a
fold serves all penalties, all units and all shuffles of the predicted side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from neurodyn.analysis.populations.pca import principal_axes
from neurodyn.analysis.prediction.activity import chunked_pair, predictor_pair
from neurodyn.analysis.prediction.ridge_chunks import ridge_of_chunks
from neurodyn.analysis.shared.correlation import pearson
from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.scaling import normed
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key
from neurodyn.labels.only import takes

#: Ridge penalties, in units of the total variance of the predictors, so that neither their scale
#: nor silent units change the result.
PENALTIES = tuple(np.logspace(-6, 2, 9).tolist())

Activity = Float[Array, "condition time unit"]


class Ridge(NamedTuple):
    """The predictors in the form that ridge regression needs, for every fold.

    Attributes
    ----------
    held_out
        Conditions of each fold.
    x
        Predictors minus their training mean, on the principal axes of the training conditions.
    at
        The same of the activity that predictions are made from.
    shrinkage
        ``1 / (variance + penalty)`` along each axis.
    correction
        ``(I - H_gg)^-1`` of each training condition g (identity for the others).
    """

    held_out: Bool[Array, "fold condition"]
    x: Float[Array, "fold condition time axis"]
    at: Float[Array, "fold condition attime axis"]
    shrinkage: Float[Array, "fold penalty axis"]
    correction: Float[Array, "fold penalty condition time time"]


def rotated(x: Activity) -> Float[Array, "condition time axis"]:
    """Reduce centred units to as many as there are samples, which changes no ridge prediction."""
    c, t, p = x.shape
    if p <= c * t:
        return x
    flat = x.reshape(c * t, p)
    _, axes = principal_axes(flat)
    return (flat @ axes).reshape(c, t, -1)


def on_common_axes(x: Activity, at: Activity | None) -> tuple[Activity, Activity]:
    """Activity to fit on and activity to predict from: centred, on one scale, on the same axes.

    Activity `at` other times is seen along the axes of `x` alone, which is all that a map fitted to
    `x` reads.
    """
    if at is None:
        x = rotated(normed(x.reshape(-1, x.shape[2])).reshape(x.shape))
        return x, x
    both = jnp.concatenate([x, at], axis=1)
    both = normed(both.reshape(-1, x.shape[2])).reshape(both.shape)
    x, at = both[:, : x.shape[1]], both[:, x.shape[1] :]
    if x.shape[2] > x.shape[0] * x.shape[1]:
        axes = principal_axes(x.reshape(-1, x.shape[2]))[1]
        x, at = x @ axes, at @ axes
    return x, at


def ridge_side(
    x: Activity,
    held_out: Bool[Array, "fold condition"],
    penalties: Float[Array, " penalty"],
    at: Activity | None = None,
) -> Ridge:
    """Prepare the predictors, for `predicted`, which predicts from `at` (default: from `x`)."""
    x, at = on_common_axes(x, at)
    n_times = x.shape[1]

    def one_fold(out):
        train = (~out).astype(x.dtype)[:, None, None]
        n_train = train.sum() * n_times
        mean = (x * train).sum(axis=(0, 1), keepdims=True) / n_train
        xc = x - mean
        kept = (xc * train).reshape(-1, x.shape[2])
        variance, axes = principal_axes(kept)
        shrinkage = _shrinkage(variance, penalties)
        on_axes = xc @ axes
        hat = jnp.einsum("cta,pa,csa->pcts", on_axes, shrinkage, on_axes) + 1 / n_train
        # Only the choice of the penalty depends on it, which has no derivative; that of an inverse
        # may be infinite, and infinity times nothing is NaN.
        hat = jax.lax.stop_gradient(jnp.where(out[None, :, None, None], 0, hat))
        correction = jnp.linalg.inv(jnp.eye(n_times, dtype=x.dtype)[None, None] - hat)
        return on_axes, (at - mean) @ axes, shrinkage, correction

    return Ridge(held_out, *jax.lax.map(one_fold, held_out))


def _shrinkage(
    variance: Float[Array, " axis"], penalties: Float[Array, " penalty"]
) -> Float[Array, "penalty axis"]:
    """One over variance and penalty; without variance predictions are the training mean."""
    total = variance.sum()
    return 1 / (variance[None, :] + penalties[:, None] * jnp.where(total > 0, total, 1))


def predicted(ridge: Ridge, y: Activity) -> Float[Array, "condition attime unit"]:
    """Predictions of `y`, each condition from the fold that held it out."""
    # Each unit on its own scale, because penalties are compared by squares of its residuals.
    size = jax.lax.stop_gradient(jnp.abs(y).max(axis=(0, 1), keepdims=True))
    size = jnp.where(size > 0, size, 1)
    y = y / size

    def one_fold(total, fold):
        out, x, at, shrinkage, correction = fold
        train = (~out).astype(y.dtype)[:, None, None]
        mean = (y * train).sum(axis=(0, 1), keepdims=True) / (train.sum() * y.shape[1])
        yc = (y - mean) * train
        projected = jnp.einsum("cta,ctu->au", x, yc)

        def left_out_error(penalty):
            shrink, correct = penalty
            residual = (yc - x @ (shrink[:, None] * projected)) * train
            error = jnp.sum((correct @ residual) ** 2, axis=(0, 1))
            # Leave out penalties that are too small for the precision.
            return jnp.where(jnp.isfinite(error), error, jnp.inf)

        best = jnp.argmin(jax.lax.map(left_out_error, (shrinkage, correction)), axis=0)
        prediction = at @ (shrinkage[best].T * projected) + mean
        return jnp.where(out[:, None, None], prediction, total), None

    start = jnp.zeros((*ridge.at.shape[1:3], y.shape[2]), y.dtype)
    return size * jax.lax.scan(one_fold, start, ridge)[0]


def ridge_score(ridge: Ridge, y: Activity) -> Float[Array, " unit"]:
    """Held-out correlation of each unit of `y`, from prepared predictors."""
    return pearson(predicted(ridge, y), y)


@jax.jit
def _ridge_r(x, y, held_out, penalties):
    return ridge_score(ridge_side(x, held_out, penalties), y)


@takes(True, x=["unit"], y=["unit"])
@one_lapack_thread
def ridge_r(
    x: ArrayLike | xr.DataArray,
    y: ArrayLike | xr.DataArray,
    *,
    n_folds: int | None = None,
    penalties: ArrayLike | Sequence[float | int] = PENALTIES,
    key=0,
) -> Float[Array, " unit"]:
    """Correlation of each unit with its ridge prediction in held-out conditions.

    Each condition is predicted once, by a regression on the other folds; the correlation runs over
    all conditions and times. A prediction by the training mean alone correlates negatively, not at
    0, because the mean of the others is low where the held-out condition is high.

    Parameters
    ----------
    x
        Predicting population ``(condition, time, unit)``.
    y
        Predicted population ``(condition, time, unit)``: the same conditions and times.
    n_folds
        Folds over conditions; default 10, or one a condition where there are fewer.
    penalties
        Ridge penalties to choose from, for each unit and fold, in units of the total variance of
        the predictors (sum over units of their sum of squares in the training conditions).
    key
        Seed or JAX key of the folds.

    Returns
    -------
    Array ``(unit,)``, NaN for units of `y` that are constant.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, or there are too few conditions.

    Notes
    -----
    The cost grows as samples x axes x units x penalties x folds (axes: the smaller of units and
    samples of `x`). With 500 units on either side, a null of 200 shuffles takes about a minute.

    Arrays in chunks (dask), and labelled ones above 1 GiB in a file, are read three times, chunk by
    chunk: for the products of each fold, the errors of the penalties, and the correlation. Memory
    is needed for some conditions, each with all of its times and units, for each thread, and for
    ``8 folds (p + q)**2`` bytes of p and q units, some times over. Results are computed in float64,
    and differ by 1e-6 from those in memory.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12:55; Schrimpf et al. (2020), Neuron 108:413 (its use as
    a score).
    """
    if (pair := chunked_pair(x, y)) is not None:
        n = pair[0].shape[0]
        held_out = fold_masks(as_key(key), n, n_folds_for(n, n_folds))
        penalties = np.asarray(as_penalties(penalties, np.float32), np.float64)
        return jnp.asarray(ridge_of_chunks(*pair, np.asarray(held_out), penalties))
    x, y = predictor_pair(x, y)
    held_out = fold_masks(as_key(key), x.shape[0], n_folds_for(x.shape[0], n_folds))
    return _ridge_r(x, y, held_out, as_penalties(penalties, x.dtype))


def as_penalties(penalties: ArrayLike | Sequence[float | int], dtype) -> Float[Array, " penalty"]:
    """Check ridge penalties.

    Raises
    ------
    ValueError
        If they are not a list of positive numbers.
    """
    values = np.asarray(penalties, dtype=np.float64)
    if values.ndim != 1 or not values.size or not (values > 0).all():
        raise ValueError(f"penalties must be a list of positive numbers, got {penalties}.")
    return jnp.asarray(values, dtype=dtype)


def ridge_path(
    products: Float[Array, "axis axis"],
    shared: Float[Array, "axis unit"],
    penalties: Float[Array, " penalty"],
) -> Float[Array, "penalty axis unit"]:
    """Maps of all penalties, from sums of products; see `prediction.fitted`."""
    variance, axes = jnp.linalg.eigh(products)
    variance = jnp.maximum(variance, 0)
    shrinkage = _shrinkage(variance, penalties)
    return axes @ (shrinkage[:, :, None] * (axes.T @ shared)[None])
