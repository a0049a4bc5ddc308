"""Activity and labels of single trials, checked and in the order of their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import checked, pick
from neurodyn.analysis.shared.scaling import balanced, balanced_by
from neurodyn.labels import LabelError, like, pair
from neurodyn.labels.only import only
from neurodyn.labels.values import classes, is_words, missing, plain


@dataclass(frozen=True)
class Target:
    """What is decoded.

    Attributes
    ----------
    codes
        The label as numbers: its values, or the numbers of its classes.
    names
        The classes, None for a continuous label.
    goal
        What is predicted: the label without offset and scale, or which class it is of.
    size, mean
        Scale and offset of `goal` that were taken out.
    """

    codes: Float[np.ndarray, "trial time"]
    names: np.ndarray | None
    goal: Float[np.ndarray, "trial time column"]
    size: float
    mean: float

    @property
    def n_classes(self) -> int:
        """Number of classes, 0 for a continuous label."""
        return 0 if self.names is None else len(self.names)

    @property
    def middle(self) -> float:
        """Value of a single column between two classes."""
        return (0.5 - self.mean) / self.size


def target(codes: np.ndarray, names: np.ndarray | None, *, one_each: bool) -> Target:
    """Make one column of a continuous label or of two classes, else one for each class."""
    if names is not None and (one_each or len(names) > 2):
        goal = (codes[..., None] == np.arange(len(names))).astype(np.float64)
        return Target(codes, names, goal, 1.0, 0.0)
    goal, size = balanced_by(codes[..., None])
    return Target(codes, names, goal, size, float(codes.mean()))


def of_units(activity: Any) -> Any:
    """The variable to decode from: activity of units, or else the only variable with trials."""
    if isinstance(activity, xr.Dataset) and "unit" in activity.dims:
        return pick(activity, what="activity")
    return only(activity, "activity", ["trial"])


def trial_activity(activity: xr.DataArray) -> Float[Array, "trial time unit"]:
    """Activity of trials, checked, without offsets and scale."""
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


def in_label_order(activity: Any) -> tuple[Any, np.ndarray]:
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


def under_labels(activity: Any, label: Any) -> Any:
    """Label a plain array by the trials of the activity; return anything else as it is."""
    if not isinstance(activity, xr.DataArray) or isinstance(label, (str, xr.DataArray)):
        return label
    dims = ["trial", "time"][: np.ndim(label)]
    fits = dims and np.shape(label) == tuple(activity.sizes.get(dim) for dim in dims)
    return like(label, activity, dims, what=("activity", "label")) if fits else label


def label_values(
    activity: xr.DataArray, label: Any, shape: tuple[int, ...], *, as_classes: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """The label (trial, time) as numbers, and the sorted classes that they stand for, if any.

    Words are classes; numbers are if a decoder of classes asks for it.
    """
    y, absent = _values(activity, label, "label")
    names = None
    if y.dtype.kind not in "iufbU" or y.shape not in (shape[:1], shape[:2]):
        raise ValueError(
            f"`label` must be numbers or words, one for each of {shape[0]} trials (or for each of "
            f"them and of {shape[1]} times), got {y.dtype} of shape {y.shape}."
        )
    if absent.any():
        raise ValueError(
            f"`label` is missing in {int(absent.sum())} entries: select the trials that "
            "have one, of the activity, .isel(trial=...)."
        )
    if is_words(y) or as_classes:
        names, codes = classes(y, what="label")
        y = codes.reshape(y.shape)
    y = np.broadcast_to(y.reshape(shape[0], -1), shape[:2]).astype(np.float64)
    if not np.isfinite(y).all() or np.ptp(y) == 0:
        raise ValueError("`label` must be finite and vary over trials.")
    return y, names


def group_codes(activity: xr.DataArray, groups: Any, n_trials: int) -> np.ndarray:
    """Number of the group of each trial; each its own without `groups`."""
    if groups is None:
        return np.arange(n_trials)
    columns = groups if isinstance(groups, (list, tuple)) else [groups]
    found = [_values(activity, column, "groups") for column in columns]
    for column, absent in found:
        if column.shape != (n_trials,) or absent.any():
            raise ValueError(
                f"`groups` must give each of {n_trials} trials a group, got shape {column.shape} "
                f"with {int(absent.sum())} missing."
            )
    codes = np.stack([classes(column, what="groups")[1] for column, _ in found])
    return np.unique(codes, axis=1, return_inverse=True)[1].ravel()


def _values(activity: xr.DataArray, label: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Plain values of a label in the order of the trials of the activity, and which are missing."""
    if isinstance(label, str):
        if label not in activity.coords:
            raise LabelError(f"activity has no coordinate '{label}': {list(activity.coords)}.")
        label = activity[label]
    if isinstance(label, xr.DataArray):
        if unknown := [dim for dim in label.dims if dim not in ("trial", "time")]:
            raise LabelError(f"`{what}` has dims {label.dims}: select along {unknown}.")
        label = pair(activity, label, list(map(str, label.dims)), what=("activity", what))[1]
        label = label.transpose("trial", ...)
    return plain(label), np.asarray(missing(label))
