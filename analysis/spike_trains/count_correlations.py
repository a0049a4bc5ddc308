"""Correlations of spike counts between units: total, noise and signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.conditions import refuse_apart
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.firing import binned_counts
from neurodyn.analysis.spike_trains.pairs import partners
from neurodyn.labels import LabelError
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.labels.roles import chosen
from neurodyn.signals.conditions import conditions_of

#: Samples, or conditions, that a correlation needs.
_LEAST = 3
#: What to do with units that were recorded apart.
_INSTEAD = "compare their tuning by signal_correlation"


@takes(spikes=DATASET)
def count_correlation(
    spikes: xr.Dataset, *, bin_width: Number | None = None, window: Window | None = None
) -> xr.Dataset:
    """Pearson's correlation of the spike counts of all pairs of units, over trials and bins.

    Parameters
    ----------
    spikes
        Spike Dataset, or counts; units recorded at the same time.
    bin_width
        Width of the windows in which spikes are counted [ms], on which the value depends; default:
        the whole window in trials, the bins of counts, 100 ms of a continuous recording.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    Dataset: ``correlation`` (unit, unit_to) and ``n_samples``, the number of trials and bins in
    which both units were observed. NaN where one of the two is constant there, or with fewer than
    three samples. It mixes what units share by their tuning and what they share beyond it:
    `noise_correlation` and `signal_correlation` take these apart.

    Raises
    ------
    LabelError
        If units were not recorded at the same time (``simultaneous`` is 0 in attrs), or windows do
        not fit.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.from_times([[1.0, 2.0, 11.0], [3.0, 4.0, 12.0], [21.0]], window=(0, 30))
    >>> analysis.count_correlation(ds, bin_width=10.0)["correlation"].sel(unit=0).values.round(3)
    array([ 1.   ,  1.   , -0.866])
    """
    if bin_width is None and "spike_count" not in spikes and "spike_trial" not in spikes:
        bin_width = 100.0
    refuse_apart(spikes, "count_correlation", _INSTEAD)
    counts = binned_counts(spikes, window, bin_width, "count_correlation")
    n = counts["spike_count"].transpose(..., "unit")
    values = n.values.astype(np.float64).reshape(-1, n.sizes["unit"])
    value, samples = _correlation(values)
    return _results(counts, {"correlation": (value, "spike-count correlation")}, samples)


@takes(spikes=DATASET)
def noise_correlation(
    spikes: xr.Dataset,
    by: str | Sequence[str] | None = None,
    *,
    bin_width: Number | None = None,
    window: Window | None = None,
) -> xr.Dataset:
    """Correlation of the trial-to-trial fluctuations of all pairs of units within conditions.

    Counts are z-scored within each condition (and window), so that neither tuning nor the spread of
    a condition correlates units, and all z-scores are pooled.

    Parameters
    ----------
    spikes
        Spike Dataset in trials, or counts in trials; units recorded at the same time.
    by
        Trial coordinates that make a condition; default: the conditions of the task, for runs;
        recordings have no default. An empty list makes one condition of all trials.
    bin_width
        Width of the windows in which spikes are counted [ms]; default: the whole window, or the
        bins of counts.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    Dataset: ``correlation`` (unit, unit_to) and ``n_samples``, the trials (times windows) that both
    units share in conditions in which both vary over at least three trials. NaN without any.

    Raises
    ------
    LabelError
        If units were not recorded at the same time (``simultaneous`` is 0 in attrs), there are no
        trials, or all conditions have fewer than three.

    References
    ----------
    Cohen & Kohn (2011), Nat. Neurosci. 14:811.

    Examples
    --------
    >>> from neurodyn import analysis, labels
    >>> count = np.array([[1, 2], [3, 4], [2, 3], [9, 1], [8, 0], [7, -1]])[:, None] + 1
    >>> ds = labels.dataset(
    ...     {"spike_count": (("trial", "time", "unit"), count, "count", "spike count")},
    ...     {"time": [50.0], "side": ("trial", [0, 0, 0, 1, 1, 1])},
    ...     source="recording", kind="spike_count", attrs={"bin_width": 100.0, "window": [0, 100]},
    ... )
    >>> analysis.noise_correlation(ds, "side")["correlation"].values.round(6)
    array([[1., 1.],
           [1., 1.]])
    """  # fmt: skip
    refuse_apart(spikes, "noise_correlation", _INSTEAD)
    counts = binned_counts(spikes, window, bin_width, "noise_correlation")
    n, codes = _of_trials(counts, by, "noise_correlation")
    sizes = np.bincount(codes)
    if sizes.max() < _LEAST:
        raise LabelError(
            f"noise_correlation: conditions have {int(sizes.max())} trials at most, and three are "
            "needed: take fewer labels in `by`."
        )
    product, weight, shared = np.zeros((3, n.shape[2], n.shape[2]))
    for c in np.flatnonzero(sizes >= _LEAST):
        value, samples = _correlation(n[codes == c].swapaxes(0, 1))
        known = np.isfinite(value)
        # n - 1 times r is the sum of products of z-scores over the shared trials.
        product += np.where(known, value * (samples - 1), 0).sum(0)
        weight += np.where(known, samples - 1, 0).sum(0)
        shared += np.where(known, samples, 0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = np.clip(product / weight, -1, 1)
    return _results(counts, {"correlation": (pooled, "noise correlation")}, shared)


@takes(spikes=DATASET)
def signal_correlation(
    spikes: xr.Dataset,
    by: str | Sequence[str] | None = None,
    *,
    bin_width: Number | None = None,
    window: Window | None = None,
) -> xr.Dataset:
    """Correlation of the tuning of all pairs of units: of their mean counts over conditions.

    Parameters
    ----------
    spikes
        Spike Dataset in trials, or counts in trials. Units may come from different sessions if the
        labels of conditions mean the same in all.
    by
        Trial coordinates that make a condition; default as of `noise_correlation`.
    bin_width
        Width of the windows in which spikes are counted [ms]; default: the whole window, or the
        bins of counts. Several windows are further conditions.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    Dataset: ``correlation`` (unit, unit_to); ``n_samples``, the conditions (times windows) in which
    both units have a mean. NaN of units with constant means, or with fewer than three conditions.
    The noise of means biases it towards the noise correlation of units recorded together (by the
    share of the variance of means that is noise) and towards 0 of others.

    Raises
    ------
    LabelError
        If there are no trials, or fewer than three conditions.

    Examples
    --------
    >>> from neurodyn import analysis, labels
    >>> count = np.array([[1, 2], [3, 4], [5, 6], [9, 10]])[:, None]
    >>> ds = labels.dataset(
    ...     {"spike_count": (("trial", "time", "unit"), count, "count", "spike count")},
    ...     {"time": [50.0], "side": ("trial", [0, 1, 2, 3])},
    ...     source="recording", kind="spike_count", attrs={"bin_width": 100.0, "window": [0, 100]},
    ... )
    >>> float(analysis.signal_correlation(ds, "side")["correlation"][0, 1].round(6))
    1.0
    """  # fmt: skip
    counts = binned_counts(spikes, window, bin_width, "signal_correlation")
    n, codes = _of_trials(counts, by, "signal_correlation")
    seen = ~np.isnan(n)
    member = (codes == np.arange(codes.max() + 1)[:, None]).astype(np.float64)
    many = np.tensordot(member, seen.astype(np.float64), (1, 0))
    total = np.tensordot(member, np.where(seen, n, 0), (1, 0))
    means = np.where(many > 0, total / np.maximum(many, 1), np.nan).reshape(-1, n.shape[2])
    if len(means) < _LEAST:
        raise LabelError(
            f"signal_correlation: a correlation over {len(means)} conditions says nothing: three "
            "are needed; choose other labels in `by`, or several windows (bin_width)."
        )
    value, samples = _correlation(means)
    return _results(counts, {"correlation": (value, "signal correlation")}, samples)


def _of_trials(
    counts: xr.Dataset, by: str | Sequence[str] | None, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Counts (trial, time, unit), and the code of each trial's condition."""
    n = counts["spike_count"]
    if "trial" not in n.dims:
        raise LabelError(
            f"{what}: there are no trials: cut the recording around events (neurodyn.spikes.align);"
            " count_correlation takes continuous recordings."
        )
    codes, _ = conditions_of(counts, chosen(counts, by))
    return n.transpose("trial", "time", "unit").values.astype(np.float64), codes


def _correlation(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pearson's r of all pairs of columns over the samples (..., sample, unit) that both have."""
    seen = ~np.isnan(values)
    x = np.where(seen, values, 0)
    # Off a typical value, sums of squares lose no digits; counts of a constant unit become 0.
    first = np.take_along_axis(x, seen.argmax(-2)[..., None, :], -2)
    x = np.where(seen, x - first, 0)
    here, turned = seen.astype(np.float64), np.swapaxes(seen, -1, -2).astype(np.float64)
    n = turned @ here
    # Sums over the samples that both have: of the first of a pair, and of its square.
    total, square = (np.swapaxes(v, -1, -2) @ here for v in (x, x**2))
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = square - total**2 / n
        both = np.swapaxes(x, -1, -2) @ x - total * np.swapaxes(total, -1, -2) / n
        varies = (spread > 1e-12 * square) & (n >= _LEAST)
        varies &= np.swapaxes(varies, -1, -2)
        r = both / np.sqrt(spread * np.swapaxes(spread, -1, -2))
    return np.where(varies, np.clip(r, -1, 1), np.nan), n


def _results(counts: xr.Dataset, values: dict[str, tuple], samples: np.ndarray) -> xr.Dataset:
    dims = ("unit", "unit_to")
    variables = {name: (dims, value, "1", text) for name, (value, text) in values.items()}
    variables["n_samples"] = (dims, samples.astype(int), "count", "samples that both units share")
    width = labels.bin_width(counts, what="the counts")
    coords = coords_of(counts, "unit") | partners(counts, "unit")
    return results(variables, coords, values=False, bin_width=width)
