"""Bin spikes, and estimate firing rates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.convention import (
    LARGE,
    OBSERVED_EDGES,
    SPIKE_KEYS,
    TIME_TOLERANCE,
    Number,
    Window,
)
from neurodyn.labels.plain import plain_times
from neurodyn.labels.wording import told
from neurodyn.signals.smooth import smooth
from neurodyn.spikes.blocks import bins_observed, counted_by_blocks
from neurodyn.spikes.build import step_middles, window_edges
from neurodyn.spikes.join import Positions, in_trials, positions
from neurodyn.spikes.wider import rebinned

#: Coordinates of spikes that bins do not keep.
_OF_SPIKES = (
    *("valid_until", "n_valid", "time"),
    *OBSERVED_EDGES,
    *SPIKE_KEYS.values(),
)

#: Largest number of counts; more would fill the memory of most machines.
_MOST = 2**31


def bin(
    spikes: xr.Dataset,
    *,
    bin_width: Number,
    window: Window | None = None,
    lazy: bool | None = None,
) -> xr.Dataset:
    """Count spikes in bins.

    Parameters
    ----------
    spikes
        Spike Dataset, in trials or continuous; or counts, which are added up in wider bins.
    bin_width
        Width of the bins [ms]. It must divide the window; for counts, it must be a multiple of the
        width of their bins.
    window
        First and last edge [ms]. Default: the window of `spikes`. For counts, both must be edges of
        bins.
    lazy
        Whether spikes are counted block by block when the counts are used, which are then a dask
        array of blocks of 64 MB. Default: where there are more than 1 GiB of counts. Counts that
        are given stay as they are.

    Returns
    -------
    Dataset with `spike_count` (trial, time, unit), or (time, unit) for a continuous recording.
    A single trial (``.isel(trial=0)``) has no dim `trial`.
    Bin k is ``[start + k bin_width, start + (k + 1) bin_width)``; `time` is the centre. Counts are
    int32. If trials end early, or there are gaps in the observation of all units or of some, counts
    are float32, and NaN fills the bins in which the unit was not observed in full. Of trials that
    end early, `n_valid` (trial) counts the bins before the end, and `valid_until` (trial) [ms] is
    the end of the last of these. `gaps` in attrs is 1 where bins are NaN because of gaps.

    Raises
    ------
    LabelError
        If `bin_width` does not divide the window, the window exceeds the observation, or bins of
        counts do not add up to these bins; or if there would be more than 2e9 counts, unless
        ``lazy=True``, because the width may be meant in another unit.

    Notes
    -----
    Spike times are in memory, counts of any size need not be: lazily, memory is needed for 40 bytes
    a spike, and for a block.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.from_times([[1.0, 2.0, 10.0]], window=(0, 20))
    >>> spikes.bin(ds, bin_width=10.0).spike_count.values.ravel()
    array([2, 1], dtype=int32)
    """
    plain_times(bin_width, "bin_width")
    if "spike_count" in spikes and "spike_time" not in spikes:
        return rebinned(spikes, bin_width, window)
    found, place, edges = places_in_bins(spikes, bin_width, window)
    dims = ("trial", "time", "unit") if in_trials(spikes) else ("time", "unit")
    shape = [edges.size - 1 if dim == "time" else spikes.sizes[dim] for dim in dims]
    _refuse_many(math.prod(shape), edges.size - 1, float(bin_width), lazy)
    by_blocks = 4 * math.prod(shape) > LARGE if lazy is None else lazy
    counted = counted_by_blocks if by_blocks else _counted
    counts, ends, holes = counted(spikes, found, place, edges, shape)

    coords: dict[str, Any] = {
        str(n): c
        for n, c in spikes.coords.items()
        if set(c.dims) <= set(dims) and n not in _OF_SPIKES
    }
    coords["time"] = edges[:-1] + float(bin_width) / 2
    if ends is not None:
        of_trials = "trial" if in_trials(spikes) else ()
        ends = ends if in_trials(spikes) else ends[0]
        coords["n_valid"] = (of_trials, ends)
        coords["valid_until"] = (of_trials, edges[ends])
    about = {n: v for n, v in spikes.attrs.items() if n not in ("kind", "source", "obs_intervals")}
    about |= {"bin_width": float(bin_width), "window": [float(edges[0]), float(edges[-1])]}
    if holes:
        about["gaps"] = 1
    return labels.dataset(
        {"spike_count": (dims, counts, "count", "spike count")},
        coords,
        source=spikes.attrs.get("source", "recording"),
        kind="spike_count",
        attrs=about,
        values=False,
    )


def places_in_bins(
    spikes: xr.Dataset, bin_width: Number, window: Window | None
) -> tuple[Positions, np.ndarray, np.ndarray]:
    """All spikes, the bin in which each lies (-1: in none), and the edges of the bins [ms].

    Raises
    ------
    LabelError
        As `bin`.
    """
    found = positions(spikes)
    start, stop = _bin_window(spikes, window)
    n_bins = _n_bins(start, stop, float(bin_width))
    edges = start + np.arange(n_bins + 1) * float(bin_width)
    edges[-1] = stop  # which may be a rounding error away
    spike_time = step_middles(spikes, found.time)
    place = np.clip(((spike_time - start) // bin_width).astype(np.int64), 0, n_bins - 1)
    # The quotient is rounded; the edges decide.
    place -= spike_time < edges[place]
    place += spike_time >= edges[np.clip(place + 1, 0, n_bins)]
    return found, np.where(place < n_bins, place, -1), edges


def _bin_window(ds: xr.Dataset, window: Window | None) -> tuple[float, float]:
    known = ds.attrs.get("window")
    window = known if window is None else window
    if window is None:
        raise LabelError("the observed times are not known: pass window=(start, stop) in ms.")
    start, stop = window_edges(window)
    if known is not None and (
        start < known[0] - TIME_TOLERANCE or stop > known[1] + TIME_TOLERANCE
    ):
        raise LabelError(
            f"the window {told(start)} to {told(stop)} ms exceeds the observation, "
            f"{told(known[0])} to {told(known[1])} ms: zeros outside of it would not be "
            "measurements. Choose a window within it."
        )
    return start, stop


def _n_bins(start: float, stop: float, bin_width: float) -> int:
    if not (np.isfinite(bin_width) and bin_width > 0):
        raise LabelError(f"bin_width must be a positive number of ms, got {bin_width}.")
    exact = (stop - start) / bin_width
    n_bins = round(exact)
    if n_bins < 1 or abs(exact - n_bins) > 1e-6:
        shorter = start + int(exact + 1e-6) * bin_width
        hint = f"end the window at {told(shorter)} ms" if shorter > start else "use narrower bins"
        raise LabelError(
            f"bins of {bin_width:g} ms do not divide the window {told(start)} to {told(stop)} ms "
            f"({exact:g} bins): {hint}, or choose another width."
        )
    return n_bins


def _refuse_many(size: int, n_bins: int, bin_width: float, lazy: bool | None) -> None:
    if size > _MOST and not lazy:
        raise LabelError(
            f"bins of {bin_width:g} ms are {n_bins:,} bins for each unit and trial, "
            f"{size:.2g} numbers in all: `bin_width` is in ms; choose wider bins, or fewer units "
            "and trials, or lazy=True, which counts block by block when the counts are used."
        )


def _counted(
    spikes: xr.Dataset, found: Positions, place: np.ndarray, edges: np.ndarray, shape: list[int]
) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Counts with NaN in bins that were not observed in full.

    Also the number of whole bins of each trial if trials end early, and whether there are gaps.
    """
    inside = place >= 0
    index = [place[inside], found.unit[inside]]
    if found.trial is not None:
        index.insert(0, found.trial[inside])
    flat = np.ravel_multi_index(index, shape)
    counts = np.bincount(flat, minlength=np.prod(shape)).astype(np.int32).reshape(shape)
    ends, holes = bins_observed(spikes, edges)
    if ends is None and holes is None:
        return counts, None, False
    padded = counts.astype(np.float32)
    if ends is not None:
        late = np.arange(len(edges) - 1)[None, :] >= ends[:, None]
        padded[late if in_trials(spikes) else late[0]] = np.nan
    if holes is not None:
        padded[holes.reshape(counts.shape)] = np.nan
    return padded, ends, holes is not None


def rate(
    spikes: xr.Dataset,
    sigma: Number | None = None,
    *,
    bin_width: Number | None = None,
    window: Window | None = None,
    lazy: bool | None = None,
) -> xr.Dataset:
    """Firing rates: binned, and smoothed with a Gaussian when `sigma` is given.

    Parameters
    ----------
    spikes
        Spike Dataset, or a Dataset with `spike_count`.
    sigma
        Standard deviation of the Gaussian [ms]; None does not smooth. See `neurodyn.trials.smooth`.
    bin_width
        Width of the bins [ms], as for `bin`. Default: 10 ms, because that resolves kernels of 20 ms
        and more; for counts, their own bins.
    window
        First and last edge [ms]. Default: the window of `spikes`.
    lazy
        As for `bin`; rates of counts in chunks stay in chunks.

    Returns
    -------
    Dataset with `rate` (trial, time, unit) [Hz].

    Raises
    ------
    LabelError
        As `bin`.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.from_times([[5.0, 15.0]], window=(0, 20))
    >>> spikes.rate(ds, bin_width=10.0)["rate"].values.ravel()
    array([100., 100.], dtype=float32)
    """
    if "spike_count" in spikes:
        counts = rebinned(spikes, bin_width, window)
    else:
        width = 10.0 if bin_width is None else bin_width
        counts = bin(spikes, bin_width=width, window=window, lazy=lazy)
    per_second = 1e3 / labels.bin_width(counts, what="the counts")
    hertz = (counts["spike_count"] * per_second).astype(np.float32)
    hertz.attrs = {"units": "Hz", "long_name": "firing rate"}
    rates = counts.drop_vars("spike_count").assign(rate=hertz).assign_attrs(kind="rate")
    return rates if sigma is None else smooth(rates, sigma)
