"""The variability of spike counts over trials: moments and Fano factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.firing import binned_counts
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.roles import chosen
from neurodyn.labels.values import classes, missing
from neurodyn.signals.conditions import conditions_of

#: Trials (or windows) that a variance needs.
LEAST = 2


@takes(spikes=DATASET)
def fano_factor(
    spikes: xr.Dataset,
    *,
    by: str | Sequence[str] | None = None,
    bin_width: Number | None = None,
    window: Window | None = None,
    ddof: int = 1,
) -> xr.DataArray:
    r"""Variance over mean of spike counts, 1 for a Poisson process.

    Parameters
    ----------
    spikes
        Spike Dataset, or a Dataset with ``spike_count``. In trials, counts vary over trials, of
        the whole window or in each bin; without trials they vary over the bins of a recording.
    by
        Labels of trials, one or several: variances are taken within their values and
        :math:`F = \sum_c \mathrm{var}_c / \sum_c \mathrm{mean}_c`, so that tuning does not count as
        variability.
    bin_width
        Width of the windows in which spikes are counted [ms]; default: everything, in trials, or
        the bins of counts. The value depends on it.
    window
        Start and stop [ms], half-open; default: all that was observed.
    ddof
        What is taken off the number of trials in the denominator of the variance: 1, the unbiased
        variance, so that few trials do not lower the factor; 0 is elephant's.

    Returns
    -------
    DataArray ``fano_factor`` (unit), with ``ddof`` in attrs; NaN for units that never fired. The
    sums run over conditions and bins, each with the same weight, and leave out those in which fewer
    than two trials observed the unit: trials that end early count up to their end. `count_moments`
    has the mean and the variance of each condition.

    Raises
    ------
    LabelError
        If there are fewer than two trials (of a condition), or bins of a continuous recording.

    References
    ----------
    Fano (1947), Phys. Rev. 72:26.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.from_times([[5.0, 15.0, 25.0, 35.0]], window=(0, 40))
    >>> analysis.fano_factor(ds, bin_width=10.0).values  # a clock
    array([0.])
    """
    whole("ddof", ddof, 0, 1)
    counts = binned_counts(spikes, window, bin_width, "fano_factor")
    n = counts["spike_count"].transpose(..., "unit")
    dim = "trial" if "trial" in n.dims else "time"
    groups = _groups(n, dim, [by] if isinstance(by, str) else list(by or []))
    size = np.bincount(groups)
    if size.min() < LEAST:
        hint = "pass bin_width"
        if dim == "trial":
            hint = "leave out rare conditions" if by else "select more of them"
        raise LabelError(
            f"a variance needs two {dim if dim == 'trial' else 'bin'}s at least, got "
            f"{size.tolist()}: {hint}."
        )
    values = np.moveaxis(n.values.astype(np.float64), n.dims.index(dim), 0)
    values = values.reshape(len(groups), -1, n.sizes["unit"])
    mean, var, seen = moments(values, groups, ddof)
    enough = seen >= LEAST
    mean, var = (np.where(enough, x, 0).sum((0, 1)) for x in (mean, var))
    fano = np.where(mean > 0, var / np.where(mean > 0, mean, 1), np.nan)
    about = {"units": "1", "long_name": "Fano factor", "kind": "statistic", "ddof": ddof}
    about["bin_width"] = labels.bin_width(counts, what="the counts")
    return xr.DataArray(fano, coords_of(counts, "unit"), ("unit",), "fano_factor", about)


def _groups(counts: xr.DataArray, dim: str, by: Sequence[str]) -> np.ndarray:
    """The group of each trial (or bin): a code for each combination of labels."""
    groups = np.zeros(counts.sizes[dim], int)
    for name in by:
        if name not in counts.coords or counts[name].dims != (dim,):
            known = [c for c, v in counts.coords.items() if v.dims == (dim,) and c != dim]
            raise LabelError(f"there is no label {name!r} of {dim}s; there are {known}.")
        if (unlabelled := missing(counts[name].values)).any():
            raise LabelError(
                f"{int(unlabelled.sum())} {dim}s have no {name!r} (NaN): drop them with "
                f".isel({dim}=spikes.{name}.notnull())."
            )
        levels, code = classes(counts[name].values, what=name)
        groups = groups * len(levels) + code
    return np.unique(groups, return_inverse=True)[1]


def moments(
    counts: np.ndarray, groups: np.ndarray, ddof: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, variance and number of trials (first axis) in each group, without what is missing."""
    member = (groups == np.arange(groups.max() + 1)[:, None]).astype(np.float64)
    seen = ~np.isnan(counts)

    def total(x: np.ndarray) -> np.ndarray:
        return np.tensordot(member, x, (1, 0))

    n = total(seen.astype(np.float64))
    mean = total(np.where(seen, counts, 0)) / np.maximum(n, 1)
    square = np.where(seen, counts - mean[groups], 0) ** 2
    return mean, total(square) / np.maximum(n - ddof, 1), n


@takes(spikes=DATASET)
def count_moments(
    spikes: xr.Dataset,
    by: str | Sequence[str] | None = None,
    *,
    bin_width: Number | None = None,
    window: Window | None = None,
    ddof: int = 1,
) -> xr.Dataset:
    """Mean and variance of spike counts over the trials of each condition.

    Parameters
    ----------
    spikes
        Spike Dataset in trials, or counts in trials.
    by
        Trial coordinates that make a condition; default: the conditions of the task, for runs;
        recordings have no default. An empty list makes one condition of all trials.
    bin_width
        Width of the windows in which spikes are counted [ms]; default: the whole window, or the
        bins of counts.
    window
        Start and stop [ms], half-open; default: all that was observed.
    ddof
        What is taken off the number of trials in the denominator of the variance, 1 or 0.

    Returns
    -------
    Dataset on (condition, time, unit): ``mean_count``, ``count_variance``, ``fano`` (their ratio,
    NaN where nothing fired), ``n_trials`` that observed the unit in the whole window. Moments are
    NaN where fewer than two trials did. To pool conditions, divide sums of variances by sums of
    means, as `fano_factor` does: a mean of ratios would be governed by conditions with few spikes.

    Raises
    ------
    LabelError
        If there are no trials, or labels that make conditions are missing.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> trial = np.repeat([0, 1, 2], [3, 5, 8])
    >>> ds = spikes.dataset(
    ...     np.arange(16.0), np.zeros(16, int), trial,
    ...     coords={"unit": [0], "trial": [0, 1, 2]}, source="recording", window=(0, 20),
    ... )
    >>> analysis.count_moments(ds, by=[], ddof=0)["fano"].values.ravel().round(6)
    array([0.791667])
    """  # fmt: skip
    whole("ddof", ddof, 0, 1)
    counts = binned_counts(spikes, window, bin_width, "count_moments")
    n, codes, columns = counts_of_conditions(counts, by, "count_moments")
    mean, var, seen = moments(n, codes, ddof)
    enough = seen >= LEAST
    mean, var = (np.where(enough, x, np.nan) for x in (mean, var))
    fired = enough & (mean > 0)
    fano = np.where(fired, var / np.where(fired, mean, 1), np.nan)
    dims = ("condition", "time", "unit")
    variables = {
        "mean_count": (dims, mean, "count", "mean spike count"),
        "count_variance": (dims, var, "count^2", "variance of spike counts"),
        "fano": (dims, fano, "1", "Fano factor"),
        "n_trials": (dims, seen.astype(int), "count", "number of trials"),
    }
    coords = {"time": counts["time"].variable} | coords_of(counts, "unit") | columns
    width = labels.bin_width(counts, what="the counts")
    return results(variables, coords, values=False, bin_width=width, ddof=ddof)


def counts_of_conditions(
    counts: xr.Dataset, by: str | Sequence[str] | None, what: str
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Counts (trial, time, unit), the condition of each trial, and what describes conditions."""
    n = counts["spike_count"]
    if "trial" not in n.dims:
        raise LabelError(
            f"{what}: counts vary over trials, and these have none: cut the recording around "
            "events (neurodyn.spikes.align)."
        )
    codes, columns = conditions_of(counts, chosen(counts, by))
    return n.transpose("trial", "time", "unit").values.astype(np.float64), codes, dict(columns)
