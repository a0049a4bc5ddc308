"""The Fano factor over time, at the same mean counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import results
from neurodyn.analysis.spike_trains.firing import binned_counts
from neurodyn.analysis.spike_trains.variability import LEAST, counts_of_conditions, moments
from neurodyn.common.checks import plain_number, whole
from neurodyn.labels import TIME_TOLERANCE, LabelError, clock
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes

#: Points that a regression of variances on means needs after matching.
_FEWEST_POINTS = 5


@takes(spikes=DATASET)
def mean_matched_fano(
    spikes: xr.Dataset,
    by: str | Sequence[str] | None = None,
    *,
    bin_width: Number = 80.0,
    step: Number | None = None,
    window: Window | None = None,
    match_width: Number = 0.25,
    n_draws: int = 50,
    key: Any = 0,
) -> xr.Dataset:
    r"""Fano factor over time, with the same distribution of mean counts at all times.

    Each unit in each condition is a point (mean, variance over trials) in each window. The Fano
    factor is the slope of the regression of variances on means through the origin, with weights
    :math:`n / (m + \epsilon)^2` of :math:`n` trials and the mean :math:`m`, because the error of a
    variance grows with the mean; :math:`\epsilon` is the count at 1 Hz. Where rates change, so may
    the Fano factor for that reason alone. Therefore points are left out at random until the
    histogram of means is the same at all times, the largest that all of them contain.

    Parameters
    ----------
    spikes
        Spike Dataset in trials, or counts in bins that add up to `step` and `bin_width`.
    by
        Trial coordinates that make a condition; default as of `count_moments`.
    bin_width
        Width of the windows in which spikes are counted [ms]; 80 ms as in the authors' program.
    step
        Distance of neighbouring windows [ms], of which `bin_width` is a multiple; default:
        `bin_width`.
    window
        Start and stop [ms], half-open; default: all that was observed.
    match_width
        Width of the bins of means in which points are matched [spikes].
    n_draws
        How often points are left out at random; results are means over draws.
    key
        Seed or JAX key of the draws.

    Returns
    -------
    Dataset on ``time``: ``fano`` after matching, ``low`` and ``high``, two standard errors of the
    regression off; ``fano_all``, without matching; ``mean_count`` after matching, which differs
    between times by less than `match_width`, and ``mean_count_all``. ``n_points`` is the number of
    points that matching left at each time, ``n_points_all`` the number before.

    Raises
    ------
    LabelError
        If there are no trials, windows do not fit, or fewer than five points are left.
    ValueError
        If widths or numbers are not positive.

    References
    ----------
    Churchland et al. (2010), Nat. Neurosci. 13:369.
    """
    width, match = (
        plain_number(name, value, above=0)
        for name, value in (("bin_width", bin_width), ("match_width", match_width))
    )
    whole("n_draws", n_draws)
    apart = width if step is None else plain_number("step", step, above=0)
    many = round(width / apart)
    if many < 1 or abs(many * apart - width) > TIME_TOLERANCE:
        raise ValueError(f"`bin_width` must be a multiple of `step`, got {width:g} and {apart:g}.")
    counts = binned_counts(spikes, window, apart, "mean_matched_fano")
    n, codes, _ = counts_of_conditions(counts, by, "mean_matched_fano")
    if n.shape[1] < many:
        raise LabelError(
            f"mean_matched_fano: windows of {width:g} ms do not fit into {n.shape[1] * apart:g} ms."
        )
    n = np.lib.stride_tricks.sliding_window_view(n, many, axis=1).sum(-1)
    mean, var, seen = (x.swapaxes(0, 1).reshape(n.shape[1], -1) for x in moments(n, codes, 1))
    there = seen >= LEAST
    weight = np.where(there, seen, 0) / (mean + width / 1e3) ** 2
    kept = _matched(mean, there, match, n_draws, generator(key, needed_for="mean_matched_fano"))
    slope, error = _slopes(mean, var, weight, kept)
    whole_slope, _ = _slopes(mean, var, weight, there[None])
    left = kept.sum(-1)
    if left[0].min() < _FEWEST_POINTS:
        raise LabelError(
            f"matching leaves {int(left[0].min())} of {int(there.sum(1).max())} points at each "
            f"time, and the regression needs {_FEWEST_POINTS} at least: widen `match_width` or "
            "choose a `window` in which rates change less."
        )
    time = clock(counts, what="the counts", default=apart).time
    centres = (time[: len(time) - many + 1] + time[many - 1 :]) / 2
    fano, spread = slope.mean(0), 2 * error.mean(0)
    matched = (kept * mean).sum(-1).mean(0) / left[0]
    total = np.where(there, mean, 0).sum(1) / np.maximum(there.sum(1), 1)
    variables = {
        "fano": ("time", fano, "1", "Fano factor, mean-matched"),
        "low": ("time", fano - spread, "1", "lower end of the interval"),
        "high": ("time", fano + spread, "1", "upper end of the interval"),
        "fano_all": ("time", whole_slope[0], "1", "Fano factor of all points"),
        "mean_count": ("time", matched, "count", "mean count after matching"),
        "mean_count_all": ("time", total, "count", "mean count of all points"),
        "n_points": ("time", left[0], "count", "points after matching"),
        "n_points_all": ("time", there.sum(1), "count", "points"),
    }
    about: dict[str, Any] = {
        "bin_width": width,
        "ddof": 1,
        "match_width": match,
        "n_draws": n_draws,
    }
    return results(variables, {"time": ("time", centres, "ms")}, values=False, **about)


def _matched(
    mean: np.ndarray, there: np.ndarray, width: float, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Which points (draw, time, point) are kept, as many in each bin of means at all times."""
    n_times, n_points = mean.shape
    level = np.where(there, mean // width, -1).astype(int) + 1  # 0: not there
    levels = int(level.max()) + 1
    place = np.arange(n_times)[:, None] * levels + level
    many = np.bincount(place.ravel(), minlength=n_times * levels).reshape(n_times, levels)
    common = many.min(0)
    common[0] = 0
    # In random order within each bin, the first so many stay.
    order = np.argsort(level + rng.random((n_draws, n_times, n_points)), axis=-1)
    first = (np.cumsum(many, 1) - many)[None]
    sorted_level = np.take_along_axis(np.broadcast_to(level, order.shape), order, -1)
    rank = np.arange(n_points) - np.take_along_axis(
        np.broadcast_to(first, (n_draws, n_times, levels)), sorted_level, -1
    )
    kept = np.zeros(order.shape, bool)
    np.put_along_axis(kept, order, rank < common[sorted_level], -1)
    return kept


def _slopes(
    mean: np.ndarray, var: np.ndarray, weight: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted slope through the origin and its standard error, of each draw and time."""
    w = kept * weight
    norm = np.maximum((w * mean**2).sum(-1), np.finfo(float).tiny)
    slope = (w * mean * var).sum(-1) / norm
    rest = (w * (var - slope[..., None] * mean) ** 2).sum(-1)
    return slope, np.sqrt(rest / np.maximum(kept.sum(-1) - 1, 1) / norm)
