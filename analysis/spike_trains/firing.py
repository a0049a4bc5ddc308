"""Firing rates of units and populations."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.results import coords_of
from neurodyn.analysis.spike_trains.observed import (
    check_inside,
    observed_time,
    observed_window,
    within,
)
from neurodyn.labels import LabelError
from neurodyn.labels.check_values import held
from neurodyn.labels.convention import TIME_TOLERANCE, Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.signals.chunked import chunked
from neurodyn.spikes import bin as bin_spikes
from neurodyn.spikes import rate as rate_of
from neurodyn.spikes.build import window_edges
from neurodyn.spikes.wider import wider


@takes(spikes=DATASET)
def firing_rate(spikes: xr.Dataset, *, window: Window | None = None) -> xr.DataArray:
    """Mean firing rate of each unit over all trials.

    Parameters
    ----------
    spikes
        Spike Dataset (of a run or a recording), or a Dataset with ``spike_count`` and ``bin_width``
        or with ``rate`` [Hz], whose mean over everything but ``unit`` is taken.
    window
        Times from the first up to the second count [ms] (`neurodyn.labels.between`); default: all
        that was observed. Leave out the start of a run here, which depends on the initial state.

    Returns
    -------
    DataArray ``firing_rate`` (unit) [Hz]. Times that were not observed (gaps, trials that end
    early, units lost on the way) do not count.

    Raises
    ------
    LabelError
        If it is not known which times were observed, `window` leaves them, or counts or rates have
        no dim ``unit``.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.from_times([[10.0, 20.0], []], window=(0, 1000))
    >>> analysis.firing_rate(ds).values
    array([2., 0.])
    """
    if isinstance(spikes, xr.Dataset) and "spike_time" not in spikes and "rate" in spikes:
        require_units(spikes["rate"], "firing_rate: the rates")
        if window is not None:
            step = labels.clock(spikes, what="the rates", default=0.0).step
            # Bins are labelled in their middle, samples at an end.
            margin = step / 2 if "bin_width" in spikes.attrs else step
            check_inside(spikes, window, margin, "firing_rate")
            spikes = labels.between(spikes, window_edges(window), what="the rates")
        values = chunked(spikes["rate"])
        # Summed in float64, because float32 loses digits in long runs.
        over = [d for d in values.dims if d != "unit"]
        return _labelled(spikes, values.mean(over, dtype=np.float64).values)
    if isinstance(spikes, xr.Dataset) and "spike_count" in spikes:
        counts = binned_counts(spikes, window, None, "firing_rate", streams=True)["spike_count"]
        hertz = counts * (1e3 / labels.bin_width(spikes, what="the counts"))
        over = [d for d in hertz.dims if d != "unit"]
        return _labelled(spikes, hertz.mean(over, skipna=True, dtype=np.float64).values)
    start, stop = observed_window(spikes, window, "firing_rate")
    found = within(spikes, start, stop)
    n = np.bincount(found.unit, minlength=spikes.sizes["unit"])
    seen = observed_time(spikes, start, stop).sum(0)
    return _labelled(spikes, np.where(seen > 0, 1e3 * n / np.where(seen, seen, 1), np.nan))


def require_units(array: xr.DataArray, what: str) -> None:
    """Refuse an array without the dim ``unit``."""
    if "unit" not in array.dims:
        raise LabelError(
            f"{what} have the dims {array.dims}, without 'unit': select a single unit as a list of "
            "one, .isel(unit=[0]), which keeps the dim."
        )


def _labelled(data: xr.Dataset, rate: np.ndarray) -> xr.DataArray:
    about = {"units": "Hz", "long_name": "firing rate", "kind": "statistic"}
    return xr.DataArray(rate, coords_of(data, "unit"), ("unit",), "firing_rate", about)


def binned_counts(
    data: Any,
    window: Window | None,
    bin_width: Number | None,
    what: str,
    *,
    streams: bool = False,
) -> xr.Dataset:
    """Counts in bins of this width; without one in the bins that they have, or in a single bin.

    A remainder at the end of the window is not used. Counts that are not in memory are refused
    above 1 GiB, unless the caller reads them in chunks (`streams`).
    """
    if isinstance(data, xr.Dataset) and "spike_count" in data:
        require_units(data["spike_count"], f"{what}: the counts")
        width = labels.bin_width(data, what=f"{what}: the counts")
        if window is not None:
            check_inside(data, window, width / 2, what)
            # Keep the width as an attribute, because a window of one bin does not show it.
            data = labels.between(
                data.assign_attrs(bin_width=width), window_edges(window), what=what
            )
            time = labels.clock(data, default=width, even=False).time
            edges = [float(time[0] - width / 2), float(time[-1] + width / 2)]
            data = data.assign_attrs(window=edges)
        data = chunked(data) if streams else data
        if bin_width is not None:
            data = wider(data, bin_width, rest="drop", what=what)
        return data if streams else held(data, what=f"{what}: the counts")
    start, stop = observed_window(data, window, what)
    width = stop - start if bin_width is None else float(bin_width)
    n = int((stop - start) / width + TIME_TOLERANCE)
    if n < 1:
        raise LabelError(f"{what}: bins of {width:g} ms do not fit into {start:g} to {stop:g} ms.")
    return bin_spikes(data, bin_width=width, window=(start, start + n * width), lazy=False)


@takes(spikes=DATASET)
def population_rate(
    spikes: xr.Dataset,
    *,
    bin_width: Number | None = None,
    sigma: Number | None = None,
    by: str | None = None,
    window: Window | None = None,
) -> xr.Dataset:
    """Mean rate of a population over time.

    Parameters
    ----------
    spikes
        Spike Dataset or counts, in trials or continuous.
    bin_width
        Width of the bins [ms]; default 1 ms, or that of counts. A remainder at the end of the
        window is not used.
    sigma
        Standard deviation of a Gaussian to smooth with [ms]; None does not smooth.
    by
        Coordinate on ``unit`` that names the population of each unit (``"population"``,
        ``"area"``, ``"ei"``); None: all units are one.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    Dataset ``rate`` (trial, time, unit) [Hz] as of `neurodyn.spikes.rate`, with one unit for each
    population (named by ``by``), whose ``n_units`` says how many it stands for. Where units were
    not observed, the mean is over the others.

    Raises
    ------
    LabelError
        If there is no such coordinate, the bins do not fit, or counts have no dim ``unit``.
    """
    if bin_width is None and "spike_count" not in spikes:
        bin_width = 1.0
    counts = binned_counts(spikes, window, bin_width, "population_rate")
    count = counts["spike_count"]
    count = count.transpose(*[d for d in ("trial", "time", "unit") if d in count.dims])
    names = np.zeros(counts.sizes["unit"], int)
    if by is not None:
        if by not in counts.coords or counts[by].dims != ("unit",):
            known = [n for n, c in counts.coords.items() if c.dims == ("unit",) and n != "unit"]
            raise LabelError(f"there is no coordinate {by!r} of units; there are {known}.")
        names = counts[by].values
    # Populations in the order of their first unit, as in the network.
    found, first, group = np.unique(names, return_index=True, return_inverse=True)
    order = np.argsort(first)
    members = np.eye(len(found))[group]
    size = members.sum(0)
    total = _member_means(count.values, members[:, order])
    dims = tuple(str(d) for d in count.dims)
    coords = {str(n): c.variable for n, c in counts.coords.items() if "unit" not in c.dims}
    coords["n_units"] = xr.Variable("unit", size[order].astype(int), {"long_name": "units"})
    if by is not None:
        coords[by] = xr.Variable("unit", found[order], counts[by].attrs)
    about = {str(n): v for n, v in counts.attrs.items() if n not in ("kind", "source")}
    pooled = labels.dataset(
        {"spike_count": (dims, total.astype(np.float32), "count", "mean spike count")},
        coords,
        source=counts.attrs.get("source", "recording"),
        kind="spike_count",
        attrs=about,
        values=False,
    )
    return rate_of(pooled, sigma)


def _member_means(counts: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Mean over the units of each population (columns) that were observed; NaN without any."""
    seen = np.isfinite(counts)
    n = seen.astype(np.float64) @ members
    total = np.where(seen, counts, 0) @ members
    return np.where(n > 0, total / np.where(n > 0, n, 1), np.nan)
