"""Differences between models, paired over the same resamples."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from neurodyn.analysis.comparison.intervals import KINDS, ends
from neurodyn.analysis.shared.bootstrap import known_mean
from neurodyn.analysis.shared.results import results
from neurodyn.labels import LabelError, ordered

_LEAST = 2


def model_differences(
    score: xr.Dataset,
    *,
    interval: Literal["percentile", "basic"] = "percentile",
    level: float = 0.95,
) -> xr.Dataset:
    """How much every model scores above every other one, paired over the same resamples.

    All models meet the same resampled recordings, so that what chance does to both cancels: two
    models whose own intervals overlap may still differ for certain.

    Parameters
    ----------
    score
        Result of :func:`compare` of several models, with a `bootstrap`. Members of an ensemble
        (`seed`) are averaged. For the mean over recordings pass ``score.mean("recording")``.
    interval
        "percentile" (default, because the bias of the draws cancels in a difference), or "basic".
    level
        Coverage of the intervals.

    Returns
    -------
    Dataset on (metric, model, model_to, ...): ``difference`` is the score of `model` minus that of
    `model_to`, with ``low``, ``high`` and a two-sided ``p_value``, ``2 (1 + b) / (1 + n)`` where b
    counts the draws on the rarer side of 0; uncorrected, see :func:`adjust`.

    Raises
    ------
    LabelError
        If there are not several models, or no resamples.

    References
    ----------
    Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 16.
    """
    if "model" not in score.dims or score.sizes["model"] < _LEAST:
        raise LabelError(
            "differences need a result of several models: compare({'a': run_a, 'b': run_b}, ...)."
        )
    if "resampled" not in score:
        raise LabelError(
            "differences need the resamples of a bootstrap: compare(..., bootstrap='condition')."
        )
    if interval not in ("percentile", "basic"):
        raise ValueError(f"interval is 'percentile' or 'basic', got {interval!r}.")
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    value, draws = score["score"], score["resampled"]
    draws = draws.transpose(*value.dims, "resample")
    if "seed" in value.dims:
        axis = value.dims.index("seed")
        draws = draws.isel(seed=0, drop=True).copy(data=known_mean(draws.values, axis))
        value = value.isel(seed=0, drop=True).copy(data=known_mean(value.values, axis))
    first, second = value, value.rename(model="model_to")
    difference = first - second
    dims = difference.dims
    paired = (draws - draws.rename(model="model_to")).transpose(*dims, "resample")
    low, high = ends(difference.values, paired.values, kind=interval, level=level)
    n = np.isfinite(paired.values).sum(-1)
    rarer = np.minimum((paired.values <= 0).sum(-1), (paired.values >= 0).sum(-1))
    p = np.where(n > 0, np.minimum(1.0, 2 * (1 + rarer) / (1 + n)), np.nan)
    names = [str(dim) for dim in dims]
    variables = {
        "difference": (names, difference.values, "1", "score of model minus that of model_to"),
        "low": (names, low, "1", "lower end of the interval of the difference"),
        "high": (names, high, "1", "upper end of the interval of the difference"),
        "p_value": (names, p, "1", "two-sided p-value of the difference"),
    }
    coords = {str(n): c.variable for n, c in value.coords.items() if set(c.dims) <= set(dims)}
    coords["model_to"] = value["model"].values
    question = (
        "Would another sample of the recording, drawn at the levels of `bootstrap`, rank the two "
        "models the other way?"
    )
    about = {n: score.attrs[n] for n in ("bootstrap", "by") if n in score.attrs}
    return results(
        {n: (tuple(v[0]), *v[1:]) for n, v in variables.items()},
        coords,
        values=False,
        interval=KINDS[interval],
        level=float(level),
        question=question,
        **about,
    ).transpose(*ordered(dims))
