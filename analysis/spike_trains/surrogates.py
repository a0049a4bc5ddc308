"""Spike trains whose fine timing, or whose trial, is another one."""

from __future__ import annotations

import numpy as np

from neurodyn.analysis.spike_trains.coincidences import Observation, Trains


def jittered(
    trains: Trains,
    seen: Observation,
    width: float,
    start: float,
    n_trials: int,
    draws: int,
    rng: np.random.Generator,
) -> Trains:
    """Each spike at a random time of its interval of a fixed width; draws come as further trials.

    Intervals end where the observation does, so that no spike comes to lie in a gap, and each unit
    keeps its count in each interval.
    """
    low = start + np.floor((trains.time - start) / width) * width
    high = low + width
    kind = seen.kind[trains.unit]
    begins, ends = seen.start[kind, trains.trial], seen.stop[kind, trains.trial]
    inside = (begins <= trains.time[:, None]) & (trains.time[:, None] < ends)
    own = inside.argmax(1)
    rows = np.arange(own.size)
    low, high = np.maximum(low, begins[rows, own]), np.minimum(high, ends[rows, own])
    time = rng.uniform(low, high, (draws, low.size)).ravel()
    trial = (trains.trial + n_trials * np.arange(draws)[:, None]).ravel()
    return Trains(time, np.tile(trains.unit, draws), trial).sorted()


def other_trials(codes: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """For each trial another one of its condition, at random (draw, trial); never itself."""
    found = np.empty((draws, codes.size), int)
    for code in range(int(codes.max()) + 1):
        members = np.flatnonzero(codes == code)
        order = rng.permuted(np.tile(members, (draws, 1)), axis=1)
        away = rng.integers(1, members.size, (draws, 1))
        moved = np.take_along_axis(order, (np.arange(members.size) + away) % members.size, 1)
        np.put_along_axis(found, order, moved, 1)
    return found
