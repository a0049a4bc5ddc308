"""What can be read from the activity of single trials: a label, by ridge regression."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn import labels
from neurodyn.analysis.arrays import balanced, balanced_by
from neurodyn.analysis.predictivity import (
    PENALTIES,
    as_penalties,
    fold_masks,
    n_folds_for,
    predicted,
    ridge_side,
)
from neurodyn.analysis.threads import one_lapack_thread
from neurodyn.labels import LabelError, like, pair
from neurodyn.system import as_key

__all__ = ["decode"]


@jax.jit
def _predict(x, y, held_out, penalties):
    return predicted(ridge_side(x, held_out, penalties), y)


@one_lapack_thread
def decode(
    activity: xr.DataArray,
    label: Any,
    *,
    n_folds: int | None = None,
    penalties: Any = PENALTIES,
    key: Any = 0,
) -> xr.Dataset:
    r"""Decode a label of each trial (or of each trial and time) from activity in other trials.

    Ridge regression with an intercept, the same at all times, cross-validated over trials: all
    times of a trial are held out together, and the penalty is chosen within the training trials.

    Parameters
    ----------
    activity
        Dims ``(trial, time, unit)``, or ``(trial, unit)``; `latent` may stand for `unit`. With many
        times pass those of interest: the cost grows as their square.
    label
        Numbers ``(trial,)`` or ``(trial, time)``: a DataArray, matched by its labels; an array, in
        the order of the labels of `activity` (:func:`neurodyn.labels.like`); or the name of a
        coordinate of `activity`. A choice is decoded as 0 and 1.
    n_folds
        Folds over trials; default 10, or one a trial where there are fewer.
    penalties
        Ridge penalties to choose from, as for :func:`neurodyn.analysis.ridge_r`.
    key
        Seed or key of the folds.

    Returns
    -------
    Dataset: ``prediction`` (trial, time) for held-out trials, and over all of them
    ``r2`` = :math:`1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2`, which is below 0 where the mean
    label would be the better guess; ``correlation`` of label and prediction, NaN where either is
    constant.

    Raises
    ------
    LabelError, ValueError
        If dims or lengths do not fit, values are not finite, the label does not vary, or there are
        fewer than three trials.

    References
    ----------
    Hoerl & Kennard, Technometrics 1970.
    """
    label = _under_labels(activity, label)
    activity, arrived = _in_label_order(activity)
    x = _activity(activity)
    y = _label(activity, label, x.shape)
    middle = y.mean()
    target, size = balanced_by(y[..., None])
    held_out = fold_masks(as_key(key), x.shape[0], n_folds_for(x.shape[0], n_folds))
    guess = np.asarray(
        _predict(x, jnp.asarray(target, x.dtype), held_out, as_penalties(penalties, x.dtype))
    )[..., 0].astype(np.float64)
    guess = middle + size * guess
    r2 = 1 - ((y - guess) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    with np.errstate(invalid="ignore"):
        correlation = np.corrcoef(y.ravel(), guess.ravel())[0, 1]
    variables = {
        "prediction": (("trial", "time"), guess[arrived], "1", "prediction in held-out trials"),
        "label": (("trial", "time"), y[arrived], "1", "label"),
        "r2": ((), r2, "1", "fraction of the label's variance that is predicted"),
        "correlation": ((), correlation, "1", "correlation of label and prediction"),
    }
    table = {str(n): c.variable for n, c in activity.coords.items() if c.dims == ("trial",)}
    table = {n: v[arrived] for n, v in table.items() if n not in variables and v.dtype != object}
    time = ("time", np.zeros(1))
    if "time" in activity.dims:
        ticks = labels.clock(activity, what="activity", default=1.0, even=False)
        time = ("time", ticks.time, ticks.unit)
    return labels.dataset(
        variables,
        {"time": time, **table},
        source="analysis",
        kind="statistic",
        attrs={"n_folds": held_out.shape[0]},
        values=False,
    )


def _activity(activity: xr.DataArray) -> Float[Array, "trial time unit"]:
    if not isinstance(activity, xr.DataArray):
        raise TypeError(f"`activity` must be a DataArray, got {type(activity).__name__}.")
    unit = "latent" if "latent" in activity.dims else "unit"
    if "time" not in activity.dims:
        activity = activity.expand_dims("time")
    if set(activity.dims) != {"trial", "time", unit}:
        raise LabelError(f"activity needs the dims trial, time and unit, got {activity.dims}.")
    values = activity.transpose("trial", "time", unit).values
    if not np.isfinite(values).all():
        raise LabelError("activity holds NaN or infinite values: cut trials to a common window.")
    # Predictions depend neither on offsets nor on the scale, which float32 would lose.
    return jnp.asarray(balanced(values), jnp.result_type(float))


def _in_label_order(activity: Any) -> tuple[Any, np.ndarray]:
    """Trials in the order of their labels, so that folds do not depend on how they came.

    Also where each trial that came has gone.
    """
    if not isinstance(activity, xr.DataArray) or "trial" not in activity.dims:
        return activity, np.zeros(0, int)
    n = activity.sizes["trial"]
    if "trial" not in activity.coords:
        return activity, np.arange(n)
    order = np.argsort(activity["trial"].values, kind="stable")
    return activity.isel(trial=order), np.argsort(order)


def _under_labels(activity: Any, label: Any) -> Any:
    """An array as the labelled array that it stands for; others as they came."""
    if not isinstance(activity, xr.DataArray) or isinstance(label, (str, xr.DataArray)):
        return label
    dims = ["trial", "time"][: np.ndim(label)]
    fits = dims and np.shape(label) == tuple(activity.sizes.get(dim) for dim in dims)
    return like(label, activity, dims, what=("activity", "label")) if fits else label


def _label(activity: xr.DataArray, label: Any, shape: tuple) -> np.ndarray:
    """The label (trial, time)."""
    if isinstance(label, str):
        if label not in activity.coords:
            raise LabelError(f"activity has no coordinate '{label}': {list(activity.coords)}.")
        label = activity[label]
    if isinstance(label, xr.DataArray):
        if unknown := [dim for dim in label.dims if dim not in ("trial", "time")]:
            raise LabelError(f"`label` has dims {label.dims}: select along {unknown}.")
        label = pair(activity, label, list(map(str, label.dims)), what=("activity", "label"))[1]
        label = label.transpose("trial", ...)
    y = np.asarray(label)
    if y.dtype.kind not in "iufb" or y.shape not in (shape[:1], shape[:2]):
        raise ValueError(
            f"`label` must be numbers, one for each of {shape[0]} trials (or for each of them and "
            f"of {shape[1]} times), got {y.dtype} of shape {y.shape}."
        )
    y = np.broadcast_to(y.reshape(shape[0], -1), shape[:2]).astype(np.float64)
    if not np.isfinite(y).all() or np.ptp(y) == 0:
        raise ValueError("`label` must be finite and vary over trials.")
    return y
