"""Peri-stimulus time histograms."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.signals.averages import average
from neurodyn.spikes.count import rate


@takes(spikes=DATASET)
def psth(
    spikes: xr.Dataset,
    by: str | Sequence[str] | None = None,
    *,
    bin_width: Number | None = None,
    sigma: Number | None = None,
    window: Window | None = None,
    lazy: bool | None = None,
) -> xr.Dataset:
    """Peri-stimulus time histograms: firing rates of each condition, from spikes in trials.

    Parameters
    ----------
    spikes
        Spike Dataset in trials (`neurodyn.spikes.align`), or binned `spike_count`.
    by
        Trial coordinates that make a condition; default as for `average`.
    bin_width, sigma, window
        As in `neurodyn.spikes.rate` [ms].
    lazy
        As in `neurodyn.spikes.bin`: whether single trials are counted block by block, so that they
        are never in memory together. Default: where they are more than 1 GiB.

    Returns
    -------
    Dataset with `rate` (condition, time, unit) [Hz], `sem` and `n_trials`; see `average`.

    Raises
    ------
    LabelError
        As `average` and `neurodyn.spikes.rate`, and if spikes are not cut into trials.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> cut = spikes.align(spikes.from_times([[12.0, 52.0]], window=(0, 80)), [0.0, 40.0], (0, 40))
    >>> psth(cut, by=[], bin_width=20.0)["rate"].values.ravel()
    array([50.,  0.], dtype=float32)
    """
    if "spike_time" in spikes and "spike_trial" not in spikes:
        raise LabelError("these spikes are not cut into trials: neurodyn.trials.align does that.")
    if "rate" in spikes and not {"spike_time", "spike_count"} & {*spikes.variables}:
        raise LabelError(
            "these are rates, not spikes: neurodyn.trials.average(rates, by) averages them, after "
            "neurodyn.trials.smooth and neurodyn.labels.between where a Gaussian or a window is "
            "wanted."
        )
    rates = rate(spikes, sigma, bin_width=bin_width, window=window, lazy=lazy)
    return average(rates, by)
