"""Scores of decoded labels, and their null, with labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.prediction.decoded_labels import Target
from neurodyn.analysis.prediction.decoders import codes_of
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.scaling import ROUNDING
from neurodyn.labels.values import plain


def labelled_scores(
    activity: xr.DataArray,
    arrived: np.ndarray,
    what: Target,
    guess: np.ndarray,
    scores: np.ndarray,
    times: str,
    attrs: dict[str, Any],
    *,
    numbers: bool,
) -> xr.Dataset:
    """Label predictions ``(train, trial, time, column)`` and scores ``(train, order, time)``."""
    if times == "each":
        guess, scores = np.moveaxis(guess, 0, 2)[:, 0][None], scores.swapaxes(0, 2)
    dims = {"together": (), "each": ("time",), "cross": ("train_time", "time")}[times]
    per_time = ("train_time", "time") if times == "cross" else ("time",)
    variables: dict[str, tuple] = {}
    if numbers:
        variables |= _regression(what, guess, dims, times)
    if what.names is not None:
        variables |= _classification(what, guess, per_time)
        count = [float((what.codes == k).mean(axis=1).sum()) for k in range(what.n_classes)]
        attrs |= {
            "classes": [str(name) for name in what.names],
            "n_per_class": count,
            "most_frequent": max(count) / len(what.codes),
            "chance": 1 / what.n_classes,
        }
    attrs["statistic"] = "r2" if what.names is None else "balanced_accuracy"
    variables |= _null(scores, dims if what.names is None else per_time)
    if times != "cross":
        variables |= _predictions(what, guess[0], arrived)
    used = {dim for column in variables.values() for dim in column[0]}
    coords = _coords(activity, arrived, variables, used)
    own = ["train_time"] if times == "cross" else []
    return results(variables, coords, values=False, dims=own, **attrs)


def _predictions(what: Target, guess: np.ndarray, arrived: np.ndarray) -> dict[str, tuple]:
    """Predictions and labels of single trials, in the order in which they arrived."""
    both = ("trial", "time")
    codes = codes_of(guess, what.middle) if what.names is not None else None
    several = guess.shape[-1] > 1
    found = codes.astype(np.float64) if several else guess[..., 0] * what.size + what.mean
    variables = {
        "prediction": (both, found[arrived], "1", "held-out prediction"),
        "label": (both, what.codes[arrived], "1", "label"),
    }
    if what.names is not None:
        variables["decoded"] = (both, what.names[codes][arrived], "1", "decoded class")
    return variables


def _regression(what: Target, guess: np.ndarray, dims: tuple, times: str) -> dict[str, tuple]:
    """r2 and correlation, of all times or of each; NaN where either side is constant."""
    over = (1, 2, 3) if times == "together" else (1, 3)
    goal = np.broadcast_to(what.goal[None], guess.shape)
    spread = ((goal - goal.mean(axis=over[:-1], keepdims=True)) ** 2).sum(axis=over)
    missed = ((goal - guess) ** 2).sum(axis=over)
    a, b = (v - v.mean(axis=over, keepdims=True) for v in (goal, guess))
    size = np.sqrt((a**2).sum(axis=over) * (b**2).sum(axis=over))
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(spread > 0, 1 - missed / spread, np.nan)
        correlation = np.where(size > 0, (a * b).sum(axis=over) / size, np.nan)
    known = "fraction of the label's variance that is predicted"
    return {
        "r2": (dims, _as(r2, dims), "1", known),
        "correlation": (dims, _as(correlation, dims), "1", "correlation of label and prediction"),
    }


def _as(values: np.ndarray, dims: tuple) -> np.ndarray:
    """Without the axis of the times that were fitted on, where there is but one."""
    return values if "train_time" in dims else values[0]


def _classification(what: Target, guess: np.ndarray, dims: tuple) -> dict[str, tuple]:
    """Fraction of trials decoded rightly, and its mean over classes."""
    right = codes_of(guess, what.middle) == what.codes[None]
    member = (what.codes[..., None] == np.arange(what.n_classes))[None]
    with np.errstate(invalid="ignore"):
        recall = (member & right[..., None]).sum(axis=1) / member.sum(axis=1)
    there = np.isfinite(recall)
    balanced = np.where(there, recall, 0).sum(axis=-1) / there.sum(axis=-1)
    share = "fraction of trials decoded rightly"
    return {
        "accuracy": (dims, _as(right.mean(axis=1), dims), "1", share),
        "balanced_accuracy": (dims, _as(balanced, dims), "1", f"{share}, mean over classes"),
    }


def _null(scores: np.ndarray, dims: tuple) -> dict[str, tuple]:
    """Null distribution and p values of scores ``(train, order, time)``, the first as observed."""
    observed, null = scores[:, :1], scores[:, 1:]
    n = null.shape[1]
    if not n:
        return {}
    # A draw that differs by rounding alone is as good, as where activity says nothing.
    least = observed - ROUNDING
    p = (1 + (null >= least).sum(axis=1)) / (1 + n)
    highest = np.nanmax(null, axis=(0, 2))[None, :, None]
    anywhere = (1 + (highest >= least).sum(axis=1)) / (1 + n)
    p, anywhere = (np.where(np.isnan(observed[:, 0]), np.nan, v) for v in (p, anywhere))
    shape = [size for size, dim in zip(p.shape, ("train_time", "time"), strict=True) if dim in dims]
    draws = np.moveaxis(null, 1, 0).reshape(n, *shape)
    return {
        "null": (("draw", *dims), draws, "1", "score with labels exchanged"),
        "p_value": (dims, p.reshape(shape), "1", "one-sided p value"),
        "p_value_corrected": (dims, anywhere.reshape(shape), "1", "p value over all times"),
    }


def _coords(activity: xr.DataArray, arrived: np.ndarray, variables: dict, dims: set) -> dict:
    """Times, and the labels of trials in the order in which they arrived."""
    time = ("time", np.zeros(1))
    if "time" in activity.dims:
        ticks = labels.clock(activity, what="activity", default=1.0, even=False)
        time = ("time", ticks.time, ticks.unit)
    coords = {"time": time} if "time" in dims else {}
    if "train_time" in dims:
        coords["train_time"] = ("train_time", *time[1:2], *(time[2:] or ("1",)), "time of the fit")
    if "trial" in dims:
        table = coords_of(activity, "trial", without=tuple(variables))
        coords |= {n: v[arrived].copy(data=plain(v.values[arrived])) for n, v in table.items()}
    return coords
