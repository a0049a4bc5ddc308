"""Pairs of spikes that are close in time, and the time for which pairs of units were observed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from neurodyn.analysis.spike_trains.observed import trial_ends, within
from neurodyn.spikes.build import step_middles
from neurodyn.spikes.gaps import gaps_of

#: Pairs of spikes that are held in memory at a time.
_AT_ONCE = 2**21


class Trains(NamedTuple):
    """Spikes of all units, sorted by trial and time.

    Attributes
    ----------
    time
        Times at which spikes count [ms].
    unit, trial
        Positions; without trials all spikes are of trial 0.
    """

    time: Float[np.ndarray, " spike"]
    unit: Int[np.ndarray, " spike"]
    trial: Int[np.ndarray, " spike"]

    def sorted(self) -> Trains:
        """The same spikes in order."""
        order = np.lexsort([self.time, self.trial])
        return Trains(*(column[order] for column in self))


def trains_of(spikes: xr.Dataset, start: float, stop: float) -> Trains:
    """The spikes between two times at which their units were observed."""
    found = within(spikes, start, stop)
    trial = np.zeros_like(found.unit) if found.trial is None else found.trial
    return Trains(step_middles(spikes, found.time), found.unit, trial).sorted()


def coincidences(
    reference: Trains, target: Trains, reach: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """All pairs of spikes of one trial that are at most `reach` [ms] apart, some at a time.

    All pairs of one spike of the reference come together. If both are the same object, a spike
    makes no pair with itself.

    Yields
    ------
    Positions in `reference`, positions in `target`, and time of target minus reference [ms].
    """
    if not reference.time.size or not target.time.size:
        return
    # Trials one after another on one axis, too far apart for pairs. Its rounding is made up for by
    # a wider search, after which the differences of the times themselves decide.
    low = min(reference.time.min(), target.time.min())
    span = max(reference.time.max(), target.time.max()) - low + 2 * reach + 1.0
    at = reference.trial * span + (reference.time - low)
    of = target.trial * span + (target.time - low)
    wide = reach + 8 * np.spacing(max(at[-1], of[-1])) + 1e-9
    first, end = np.searchsorted(of, at - wide, "left"), np.searchsorted(of, at + wide, "right")
    many = end - first
    total = np.cumsum(many)
    begin = 0
    while begin < many.size:
        before = total[begin - 1] if begin else 0
        stop = max(int(np.searchsorted(total, before + _AT_ONCE, "right")), begin + 1)
        part = many[begin:stop]
        one = np.repeat(np.arange(begin, stop), part)
        other = np.arange(one.size) + np.repeat(first[begin:stop] - np.cumsum(part) + part, part)
        apart = target.time[other] - reference.time[one]
        near = np.abs(apart) <= reach + 1e-9
        if reference is target:
            near &= one != other
        yield one[near], other[near], apart[near]
        begin = stop


class Observation(NamedTuple):
    """Intervals in which units were observed, which many units share.

    Attributes
    ----------
    kind
        The kind of observation of each unit.
    start, stop
        Intervals of each kind in each trial [ms], empty ones at the end.
    """

    kind: Int[np.ndarray, " unit"]
    start: Float[np.ndarray, "kind trial interval"]
    stop: Float[np.ndarray, "kind trial interval"]

    def total(self) -> Float[np.ndarray, " unit"]:
        """How long each unit was observed [ms]."""
        return (self.stop - self.start).sum((1, 2))[self.kind]

    def sees(self, unit: np.ndarray, trains: Trains) -> np.ndarray:
        """Whether each of these units was observed at the time of each spike (spike, unit)."""
        seen = np.empty((trains.time.size, len(self.start)), bool)
        for k in range(len(self.start)):
            start, stop = self.start[k][trains.trial], self.stop[k][trains.trial]
            at = trains.time[:, None]
            seen[:, k] = ((at >= start) & (at < stop)).any(1)
        return seen[:, self.kind[unit]]

    def shared(
        self, lags: np.ndarray, other: np.ndarray | None = None
    ) -> Float[np.ndarray, "lag unit unit_to"]:
        """For how long [ms] one unit was observed at a time and another one a lag later.

        `other` is the trial of the second unit that stands beside each trial of the first.
        """
        kinds = len(self.start)
        found = np.zeros((len(lags), kinds, kinds))
        start, stop = self.start, self.stop
        if other is not None:
            start, stop = start[:, other], stop[:, other]
        for k, lag in enumerate(lags):
            for a in range(kinds):
                low = np.maximum(self.start[a][None, :, :, None], start[:, :, None] - lag)
                high = np.minimum(self.stop[a][None, :, :, None], stop[:, :, None] - lag)
                found[k, a] = np.maximum(high - low, 0).sum((1, 2, 3))
        return found[:, self.kind[:, None], self.kind]


def observation_of(spikes: xr.Dataset, start: float, stop: float) -> Observation:
    """When units were observed between two times."""
    end, n_units = np.maximum(trial_ends(spikes, stop), start), spikes.sizes["unit"]
    gaps = gaps_of(spikes)
    if gaps is None or not gaps.cell.size:
        whole = np.full((1, end.size, 1), start), end[None, :, None]
        return Observation(np.zeros(n_units, int), *whole)
    trial, unit = np.divmod(gaps.cell, n_units)
    # The observed parts of a cell lie before its first gap, between its gaps, and after its last.
    many = np.bincount(gaps.cell, minlength=end.size * n_units)
    rank = np.arange(gaps.cell.size) - np.repeat(np.cumsum(many) - many, many)
    shape = (n_units, end.size, int(many.max()) + 1)
    first, last = np.full(shape, start), np.broadcast_to(end[None, :, None], shape).copy()
    first[unit, trial, rank + 1] = gaps.stop
    last[unit, trial, rank] = gaps.start
    filled = np.arange(shape[2]) <= many.reshape(end.size, n_units).T[..., None]
    first, last = np.clip(first, start, stop), np.minimum(last, end[:, None])
    empty = ~filled | (last <= first)
    first, last = np.where(empty, start, first), np.where(empty, start, last)
    edges = np.concatenate([first, last], -1).reshape(n_units, -1)
    _, index, kind = np.unique(edges, axis=0, return_index=True, return_inverse=True)
    return Observation(kind.ravel(), first[index], last[index])
