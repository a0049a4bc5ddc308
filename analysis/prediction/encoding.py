"""Encoding: the units of one population predicted from those of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from neurodyn.analysis.prediction.maps import Map, predictions_of, settings_of
from neurodyn.analysis.prediction.signal_power import powers, share
from neurodyn.analysis.shared.arrays import pick
from neurodyn.analysis.shared.ceiling import (
    CeilingKind,
    corrected,
    spearman_brown,
    split_half_r,
)
from neurodyn.analysis.shared.conditions import task_variable
from neurodyn.analysis.shared.correlation import pearson
from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.pairing import Join, Pair, pair_up
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.scaling import balanced_by
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key
from neurodyn.labels import LabelError
from neurodyn.labels.values import classes

Direction = Literal["forward", "reverse", "both"]


@one_lapack_thread
def encode(
    run: xr.Dataset | xr.DataArray,
    rec: xr.Dataset | xr.DataArray,
    model: Map | Any = "ridge",
    *,
    direction: Direction = "forward",
    by: str | Sequence[str] | None = None,
    groups: str | Sequence[str] | None = None,
    join: Join = "exact",
    min_trials: int = 1,
    window: Sequence[float | int] | None = None,
    n_folds: int | None = None,
    penalties: ArrayLike | Sequence[float | int] | None = None,
    components: int | Sequence[int] | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    n_splits: int = 20,
    ceiling_kind: CeilingKind = "sqrt",
    min_ceiling: float = 0.3,
    variable: str | tuple[str | None, str | None] | None = None,
    key: Any = 0,
) -> xr.Dataset | xr.DataTree:
    r"""Predict each recorded unit from the units of a run, in conditions not used for the fit.

    Trials are averaged within conditions, and conditions and time bins are matched as `compare`
    does. All times of a condition are held out together, because neighbouring times resemble each
    other.

    Parameters
    ----------
    run
        Dims ``(trial | condition, time, unit)``, with a dim ``seed`` for an ensemble.
    rec
        Dims ``(trial | condition, time, unit)``. With single trials, two of each condition at
        least, predictions are corrected for the noise of the recording.
    model
        "ridge": penalties chosen for each unit. "pls": partial least squares, whose components are
        shared by all units. "nonnegative": weights of at least 0. Or a regressor of scikit-learn,
        for several units at once; its predictors lie between -1 and 1, without offset.
    direction
        "forward": predict the recording. "reverse": predict the units of the run from the
        recording, which asks what the model has that the recording has not. "both": a DataTree
        of the two results.
    by, join, min_trials, window, variable
        As for :func:`neurodyn.analysis.compare`.
    groups
        Labels of conditions, of those in `by` where trials are averaged. Conditions with the same
        values are held out together, in inner folds too.
    n_folds
        Folds over conditions (or groups); default 10, or one a condition where there are fewer.
    penalties
        Penalties to choose from within the training conditions, in units of the total variance of
        the predictors. Default: those of `ridge_r` for "ridge", none for "nonnegative".
    components
        Of "pls"; default 25. Several numbers: the best for each unit within the training
        conditions.
    grid
        Parameters of a regressor of scikit-learn to choose from within the training conditions.
    n_splits
        Random halves of the trials for the reliability.
    ceiling_kind, min_ceiling
        See `corrected`: units of lower reliability are left out of the summary and counted.
    key
        Seed or JAX key of folds and splits.

    Returns
    -------
    Dataset, with a dim ``seed`` for an ensemble:

    - ``r`` (unit): correlation of prediction and mean response over conditions and times;
    - ``r2`` (unit): :math:`1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2`, below 0 where the mean
      would be the better guess, and never clipped;
    - ``reliability`` (unit) and ``corrected`` (unit): r over what the reliability allows, for
      recordings with trials or halves;
    - ``cc_norm`` (unit): r over the largest correlation that signal and noise power allow, for
      recordings with trials (Schoppe et al. 2016);
    - ``kept`` (unit): whether the summary uses the unit. Attributes ``n_dropped`` and ``dropped``
      tell of the others;
    - ``score``: median of `r` over the units kept; ``score_corrected`` that of `corrected`;
    - ``prediction`` (condition, time, unit), in the unit of the recording.

    A reverse result has the units of the run, and neither predictions nor corrections, because the
    noise of a run is not known. Constant units are NaN.

    Raises
    ------
    LabelError
        If conditions or times do not match, or values are missing.
    ValueError
        For an unknown model or direction, settings of another model, or too few conditions or
        groups to cross-validate.

    Notes
    -----
    Without `groups`, ridge chooses penalties by leaving out one training condition at a time, as
    `ridge_r` does; all other choices are made on the other folds, one of them left out at a time.

    References
    ----------
    Schrimpf et al. (2020), Neuron 108:413; Sahani & Linden (2003), NIPS 15:125; Schoppe et al.
    (2016), Front. Comput. Neurosci. 10:10.
    """
    if direction not in ("forward", "reverse", "both"):
        raise ValueError(f"direction is 'forward', 'reverse' or 'both', got {direction!r}.")
    pair = pair_up(
        run, rec, by=by, join=join, min_trials=min_trials, window=window, variable=variable
    )
    fold_key, split_key = jax.random.split(as_key(key))
    held_out, n_groups = _folds(pair.means, groups, n_folds, fold_key)
    named = isinstance(model, str)
    settings = settings_of(model, penalties, components, groups is not None) if named else None
    if not named and (penalties is not None or components is not None):
        raise ValueError("penalties and components of an estimator are given by grid={...}.")
    if named and grid is not None:
        raise ValueError(f"grid belongs to estimators of scikit-learn, not to {model!r}.")
    attrs = pair.attrs | {
        "model": model if named else repr(model),
        "n_folds": len(held_out),
        "n_groups": n_groups,
        "ceiling_kind": ceiling_kind,
        "min_ceiling": float(min_ceiling),
    }
    x = np.asarray(pair.x)
    y = np.broadcast_to(np.asarray(pair.y), (len(x), *pair.y.shape))
    found = {}
    if direction != "reverse":
        guess = predictions_of(model, x, y, held_out, settings=settings, grid=grid)
        scores = _scores(y, guess) | _ceilings(pair, jax.random.split(split_key, n_splits))
        found["forward"] = _labelled(pair, pair.means, guess, scores, attrs)
    if direction != "forward":
        guess = predictions_of(model, y, x, held_out, settings=settings, grid=grid)
        of_run = pick(run, variable[0] if isinstance(variable, tuple) else variable)
        found["reverse"] = _labelled(pair, of_run, guess, _scores(x, guess), attrs)
    return found[direction] if direction != "both" else xr.DataTree.from_dict(found)


def _folds(means: xr.DataArray, groups, n_folds: int | None, key):
    """Conditions that each fold holds out, and how many groups there are to hold out."""
    n = means.sizes["condition"]
    if groups is None:
        return fold_masks(key, n, n_folds_for(n, n_folds)), n
    columns = [groups] if isinstance(groups, str) else list(groups)
    if not columns:
        raise ValueError("groups must name a label of the conditions at least, got [].")
    try:
        labels = [task_variable(means, name, "condition").values for name in columns]
    except LabelError as error:
        averaged = " Averages of trials have the labels in `by`: name the groups there too."
        absent = any(name not in means.coords for name in columns)
        raise LabelError(f"groups={columns}: {error}{averaged if absent else ''}") from None
    codes = [classes(values, what="groups")[1] for values in labels]
    code = np.unique(np.stack(codes), axis=1, return_inverse=True)[1].ravel()
    n_groups = int(code.max()) + 1
    if n_groups < 3:
        raise LabelError(
            f"groups={columns} makes {n_groups} groups of the {n} conditions, and cross-validation "
            "needs 3 at least: name other labels."
        )
    return fold_masks(key, n_groups, n_folds_for(n_groups, n_folds))[:, code], n_groups


def _scores(y: np.ndarray, guess: np.ndarray) -> dict[str, np.ndarray]:
    """Correlation and explained variance of each unit; NaN where it is constant."""
    r = np.asarray(jax.vmap(pearson)(jnp.asarray(guess, y.dtype), jnp.asarray(y)), np.float64)
    y = y.astype(np.float64)
    spread = ((y - y.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2))
    varies = np.ptp(y, axis=(1, 2)) > 0
    missed = ((y - guess) ** 2).sum(axis=(1, 2))
    return {"r": r, "r2": np.where(varies, 1 - missed / np.where(varies, spread, 1), np.nan)}


def _ceilings(pair: Pair, keys) -> dict[str, np.ndarray]:
    """Reliability of each recorded unit, from halves, and from signal and noise power."""
    if pair.unsplit:
        return {}
    if pair.halves is not None:
        return {"reliability": spearman_brown(np.asarray(pearson(*pair.halves), np.float64))}
    half = np.asarray(split_half_r(keys, pair.trials), np.float64).mean(axis=0)
    return {"reliability": spearman_brown(half), "signal": share(powers(pair.trials))}


def _labelled(pair: Pair, units: xr.DataArray, guess: np.ndarray, scores: dict, attrs: dict):
    """The scores of each unit and their summary, with labels."""
    by_unit = ("seed", "unit")
    variables = {
        "r": (by_unit, scores["r"], "1", "held-out correlation"),
        "r2": (by_unit, scores["r2"], "1", "held-out fraction of variance predicted"),
    }
    kept = np.isfinite(scores["r"]).any(axis=0)
    score = xr.DataArray(scores["r"], dims=by_unit, coords={"unit": np.arange(kept.size)})
    options = {"ceiling_kind": attrs["ceiling_kind"], "min_ceiling": attrs["min_ceiling"]}
    if "reliability" in scores:
        reliability = score[0].copy(data=scores["reliability"])
        kept = kept & (scores["reliability"] >= attrs["min_ceiling"])
        better = corrected(score, reliability, **options).values
        variables["reliability"] = ("unit", scores["reliability"], "1", "reliability of the mean")
        variables["corrected"] = (by_unit, better, "1", "noise-corrected correlation")
        variables["score_corrected"] = ("seed", _median(better, kept), "1", "median of corrected")
    if "signal" in scores:
        options["ceiling_kind"] = "sqrt"
        normed = corrected(score, score[0].copy(data=scores["signal"]), **options).values
        variables["cc_norm"] = (by_unit, normed, "1", "normalised correlation")
    variables["score"] = ("seed", _median(scores["r"], kept), "1", "median held-out correlation")
    variables["kept"] = ("unit", kept.astype(np.int8), "1", "whether the summary uses the unit")
    coords = coords_of(units, "unit")
    if units is pair.means:
        y = pair.means.transpose("condition", "time", "unit")
        size = balanced_by(y.values)[1]
        mean = y.values.astype(np.float64).mean(axis=(0, 1))
        dims = ("seed", "condition", "time", "unit")
        about = (str(y.attrs.get("units", "1")), "held-out prediction")
        variables["prediction"] = (dims, guess * size + mean, *about)
        coords |= coords_of(y, "condition") | coords_of(y, "time")
    names = coords["unit"].values if "unit" in coords else np.arange(kept.size)
    attrs = attrs | {
        "n_dropped": int((~kept).sum()),
        "dropped": ", ".join(str(name) for name in names[~kept]),
        "ceiling_note": pair.unsplit if units is pair.means else "the noise of a run is not known",
    }
    if pair.seeds is not None:
        coords["seed"] = pair.seeds.values
    found = results(variables, coords, values=False, **attrs)
    return found if pair.seeds is not None else found.isel(seed=0, drop=True)


def _median(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Median over the units kept; NaN where none is."""
    there = np.where(kept, values, np.nan)
    some = np.isfinite(there).any(axis=-1)
    return np.where(some, np.nanmedian(np.where(some[:, None], there, 0), axis=-1), np.nan)
