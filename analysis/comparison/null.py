"""Null distributions: scores with shuffled conditions, and p-values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
import xarray as xr
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.comparison.exchange import permuted
from neurodyn.analysis.shared.arrays import pick, rows, traces
from neurodyn.analysis.shared.conditions import condition_codes, condition_means
from neurodyn.analysis.shared.resampling import group_trials, shuffled_means
from neurodyn.analysis.shared.scaling import warn_if_lost
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key
from neurodyn.labels import pair
from neurodyn.labels.roles import chosen

Numbers = ArrayLike | Sequence[float | int] | xr.DataArray


def p_value(score: Numbers, null: Numbers, *, higher_is_better: bool = True) -> Any:
    """One-sided p-value of a score under a null distribution, ``(1 + b) / (1 + n)``.

    Parameters
    ----------
    score
        Observed values, any shape.
    null
        Null draws along the last axis: the shape of `score` and ``(draw,)``; or labelled as `score`
        is, with one more dim.
    higher_is_better
        Whether b counts draws at least as high, or at least as low, as the score.

    Returns
    -------
    p-values, never below ``1 / (1 + n)``; NaN where the score is NaN. A DataArray where `score` is
    labelled, else an array.

    References
    ----------
    Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9:39.

    Examples
    --------
    >>> p_value(0.5, [0.1, 0.2, 0.6])
    array(0.5)
    """
    if isinstance(score, xr.DataArray) and isinstance(null, xr.DataArray):
        shared = [str(dim) for dim in score.dims]
        null = pair(score, null, shared, what=("score", "null"))[1].transpose(*shared, ...)
    labelled = score
    score, null = np.asarray(score), np.asarray(null)
    as_good = null >= score[..., None] if higher_is_better else null <= score[..., None]
    n = np.isfinite(null).sum(axis=-1)
    p = np.where(np.isnan(score), np.nan, (1 + as_good.sum(axis=-1)) / (1 + n))
    if not isinstance(labelled, xr.DataArray):
        return p
    about = {"units": "1", "long_name": "one-sided p-value"}
    return labelled.copy(data=p).rename("p_value").assign_attrs(about)


@partial(jax.jit, static_argnames="statistic")
def _of_draws(keys, draw: Partial, statistic):
    return jax.lax.map(lambda key: statistic(draw(key)), keys)


@one_lapack_thread
def shuffle_null(
    statistic: Callable[[Float[Array, "condition time unit"]], Array],
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None = None,
    *,
    n: int = 200,
    key: Any = 0,
    variable: str | None = None,
) -> xr.DataArray:
    """Distribution of a statistic of condition means when condition labels are shuffled.

    With single trials, labels are permuted among trials before averaging, so that the means hold
    noise and the time course common to all conditions. With condition means, the conditions are
    permuted, so that every mean is real but stands for another condition.

    Parameters
    ----------
    statistic
        Function of an array ``(condition, time, unit)``, in JAX; compiled once per function, so
        define it outside of loops. Its array has the offset and the scale of the data, in the
        precision of JAX; a warning says where that is too coarse.
    activity
        Dims ``(trial | condition, time, unit)``.
    by
        Labels that make a condition (for trials); default: the conditions of the task, where a run
        knows them.
    n
        Number of shuffles.
    key
        Seed or JAX key.
    variable
        Which variable of a Dataset.

    Returns
    -------
    DataArray with dim ``draw``; further axes of the statistic follow as ``axis_0``, ...

    Raises
    ------
    LabelError
        If labels or values are missing.
    """
    if n < 1:
        raise ValueError(f"n is the number of shuffles, 1 at least, got {n}.")
    array = pick(activity, variable)
    # The statistic may depend on offset and scale, so they stay.
    warn_if_lost(array.values, what="activity", stacklevel=4)
    keys = jax.random.split(as_key(key), n)
    if rows(array) == "trial":
        by = chosen(array, by)
        means = condition_means(array, by)
        codes = condition_codes(array, means, by)
        trials = group_trials(array, codes, means.sizes["condition"], what="activity")
        draw = Partial(shuffled_means, trials=trials)
        kind = f"trial labels shuffled ({', '.join(by)})"
    else:
        y = traces(array)
        draw = Partial(permuted, y=y.reshape(y.shape[0], -1, y.shape[-1]))
        kind = "conditions permuted"
    values = np.asarray(_of_draws(keys, draw, statistic))
    dims = ("draw", *[f"axis_{i}" for i in range(values.ndim - 1)])
    return xr.DataArray(
        values, dims=dims, attrs={"units": "1", "long_name": "null distribution", "null": kind}
    )
