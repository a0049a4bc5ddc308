"""Decoding of a label from the activity of single trials, by ridge regression."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn import labels
from neurodyn.analysis.prediction.ridge import PENALTIES, as_penalties, predicted, ridge_side
from neurodyn.analysis.shared.arrays import checked, pick
from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.scaling import balanced, balanced_by
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key
from neurodyn.labels import LabelError, like, pair
from neurodyn.labels.only import only, takes
from neurodyn.labels.values import classes, is_words, missing, plain


@jax.jit
def _predict(x, y, held_out, penalties):
    return predicted(ridge_side(x, held_out, penalties), y)


@takes(label=["trial"])
@one_lapack_thread
def decode(
    activity: xr.DataArray | xr.Dataset | xr.DataTree,
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
        Dims ``(trial, time, unit)``, or ``(trial, unit)``; `latent` may stand for `unit`. Of a run
        its activity is taken, as everywhere, and not its outputs. With many times pass those of
        interest: the cost grows as their square.
    label
        Numbers or words ``(trial,)`` or ``(trial, time)``: a DataArray, matched by its labels; an
        array, in the order of the labels of `activity` (:func:`neurodyn.labels.like`); or the name
        of a coordinate of `activity`. Two words (or false and true) are decoded as 0 and 1, in
        their sorted order; of several, each against all others.
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
    constant. Of words ``label`` holds the number of each (their attribute ``classes``), and there
    are ``decoded`` (trial, time), the word that is predicted, and ``accuracy`` (time), the fraction
    of trials in which it is right; attribute ``most_frequent`` is the share of the most frequent
    word, which a guess without activity would reach. Of three words or more ``prediction`` is the
    number of the decoded one, and ``r2`` and ``correlation`` are those of all words together.

    Raises
    ------
    LabelError, ValueError
        If dims or lengths do not fit, values are not finite, the label does not vary, or there are
        fewer than three trials.

    References
    ----------
    Hoerl & Kennard, Technometrics 1970.
    """
    activity = _of_units(activity)
    label = _under_labels(activity, label)
    activity, arrived = _in_label_order(activity)
    x = _activity(activity)
    y, names = _label(activity, label, x.shape)
    # Each of several words is decoded against all others; two words need one decoder.
    goal = y[..., None] if names is None or len(names) == 2 else y[..., None] == range(len(names))
    goal = goal.astype(np.float64)
    target, size = balanced_by(goal)
    held_out = fold_masks(as_key(key), x.shape[0], n_folds_for(x.shape[0], n_folds))
    guess = np.asarray(
        _predict(x, jnp.asarray(target, x.dtype), held_out, as_penalties(penalties, x.dtype))
    ).astype(np.float64)
    mean = goal.mean((0, 1))
    r2 = 1 - ((target - guess) ** 2).sum() / (target**2).sum()
    several = goal.shape[-1] > 1
    # The indicators of several words differ in their means, which a single label may ignore.
    offset = mean / size if several else 0.0
    with np.errstate(invalid="ignore"):
        correlation = np.corrcoef((target + offset).ravel(), (guess + offset).ravel())[0, 1]
    guess = mean + size * guess
    prediction = guess.argmax(-1).astype(np.float64) if several else guess[..., 0]
    both = ("trial", "time")
    variables = {
        "prediction": (both, prediction[arrived], "1", "held-out prediction"),
        "label": (both, y[arrived], "1", "label"),
        "r2": ((), r2, "1", "fraction of the label's variance that is predicted"),
        "correlation": ((), correlation, "1", "correlation of label and prediction"),
    }
    attrs: dict[str, Any] = {"n_folds": held_out.shape[0]}
    if names is not None:
        found = guess.argmax(-1) if several else (guess[..., 0] > 0.5).astype(int)
        right = (found == y).mean(0)
        variables["decoded"] = (both, names[found][arrived], "1", "decoded label")
        variables["accuracy"] = (("time",), right, "1", "fraction of trials decoded rightly")
        share = max((y == k).mean() for k in range(len(names)))
        attrs |= {"classes": [str(name) for name in names], "most_frequent": float(share)}
    table = coords_of(activity, "trial", without=tuple(variables))
    table = {n: v[arrived].copy(data=plain(v.values[arrived])) for n, v in table.items()}
    time = ("time", np.zeros(1))
    if "time" in activity.dims:
        ticks = labels.clock(activity, what="activity", default=1.0, even=False)
        time = ("time", ticks.time, ticks.unit)
    return results(variables, {"time": time, **table}, values=False, **attrs)


def _of_units(activity: Any) -> Any:
    """The variable to decode from: activity of units, or else the only variable with trials."""
    if isinstance(activity, xr.Dataset) and "unit" in activity.dims:
        return pick(activity, what="activity")
    return only(activity, "activity", ["trial"])


def _activity(activity: xr.DataArray) -> Float[Array, "trial time unit"]:
    if not isinstance(activity, xr.DataArray):
        raise TypeError(f"`activity` must be a DataArray, got {type(activity).__name__}.")
    unit = "latent" if "latent" in activity.dims else "unit"
    if "time" not in activity.dims:
        activity = activity.expand_dims("time")
    if set(activity.dims) != {"trial", "time", unit}:
        raise LabelError(
            f"activity needs the dims trial, time and unit (or latent), got {activity.dims}."
        )
    values = checked(activity.transpose("trial", "time", unit), what="activity")
    # Remove offsets and scale, on which predictions do not depend, because float32 loses digits.
    return jnp.asarray(balanced(values), jnp.result_type(float))


def _in_label_order(activity: Any) -> tuple[Any, np.ndarray]:
    """Trials sorted by label, so that folds do not depend on their order.

    Also the new position of each trial.
    """
    if not isinstance(activity, xr.DataArray) or "trial" not in activity.dims:
        return activity, np.zeros(0, int)
    n = activity.sizes["trial"]
    if "trial" not in activity.coords:
        return activity, np.arange(n)
    order = np.argsort(activity["trial"].values, kind="stable")
    return activity.isel(trial=order), np.argsort(order)


def _under_labels(activity: Any, label: Any) -> Any:
    """Label a plain array by the trials of the activity; return anything else as it is."""
    if not isinstance(activity, xr.DataArray) or isinstance(label, (str, xr.DataArray)):
        return label
    dims = ["trial", "time"][: np.ndim(label)]
    fits = dims and np.shape(label) == tuple(activity.sizes.get(dim) for dim in dims)
    return like(label, activity, dims, what=("activity", "label")) if fits else label


def _label(
    activity: xr.DataArray, label: Any, shape: tuple
) -> tuple[np.ndarray, np.ndarray | None]:
    """The label (trial, time) as numbers, and the sorted words that they stand for, if any."""
    if isinstance(label, str):
        if label not in activity.coords:
            raise LabelError(f"activity has no coordinate '{label}': {list(activity.coords)}.")
        label = activity[label]
    if isinstance(label, xr.DataArray):
        if unknown := [dim for dim in label.dims if dim not in ("trial", "time")]:
            raise LabelError(f"`label` has dims {label.dims}: select along {unknown}.")
        label = pair(activity, label, list(map(str, label.dims)), what=("activity", "label"))[1]
        label = label.transpose("trial", ...)
    y, names = plain(label), None
    if y.dtype.kind not in "iufbU" or y.shape not in (shape[:1], shape[:2]):
        raise ValueError(
            f"`label` must be numbers or words, one for each of {shape[0]} trials (or for each of "
            f"them and of {shape[1]} times), got {y.dtype} of shape {y.shape}."
        )
    if missing(label).any():
        raise ValueError(
            f"`label` is missing in {int(missing(label).sum())} entries: select the trials that "
            "have one, of the activity, .isel(trial=...)."
        )
    if is_words(y):
        names, codes = classes(y, what="label")
        y = codes.reshape(y.shape)
    y = np.broadcast_to(y.reshape(shape[0], -1), shape[:2]).astype(np.float64)
    if not np.isfinite(y).all() or np.ptp(y) == 0:
        raise ValueError("`label` must be finite and vary over trials.")
    return y, names
