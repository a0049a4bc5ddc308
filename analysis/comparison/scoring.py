"""Scores of one run against one recording, with ceiling, null and interval.

Every part that is computed often (splits, shuffles, draws of a bootstrap) is one compiled program
for each measure and shape.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.tree_util import Partial
from jaxtyping import Array, Bool

from neurodyn.analysis.comparison import redraws
from neurodyn.analysis.comparison.comparison import Redrawn, Result, labelled
from neurodyn.analysis.comparison.exchange import exchangeable, null_draw
from neurodyn.analysis.comparison.levels import Drawn, plan_of
from neurodyn.analysis.comparison.settings import Settings
from neurodyn.analysis.prediction.ridge import as_penalties
from neurodyn.analysis.shared.bootstrap import known_mean
from neurodyn.analysis.shared.ceiling import spearman_brown, split_half_r
from neurodyn.analysis.shared.correlation import pearson
from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.measure import Activity, CrossValidation, Measure, Pairwise
from neurodyn.analysis.shared.pairing import Pair, pair_up
from neurodyn.analysis.shared.resampling import split_means
from neurodyn.common.random import as_key

#: Bytes of draws that are made once for all measures. More are made anew for each measure, one draw
#: at a time.
KEPT = 2**28
#: Members of a level that are left out, one at a time, for the skewness of an interval.
LEFT_OUT = 100
_WITHOUT = {
    "trials": redraws.without_trials,
    "units": redraws.without_units,
    "conditions": redraws.without_conditions,
}


def scored(run: Any, rec: Any, settings: Settings) -> xr.Dataset:
    """Compare one run with one recording; see `compare`."""
    pair = pair_up(
        run,
        rec,
        by=settings.by,
        join=settings.join,
        min_trials=settings.min_trials,
        window=settings.window,
        variable=settings.variable,
    )
    pair = exchangeable(pair, settings)
    drawn = plan_of(pair, settings.bootstrap) if settings.bootstrap else None
    fold_key, split_key, null_key = jax.random.split(as_key(settings.key), 3)
    folds = _folds(pair, settings, fold_key)
    splits = jax.random.split(split_key, settings.n_splits)
    reliability, halves_of = _halves(pair, splits)
    nulls = jax.random.split(null_key, settings.n_null)
    nulls, draw = _once(nulls, null_draw(pair, settings), pair.y.nbytes)
    results = []
    for measure in settings.measures:
        how = _how(measure)
        score = np.asarray(_scores(how, pair.x, pair.y, folds), np.float64)
        _check_shape(measure, score, pair)
        null = None
        if settings.n_null:
            null = np.asarray(_of_draws(how, pair.x, folds, nulls, draw), np.float64)
        ceiling = np.nan
        if not how.per_unit and halves_of is not None:
            ceiling = float(known_mean(np.asarray(halves_of(how, folds), np.float64), 0))
        redrawn = None
        if drawn is not None:
            redrawn = _redrawn(how, pair, folds, drawn, settings, jax.random.fold_in(null_key, 1))
        results.append(Result(measure, score, null, ceiling, redrawn))
    sizes = {} if drawn is None else drawn.sizes
    return labelled(results, pair, reliability, settings, sizes)


def _how(measure: Measure) -> Pairwise:
    assert measure.pairwise is not None  # `pairwise_measures` has looked
    return measure.pairwise


def _folds(pair: Pair, settings: Settings, key) -> CrossValidation:
    n, n_folds = pair.y.shape[0], settings.n_folds
    if not any(_how(measure).cross_validated for measure in settings.measures):
        n_folds, n = 1, 1
    else:
        n_folds = n_folds_for(n, n_folds)
    penalties = as_penalties(settings.penalties, pair.y.dtype)
    return CrossValidation(fold_masks(key, n, n_folds), penalties)


def _check_shape(measure: Measure, score: np.ndarray, pair: Pair) -> None:
    """Refuse a score whose shape is not the one that the measure declares."""
    wanted = (len(pair.x), pair.y.shape[-1])[: 1 + _how(measure).per_unit]
    if score.shape != wanted:
        raise ValueError(
            f"the `score` of measure {measure.name!r} has shape {score.shape[1:]} instead of "
            f"{wanted[1:]}: return a scalar, or one value for each recorded unit and pass "
            "per_unit=True to its Pairwise."
        )


def _varies(activity: Activity) -> Bool[Array, ""]:
    return (jnp.ptp(activity, axis=(0, 1)) > 0).any()


def _side(how: Pairwise, x: Activity, folds: CrossValidation) -> tuple[Any, Bool[Array, ""]]:
    """The part of a score that depends on the model alone."""
    return how.prepare(x, folds), _varies(x)


def _score(how: Pairwise, side: tuple[Any, Bool[Array, ""]], y: Activity) -> Array:
    """Score of a side, NaN where one of the two does not vary.

    Nothing is like it or unlike it, but formulas may give numbers: overlaps of neighbours that all
    tie, correlations of the means of folds.
    """
    prepared, varies = side
    return jnp.where(varies & _varies(y), how.score(prepared, y), jnp.nan)


@partial(jax.jit, static_argnames="how")
def _scores(how: Pairwise, x, y, folds: CrossValidation):
    return jax.vmap(lambda member: _score(how, _side(how, member, folds), y))(x)


def _once(keys, draw: Partial, size: int) -> tuple[Any, Partial]:
    """Draws of `size` bytes each, made once if all may be kept, and a function that gives one.

    Else the keys, and the function that makes a draw of a key.
    """
    if not len(keys) or len(keys) * size > KEPT:
        return keys, draw
    return _made(keys, draw), Partial(_as_it_is)


@jax.jit
def _made(keys, draw: Partial):
    return jax.lax.map(draw, keys)


def _as_it_is(draw):
    return draw


@partial(jax.jit, static_argnames="how")
def _of_draws(how: Pairwise, x, folds: CrossValidation, items, draw: Partial):
    sides = jax.vmap(lambda member: _side(how, member, folds))(x)

    def one(item):
        y = draw(item)
        return jax.vmap(lambda side: _score(how, side, y))(sides)

    return jnp.moveaxis(jax.lax.map(one, items), 0, 1)


@partial(jax.jit, static_argnames="how")
def _of_redraws(how: Pairwise, x, folds: CrossValidation, items, draw: Partial):
    """Scores ``(seed, draw)`` or ``(seed, draw, slot)`` of redraws, and the unit of each slot."""
    sides = jax.vmap(lambda member: _side(how, member, folds))(x)

    def one(item):
        found = draw(item)
        if found.conditions is None:
            scores = jax.vmap(lambda side: _score(how, side, found.y))(sides)
        else:
            # Copies of a condition are held out together, because they are in the same folds.
            held_out = folds.held_out[:, found.conditions]
            mine = CrossValidation(held_out, folds.penalties)
            members = x[:, found.conditions]
            scores = jax.vmap(lambda member: _score(how, _side(how, member, mine), found.y))(
                members
            )
        return scores, found.units

    scores, units = jax.lax.map(one, items)
    return jnp.moveaxis(scores, 0, 1), units


def _redrawn(
    how: Pairwise, pair: Pair, folds: CrossValidation, drawn: Drawn, settings: Settings, key
) -> Redrawn:
    def of(items, draw) -> tuple[np.ndarray, np.ndarray | None]:
        scores, units = _of_redraws(how, pair.x, folds, items, Partial(draw, plan=drawn.plan))
        return np.asarray(scores, np.float64), None if units is None else np.asarray(units)

    draws = of(jax.random.split(key, settings.n_bootstrap), redraws.redraw)
    left_out = []
    for side, n in drawn.leave_out.items() if settings.interval == "bca" else ():
        members = np.arange(n)
        if n > LEFT_OUT:
            chosen = jax.random.permutation(jax.random.fold_in(key, 2), n)[:LEFT_OUT]
            members = np.sort(np.asarray(chosen))
        left_out.append((*of(jnp.asarray(members, jnp.int32), _WITHOUT[side]), n))
    return Redrawn(draws, tuple(left_out))


@partial(jax.jit, static_argnames="how")
def _between(how: Pairwise, halves, folds: CrossValidation):
    return _score(how, _side(how, halves[0], folds), halves[1])


@partial(jax.jit, static_argnames="how")
def _between_splits(how: Pairwise, items, draw: Partial, folds: CrossValidation):
    return jax.lax.map(lambda item: _between(how, draw(item), folds), items)


def _halves(pair: Pair, keys):
    """Reliability of the units, and a function from a measure to its values between halves."""
    if pair.unsplit:
        return None, None
    if pair.halves is not None:
        r = np.asarray(pearson(*pair.halves), np.float64)
        return spearman_brown(r), lambda how, folds: _between(how, pair.halves, folds)[None]
    r = known_mean(np.asarray(split_half_r(keys, pair.trials), np.float64), 0)
    items, draw = _once(keys, Partial(split_means, trials=pair.trials), 2 * pair.y.nbytes)
    return spearman_brown(r), lambda how, folds: _between_splits(how, items, draw, folds)
