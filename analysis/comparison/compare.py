"""Compare a run with a recording: scores with their ceiling and their null."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.tree_util import Partial
from jax.typing import ArrayLike

from neurodyn.analysis.comparison.comparison import Result, labelled
from neurodyn.analysis.comparison.measures import pairwise_measures
from neurodyn.analysis.comparison.null import permuted
from neurodyn.analysis.prediction.ridge import PENALTIES, as_penalties
from neurodyn.analysis.shared.ceiling import (
    CeilingKind,
    attainable,
    spearman_brown,
    split_half_r,
)
from neurodyn.analysis.shared.correlation import pearson
from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.measure import CrossValidation, Measure, Pairwise
from neurodyn.analysis.shared.pairing import Join, Pair, pair_up
from neurodyn.analysis.shared.resampling import Trials, shuffled_means, split_means
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key


@one_lapack_thread
def compare(
    run: xr.Dataset | xr.DataArray,
    rec: xr.Dataset | xr.DataArray,
    metrics: str | Measure | Sequence[str | Measure] = (
        "cka",
        "debiased_cka",
        "procrustes",
        "ridge_r",
    ),
    *,
    by: str | Sequence[str] | None = None,
    join: Join = "exact",
    min_trials: int = 1,
    window: Sequence[float | int] | None = None,
    n_splits: int = 20,
    n_null: int = 200,
    n_folds: int | None = None,
    penalties: ArrayLike | Sequence[float | int] = PENALTIES,
    ceiling_kind: CeilingKind = "sqrt",
    min_ceiling: float = 0.3,
    variable: str | tuple[str | None, str | None] | None = None,
    key: Any = 0,
) -> xr.Dataset:
    """Compare a run with a recording, condition by condition and time bin by time bin.

    Trials are averaged within conditions; conditions are matched by their labels; the run is
    averaged within the recording's time bins. Every measure comes with a ceiling, which follows
    from the reliability of the recording, and with a null distribution, from shuffled conditions.

    Parameters
    ----------
    run
        Dims ``(trial | condition, time, unit)``, with a dim ``seed`` for an ensemble.
    rec
        Dims ``(trial | condition, time, unit)``. Condition means may come with the means of two
        halves of the trials, on a dim ``repetition`` of size 2: as a further variable, or instead.
    metrics
        Measures: names from `MEASURES`, or a `Measure` of your own.
    by
        Labels that make a condition. Default: the labels of the side that is averaged; of two
        sides with trials the conditions of the task, where a run knows them. The attribute ``by``
        of the result names them.
    join
        "exact": both sides must have the same conditions. "inner": compare those that both have;
        the attributes say how many were left out.
    min_trials
        Conditions with fewer trials, on either side, count as missing. For the ceiling every
        condition needs two.
    window
        Compare bins whose centres lie in ``[start, stop)`` [ms] only. Default: all bins that the
        run covers.
    n_splits
        Random splits of the recording's trials for the ceiling.
    n_null
        Shuffles for the null; 0 leaves it out.
    n_folds, penalties
        For "ridge_r", see `ridge_r`.
    ceiling_kind, min_ceiling
        For measures of single units, see `corrected`: units below `min_ceiling` are left out of the
        summary and listed in the attributes.
    variable
        Which variable, of both sides or ``(of the run, of the recording)``.
    key
        Seed or JAX key of folds, splits and shuffles.

    Returns
    -------
    Dataset with, for each ``metric``:

    - ``score`` (metric, seed): for measures of single units the median over the units kept;
    - ``ceiling`` (metric): the same measure between the means of two halves of the recording's
      trials, averaged over splits (half the trials are noisier than all, so that a good model may
      pass it); for measures of single units the median of the attainable correlation, from the
      split-half reliability after Spearman and Brown;
    - ``corrected`` (metric, seed): median of the noise-corrected scores of units;
    - ``null`` (metric, seed, draw) and ``p_value`` (metric, seed), one-sided. With single trials of
      the recording their condition labels are shuffled, else the order of its condition means;
    - ``unit_score`` and ``unit_corrected`` (metric, seed, unit), ``unit_ceiling`` (metric, unit),
      ``reliability`` (unit) and ``kept`` (unit), if a measure scores single units.

    ``seed`` is left out for a single run. Values that do not apply are NaN; the attribute
    ``ceiling_note`` gives the reason for a missing ceiling.

    Raises
    ------
    LabelError
        If conditions or times do not match (both sides are listed), or values are missing.
    ValueError
        For unknown measures, or too few conditions to cross-validate.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import labels
    >>> def population(gain, source):
    ...     wave = np.sin(np.arange(4)[:, None] + np.arange(10)[None, :])
    ...     return labels.dataset(
    ...         {"rate": (("condition", "time", "unit"), wave[..., None] * gain, "Hz", "rate")},
    ...         {"time": labels.time_axis(10, 20.0), "side": ("condition", [0, 1, 2, 3])},
    ...         source=source,
    ...     )
    >>> score = compare(
    ...     population(np.array([1.0, 2.0]), "model"),
    ...     population(np.array([1.0, -1.0, 3.0]), "recording"),
    ...     ["cka"],
    ...     n_null=0,
    ... )
    >>> round(float(score["score"].sel(metric="cka")), 3)
    1.0
    """
    measures = pairwise_measures(metrics)
    if n_splits < 1 or n_null < 0 or min_trials < 1:
        raise ValueError(
            "n_splits and min_trials must be 1 at least and n_null 0 at least, got "
            f"n_splits={n_splits}, min_trials={min_trials}, n_null={n_null}."
        )
    attainable(np.ones(1), ceiling_kind)
    pair = pair_up(
        run, rec, by=by, join=join, min_trials=min_trials, window=window, variable=variable
    )
    fold_key, split_key, null_key = jax.random.split(as_key(key), 3)
    folds = _folds(pair, measures, fold_key, n_folds, penalties)
    reliability, halves_of = _halves(pair, jax.random.split(split_key, n_splits))
    results = []
    for measure in measures:
        how = measure.pairwise
        score = np.asarray(_scores(how, pair.x, pair.y, folds), np.float64)
        _check_shape(measure, score, pair)
        null = _null(how, pair, jax.random.split(null_key, n_null), folds) if n_null else None
        ceiling = np.nan
        if not how.per_unit and halves_of is not None:
            ceiling = float(np.mean(halves_of(how, folds)))
        results.append(Result(measure, score, null, ceiling))
    return labelled(
        results, pair, reliability, n_splits, ceiling_kind=ceiling_kind, min_ceiling=min_ceiling
    )


def _folds(pair: Pair, measures: list[Measure], key, n_folds, penalties) -> CrossValidation:
    n = pair.y.shape[0]
    if not any(measure.pairwise.cross_validated for measure in measures):
        n_folds, n = 1, 1
    else:
        n_folds = n_folds_for(n, n_folds)
    return CrossValidation(fold_masks(key, n, n_folds), as_penalties(penalties, pair.y.dtype))


def _check_shape(measure: Measure, score: np.ndarray, pair: Pair) -> None:
    """Refuse a score whose shape is not the one that the measure declares."""
    wanted = (len(pair.x), pair.y.shape[-1])[: 1 + measure.pairwise.per_unit]
    if score.shape != wanted:
        raise ValueError(
            f"the `score` of measure {measure.name!r} has shape {score.shape[1:]} instead of "
            f"{wanted[1:]}: return a scalar, or one value for each recorded unit and pass "
            "per_unit=True to its Pairwise."
        )


@partial(jax.jit, static_argnames="how")
def _scores(how: Pairwise, x, y, folds: CrossValidation):
    return jax.vmap(lambda member: how.score(how.prepare(member, folds), y))(x)


@partial(jax.jit, static_argnames="how")
def _of_draws(how: Pairwise, x, folds: CrossValidation, keys, draw: Partial):
    sides = jax.vmap(lambda member: how.prepare(member, folds))(x)

    def one(key):
        y = draw(key)
        return jax.vmap(lambda side: how.score(side, y))(sides)

    return jnp.moveaxis(jax.lax.map(one, keys), 0, 1)


def _null(how: Pairwise, pair: Pair, keys, folds: CrossValidation) -> np.ndarray:
    if pair.trials is None:
        draw = Partial(permuted, y=pair.y)
    else:
        draw = Partial(shuffled_means, trials=pair.trials)
    return np.asarray(_of_draws(how, pair.x, folds, keys, draw), np.float64)


@partial(jax.jit, static_argnames="how")
def _between(how: Pairwise, halves, folds: CrossValidation):
    return how.score(how.prepare(halves[0], folds), halves[1])


@partial(jax.jit, static_argnames="how")
def _between_splits(how: Pairwise, keys, trials: Trials, folds: CrossValidation):
    return jax.lax.map(lambda key: _between(how, split_means(key, trials), folds), keys)


def _halves(pair: Pair, keys):
    """Reliability of the units, and a function from a measure to its values between halves."""
    if pair.unsplit:
        return None, None
    if pair.halves is not None:
        r = np.asarray(pearson(*pair.halves), np.float64)
        return spearman_brown(r), lambda how, folds: _between(how, pair.halves, folds)
    r = np.asarray(split_half_r(keys, pair.trials), np.float64).mean(axis=0)
    return spearman_brown(r), lambda how, folds: _between_splits(how, keys, pair.trials, folds)
