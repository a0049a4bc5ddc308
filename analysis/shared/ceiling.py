"""Reliability of a recording, and the scores that it allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import checked, pick, rows
from neurodyn.analysis.shared.conditions import condition_codes, condition_means
from neurodyn.analysis.shared.correlation import pearson
from neurodyn.analysis.shared.resampling import Trials, group_trials, split_means
from neurodyn.analysis.shared.results import coords_of, table
from neurodyn.analysis.shared.scaling import balanced
from neurodyn.common.random import as_key
from neurodyn.labels import LabelError, pair
from neurodyn.labels.only import takes
from neurodyn.labels.roles import chosen

CeilingKind = Literal["sqrt", "consistency"]


def spearman_brown(r, n: float = 2):
    """Reliability of the mean of `n` parts whose correlation is `r`: ``n r / (1 + (n - 1) r)``.

    Parameters
    ----------
    r
        Correlation between parts, anything array-like.
    n
        Number of parts; 2 takes a split half to the whole.

    Returns
    -------
    The reliability, in the type that `r` has. NaN where ``1 + (n - 1) r`` is not above 0 (for two
    parts: at ``r = -1``), because parts that correlate so cancel: their mean has no variance, and
    so no reliability. Close to it, values fall without bound.

    References
    ----------
    Spearman (1910), Br. J. Psychol. 3:271; Brown (1910), ibid. 3:296.

    Examples
    --------
    >>> spearman_brown(0.5)
    0.6666666666666666
    """
    if isinstance(r, xr.DataArray):
        return r.copy(data=spearman_brown(r.values, n))
    xp: Any = jnp if isinstance(r, jax.Array) else np
    r = r if isinstance(r, jax.Array) else np.asarray(r, np.float64)
    spread = 1 + (n - 1) * r
    whole = xp.where(spread > 0, n * r / xp.where(spread > 0, spread, 1), xp.nan)
    return float(whole) if xp is np and whole.ndim == 0 else whole


def attainable(reliability, kind: CeilingKind):
    """Best expected correlation with data of this reliability; NaN where that is negative.

    "sqrt": that of a noiseless model with the mean over all trials. "consistency": that of the mean
    with another of as many trials, the reliability itself.
    """
    if kind not in ("sqrt", "consistency"):
        raise ValueError(f"ceiling_kind is 'sqrt' or 'consistency', got {kind!r}.")
    positive = np.where(reliability > 0, reliability, np.nan)
    return np.sqrt(positive) if kind == "sqrt" else positive


@jax.jit
def split_half_r(keys, trials: Trials) -> Float[Array, "split unit"]:
    """Correlation between halves for each split, over conditions and times."""
    return jax.lax.map(lambda key: pearson(*split_means(key, trials)), keys)


def refuse_single_trials(trials: Trials, means: xr.DataArray) -> None:
    """Raise if a condition cannot be split.

    Raises
    ------
    LabelError
        Naming the conditions with fewer than two trials.
    """
    few = np.flatnonzero((trials.counts < 2).any(axis=0))
    if few.size:
        spelt = [
            str(means["condition"].values[i]) if "condition" in means.coords else i for i in few
        ]
        raise LabelError(
            f"split halves need two trials of each condition; these have fewer: {spelt[:12]}"
            f"{f' ({few.size} in all)' if few.size > 12 else ''}. Leave them out, or condition on "
            "fewer labels."
        )


def split_half_reliability(
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None = None,
    *,
    n_splits: int = 100,
    key: Any = 0,
    variable: str | None = None,
) -> xr.Dataset:
    """Reliability of each unit's condition means, from random halves of its trials.

    The trials of each condition are split in two, averaged, and the halves correlated over
    conditions and times; the mean of r over splits is taken to the full number of trials by the
    Spearman-Brown formula.

    Parameters
    ----------
    activity
        Trials ``(trial, time, unit)`` with labels, or two given halves
        ``(repetition, condition, time, unit)``.
    by
        Labels that make a condition (for trials); default: the conditions of the task, where a run
        knows them.
    n_splits
        Number of random splits.
    key
        Seed or JAX key of the splits.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset with ``split_half`` and ``reliability`` on ``unit``. Negative values are kept; a
    constant unit is NaN.

    Raises
    ------
    LabelError
        If a condition has a single trial, or labels or values are missing.
    """
    array = pick(activity, variable)
    if "repetition" in array.dims:
        a, b = given_halves(array)
        r, by = np.asarray(pearson(a, b))[None], None
    else:
        if rows(array) == "condition":
            raise LabelError(
                "reliability needs single trials, or halves on a dim 'repetition' of size 2; these "
                "are condition means."
            )
        if n_splits < 1:
            raise ValueError(f"n_splits must be 1 at least, got {n_splits}.")
        by = chosen(array, by)
        means = condition_means(array, by)
        codes = condition_codes(array, means, by)
        n = means.sizes["condition"]
        trials = group_trials(array, codes, n, what="activity", balance=True)
        refuse_single_trials(trials, means)
        keys = jax.random.split(as_key(key), n_splits)
        r = np.asarray(split_half_r(keys, trials))
    half = r.mean(axis=0, dtype=np.float64)
    whole = spearman_brown(half)
    variables = {
        "split_half": ("unit", half, "1", "correlation between halves of the trials"),
        "reliability": ("unit", whole, "1", "reliability of the mean over trials"),
    }
    return table(variables, coords_of(array, "unit"), n_splits=len(r), by=", ".join(by or []))


def given_halves(array: xr.DataArray) -> Float[Array, "2 condition time unit"]:
    """The two halves of a recording on the dim ``repetition``, without offsets and scale."""
    if array.sizes["repetition"] != 2:
        raise LabelError(
            f"'repetition' must hold two halves of the trials, got {array.sizes['repetition']}; "
            "average odd and even repetitions first."
        )
    array = array.transpose("repetition", "condition", ..., "unit")
    values = balanced(checked(array, what="the halves"))
    values = values.reshape(*values.shape[:2], -1, values.shape[-1])
    return jnp.asarray(values, jnp.result_type(float))


def listed(units: xr.DataArray, chosen: np.ndarray) -> str:
    """Labels of the chosen units as text, because netCDF turns lists of one into scalars."""
    return ", ".join(str(unit) for unit in units.values[chosen])


@takes(score=["unit"], reliability=["unit"])
def corrected(
    score: xr.DataArray,
    reliability: xr.DataArray,
    *,
    ceiling_kind: CeilingKind = "sqrt",
    min_ceiling: float = 0.3,
) -> xr.DataArray:
    """Divide correlations by the correlation that the noise in the data allows.

    Parameters
    ----------
    score
        Correlation of a model with each unit's mean over trials, dim ``unit``.
    reliability
        Reliability of those means, as from `split_half_reliability`; of the same units, in any
        order.
    ceiling_kind
        "sqrt": divide by the square root of the reliability, the correlation that a perfect,
        noiseless model would reach. "consistency": divide by the reliability itself, as some
        benchmarks do; smaller corrections are then larger.
    min_ceiling
        Units whose reliability is lower become NaN and are listed in attributes ``n_dropped`` and
        ``dropped``, because a score divided by a reliability near 0 says nothing about the model.

    Returns
    -------
    DataArray like `score`. Values above 1 happen by chance and are not clipped.

    Raises
    ------
    ValueError
        For an unknown `ceiling_kind`.
    LabelError
        If the two are of other units.
    """
    shared = [str(dim) for dim in reliability.dims]
    reliability = pair(score, reliability, shared, what=("score", "reliability"))[1]
    kept = reliability >= min_ceiling
    bound = reliability.copy(data=attainable(reliability.values, ceiling_kind))
    values = xr.where(kept, score / bound, np.nan)
    return values.transpose(*score.dims).assign_attrs(
        units="1",
        long_name="noise-corrected correlation",
        ceiling_kind=ceiling_kind,
        min_ceiling=float(min_ceiling),
        n_dropped=int((~kept).sum()),
        dropped=listed(reliability["unit"], ~kept.values),
    )
