"""Which bins were observed, and counts of spikes block by block, as a dask array."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.labels.convention import TIME_TOLERANCE
from neurodyn.signals.chunked import CHUNK
from neurodyn.spikes.gaps import bins_of_gaps, gaps_of, marked_bins, unobserved_bins
from neurodyn.spikes.join import Positions, in_trials


class Spikes(NamedTuple):
    """Spikes in bins, in the order of `row`.

    Attributes
    ----------
    row
        ``trial * n_bins + bin`` of each spike.
    unit
        Its unit.
    """

    row: np.ndarray
    unit: np.ndarray


class Unobserved(NamedTuple):
    """Bins that were not observed in full.

    Attributes
    ----------
    ends
        Number of bins before the end of each trial; None if all trials have all.
    cell, first, end
        ``trial * n_units + unit`` of each gap, the first bin that it reaches into, and that after
        the last.
    """

    ends: np.ndarray | None
    cell: np.ndarray
    first: np.ndarray
    end: np.ndarray


def whole_bins(ds: xr.Dataset, edges: np.ndarray) -> np.ndarray | None:
    """The number of bins before the end of each trial; None if all trials have all."""
    if "valid_until" not in ds.coords:
        return None
    until = np.atleast_1d(ds["valid_until"].values)
    whole = np.searchsorted(edges, until + TIME_TOLERANCE, side="right") - 1
    whole = np.clip(whole, 0, len(edges) - 1)
    return None if (whole == len(edges) - 1).all() else whole


def bins_observed(ds: xr.Dataset, edges: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Which bins were observed in full.

    Returns
    -------
    The number of bins before the end of each trial, None if all trials have all; and whether a gap
    reaches into each bin (trial, time, unit), None if none does.
    """
    holes, gaps = None, gaps_of(ds)
    if gaps is not None:
        n_trials = ds.sizes["trial"] if in_trials(ds) else 1
        holes = unobserved_bins(gaps, edges, n_trials, ds.sizes["unit"])
        holes = holes if holes.any() else None
    return whole_bins(ds, edges), holes


def counted_by_blocks(
    spikes: xr.Dataset, found: Positions, place: np.ndarray, edges: np.ndarray, shape: list[int]
) -> tuple[Any, np.ndarray | None, bool]:
    """Counts as a dask array of blocks of 64 MB, with NaN in bins not observed in full.

    Parameters
    ----------
    spikes
        Spike Dataset.
    found, place, edges
        Its spikes, the bin in which each lies (-1: in none), and the edges of the bins [ms].
    shape
        That of the counts, ``(trial, time, unit)`` or ``(time, unit)``.

    Returns
    -------
    The counts; the number of whole bins of each trial if trials end early; whether there are gaps.
    """
    import dask
    import dask.array as da

    n_bins, n_units = shape[-2:]
    n_trials = math.prod(shape[:-2])
    ordered, lost = _ordered(found, place, n_bins), _unobserved(spikes, edges)
    padded = lost.ends is not None or lost.cell.size > 0
    dtype = np.dtype(np.float32 if padded else np.int32)
    rows = max(1, CHUNK // (4 * n_units))
    trials_at_once, bins_at_once = max(1, rows // n_bins), min(n_bins, rows)
    count = dask.delayed(_block, pure=False)
    table = []
    for t in range(0, n_trials, trials_at_once):
        many, line = min(trials_at_once, n_trials - t), []
        for b in range(0, n_bins, bins_at_once):
            size = (many, min(bins_at_once, n_bins - b), n_units)
            block = count(_part(ordered, t, b, size, n_bins), _lost(lost, t, b, size), size, dtype)
            line.append(da.from_delayed(block, size, dtype))
        table.append(da.concatenate(line, axis=1) if len(line) > 1 else line[0])
    counts = da.concatenate(table) if len(table) > 1 else table[0]
    return counts.reshape(shape) if len(shape) < 3 else counts, lost.ends, lost.cell.size > 0


def _ordered(found: Positions, place: np.ndarray, n_bins: int) -> Spikes:
    inside = place >= 0
    row, unit = place[inside], found.unit[inside]
    if found.trial is not None:
        row = row + found.trial[inside] * n_bins
    order = np.argsort(row, kind="stable")
    return Spikes(row[order], unit[order].astype(np.int32))


def _unobserved(spikes: xr.Dataset, edges: np.ndarray) -> Unobserved:
    gaps, none = gaps_of(spikes), np.zeros(0, np.int64)
    if gaps is None:
        return Unobserved(whole_bins(spikes, edges), none, none, none)
    first, end = bins_of_gaps(gaps, edges)
    there = end > first
    return Unobserved(whole_bins(spikes, edges), gaps.cell[there], first[there], end[there])


def _part(spikes: Spikes, trial: int, bin: int, size: tuple[int, ...], n_bins: int) -> Spikes:
    """The spikes of a block: of several whole trials, or of a part of one."""
    start = trial * n_bins + bin
    low, high = np.searchsorted(spikes.row, [start, start + size[0] * size[1]])
    # Copies, because a view would keep the table of all spikes beside each block.
    return Spikes(spikes.row[low:high] - start, spikes.unit[low:high].copy())


def _lost(lost: Unobserved, trial: int, bin: int, size: tuple[int, ...]) -> Unobserved:
    """The same of a block."""
    ends = None if lost.ends is None else np.clip(lost.ends[trial : trial + size[0]] - bin, 0, None)
    cell = lost.cell - trial * size[2]
    first, end = (np.clip(v - bin, 0, size[1]) for v in (lost.first, lost.end))
    inside = (cell >= 0) & (cell < size[0] * size[2]) & (end > first)
    return Unobserved(ends, cell[inside], first[inside], end[inside])


def _block(spikes: Spikes, lost: Unobserved, size: tuple[int, int, int], dtype: Any) -> np.ndarray:
    """Counts of a block."""
    flat = spikes.row * size[2] + spikes.unit
    counts = np.zeros(size, dtype)
    np.add.at(counts.reshape(-1), flat, 1)
    if lost.ends is not None:
        counts[np.arange(size[1])[None, :] >= lost.ends[:, None]] = np.nan
    if lost.cell.size:
        counts[marked_bins(lost.cell, lost.first, lost.end, *size)] = np.nan
    return counts
