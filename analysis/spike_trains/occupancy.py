"""Spikes and observed time by bins of variables, and the information of spikes about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from neurodyn.analysis.spike_trains.surrogates import other_trials
from neurodyn.common.checks import plain_number
from neurodyn.labels.convention import Number
from neurodyn.spikes.blocks import bins_observed
from neurodyn.spikes.count import places_in_bins
from neurodyn.spikes.join import in_trials

#: Spikes of draws that are held in memory at a time.
_AT_ONCE = 2**22


class Samples(NamedTuple):
    """The spikes and the observed time of each unit, by sample of the variables.

    Attributes
    ----------
    place, unit
        Sample (trial times time) and unit of each spike.
    seen_place, seen_unit
        The same of each sample in which a unit was observed; None: all units in all samples.
    """

    place: np.ndarray
    unit: np.ndarray
    seen_place: np.ndarray | None
    seen_unit: np.ndarray | None


def samples_of(spikes: xr.Dataset, step: float, window: tuple[float, float]) -> Samples:
    """The spikes in samples of a step that follow each other in a window."""
    found, place, edges = places_in_bins(spikes, step, window)
    n_times = edges.size - 1
    trial = np.zeros_like(place) if found.trial is None else found.trial
    ends, holes = bins_observed(spikes, edges)
    inside = place >= 0
    if ends is None and holes is None:
        return Samples((trial * n_times + place)[inside], found.unit[inside], None, None)
    n_trials = spikes.sizes["trial"] if in_trials(spikes) else 1
    seen = np.ones((n_trials, n_times, spikes.sizes["unit"]), bool) if holes is None else ~holes
    if ends is not None:
        seen &= (np.arange(n_times) < ends[:, None])[..., None]
    inside[inside] = seen[trial[inside], place[inside], found.unit[inside]]
    seen_place, seen_unit = np.nonzero(seen.reshape(-1, seen.shape[-1]))
    kept = (trial * n_times + place)[inside], found.unit[inside]
    return Samples(*kept, seen_place, seen_unit)


def sums(
    samples: Samples, cells: np.ndarray, shape: tuple[int, ...], n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and samples in each bin (draw, bin, unit) for cells (draw, trial, time)."""
    draws, size = len(cells), int(np.prod(shape))
    flat = cells.reshape(draws, -1)
    first = np.arange(draws)[:, None] * size

    def total(place: np.ndarray, unit: np.ndarray) -> np.ndarray:
        cell = flat[:, place]
        index = ((first + cell) * n + unit)[cell >= 0]
        return np.bincount(index, minlength=draws * size * n).reshape(draws, size, n)

    count = total(samples.place, samples.unit).astype(np.float64)
    if samples.seen_place is not None and samples.seen_unit is not None:
        return count, total(samples.seen_place, samples.seen_unit).astype(np.float64)
    index = (first + flat)[flat >= 0]
    time = np.bincount(index, minlength=draws * size).reshape(draws, size, 1)
    return count, np.broadcast_to(time, count.shape).astype(np.float64)


def information_of(count: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Bits per spike of maps (..., bin, unit); NaN without spikes."""
    count = np.where(time > 0, count, 0)
    share = time / np.maximum(time.sum(-2, keepdims=True), np.finfo(float).tiny)
    total = count.sum(-2, keepdims=True)
    spikes = count / np.maximum(total, 1)
    some = spikes > 0
    ratio = np.where(some, spikes, 1) / np.where(some, share, 1)
    bits = np.where(some, spikes * np.log2(ratio), 0).sum(-2)
    return np.where(total[..., 0, :] > 0, np.maximum(bits, 0), np.nan)


def shifts(
    cells: np.ndarray, draws: int, step: float, least: Number | None, rng: np.random.Generator
) -> np.ndarray:
    """Which sample, or which trial, stands in the place of each (draw, time or trial)."""
    n_trials, n_times = cells.shape
    if n_trials > 1:
        return other_trials(np.zeros(n_trials, int), draws, rng)
    away = n_times * step / 10 if least is None else plain_number("least_shift", least, low=0)
    low = max(int(np.ceil(away / step)), 1)
    if 2 * low >= n_times:
        raise ValueError(
            f"`least_shift` of {away:g} ms leaves no shift of {n_times * step:g} ms: lower it, or "
            "pass n_shifts=0."
        )
    by = rng.integers(low, n_times - low + 1, (draws, 1))
    return (np.arange(n_times) + by) % n_times


def drawn_information(
    samples: Samples,
    cells: np.ndarray,
    order: np.ndarray,
    shape: tuple[int, ...],
    n: int,
    step: float,
    least: float,
) -> np.ndarray:
    """Information of each draw and unit."""
    many = samples.place.size + (0 if samples.seen_place is None else samples.seen_place.size)
    at_once = max(_AT_ONCE // max(many + cells.size, 1), 1)
    found = []
    for begin in range(0, len(order), at_once):
        part = order[begin : begin + at_once]
        moved = cells[part] if len(cells) > 1 else cells[0][part][:, None]
        count, time = sums(samples, moved, shape, n)
        time = time * step
        found.append(information_of(count, np.where(time >= least, time, 0)))
    return np.concatenate(found)
