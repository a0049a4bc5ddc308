"""A recording as measures and readouts need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.comparison.measures import pairwise_measures
from neurodyn.analysis.prediction.ridge import as_penalties
from neurodyn.analysis.shared.arrays import checked, pick
from neurodyn.analysis.shared.conditions import condition_means
from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.measure import CrossValidation, Measure, Pairwise
from neurodyn.analysis.shared.scaling import balanced
from neurodyn.labels import LabelError, between
from neurodyn.labels.values import classes, is_words, plain


def measure_of(given: str | Measure) -> Measure:
    """Look up the one measure that is asked about.

    Raises
    ------
    ValueError
        If it is not known, describes one population, or there are several.
    """
    found = pairwise_measures(given)
    if len(found) > 1:
        raise ValueError(f"one measure at a time, got {[m.name for m in found]}: call for each.")
    return found[0]


class Target(NamedTuple):
    """Condition means of a recording, in double precision.

    Attributes
    ----------
    means
        With their labels, ``(condition, time, unit)``.
    y
        The same without offsets and scale.
    variables
        Task variables: the columns ``(condition, column)`` of each, one for numbers, one a word.
    folds
        Folds over conditions, and penalties.
    """

    means: xr.DataArray
    y: Float[Array, "condition time unit"]
    variables: dict[str, Float[np.ndarray, "condition column"]]
    folds: CrossValidation


def target_of(
    recording: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None,
    window: Sequence[float] | None,
    variable: str | None,
    n_folds: int | None,
    penalties: ArrayLike | Sequence[float],
    key: Any,
) -> Target:
    """Average trials by condition, and read the task variables; in a scope of 64-bit numbers.

    Raises
    ------
    LabelError
        If units do not vary, values are missing, or conditions have no labels that vary.
    """
    means = condition_means(pick(recording, variable, what="the recording"), by)
    if others := [str(d) for d in means.dims if d not in ("condition", "time", "unit")]:
        raise LabelError(
            f"the recording has the dims {others} beside condition, time and unit: select one "
            f"entry, .isel({others[0]}=0)."
        )
    means = means if window is None else between(means, window)
    means = means.transpose("condition", "time", "unit")
    # Sorted by label, because folds and noise depend on the order of conditions.
    means = means.sortby("condition") if "condition" in means.indexes else means
    values = checked(means, what="the recording").astype(np.float64)
    silent = np.ptp(values, axis=(0, 1)) == 0
    if silent.any():
        raise LabelError(
            f"{int(silent.sum())} of {len(silent)} units do not vary over conditions and times, so "
            "that nothing can be read out of them: leave them out, .isel(unit=...)."
        )
    names = [by] if isinstance(by, str) else list(by or _labels_of(means))
    if not names:
        raise LabelError(
            "conditions have no labels that vary, so there is no task variable to read out: name "
            "some, assign_coords(side=('condition', [...])), or average trials, by=."
        )
    variables = {name: columns(means, name) for name in names}
    n = means.sizes["condition"]
    held_out = fold_masks(key, n, n_folds_for(n, n_folds))
    y = jnp.asarray(balanced(values), jnp.float64)
    return Target(means, y, variables, CrossValidation(held_out, as_penalties(penalties, y.dtype)))


def _labels_of(means: xr.DataArray) -> list[str]:
    """Coordinates of conditions that vary; counts of trials are none of the task."""
    found = [
        str(n)
        for n, c in means.coords.items()
        if c.dims == ("condition",) and n not in ("condition", "n_trials")
    ]
    return [n for n in found if len(set(means[n].values.tolist())) > 1]


def columns(means: xr.DataArray, name: str) -> Float[np.ndarray, "condition column"]:
    """A task variable as numbers: itself, or a column of 0 and 1 for each of several words."""
    if name not in means.coords or means[name].dims != ("condition",):
        known = [str(n) for n, c in means.coords.items() if c.dims == ("condition",)]
        raise LabelError(f"conditions have no label {name!r}: they have {', '.join(known)}.")
    label = plain(means[name])
    if is_words(label):
        words, codes = classes(label, what=name)
        found = codes[:, None] == np.arange(len(words))
        found = (found[:, 1:] if len(words) == 2 else found).astype(np.float64)
    else:
        found = label.astype(np.float64)[:, None]
    if not np.isfinite(found).all() or np.ptp(found) == 0:
        raise LabelError(f"the label {name!r} must be known in all conditions, and vary.")
    return found


def value(how: Pairwise, x: Array, y: Array, folds: CrossValidation) -> Float[Array, ""]:
    """Score of data beside a recording; the mean over units where each has its own."""
    return jnp.mean(how.score(how.prepare(x, folds), y))


def sign_of(measure: Measure) -> float:
    """1 where higher scores mean that two populations are more alike, else -1."""
    return 1.0 if measure.higher_is_better else -1.0
