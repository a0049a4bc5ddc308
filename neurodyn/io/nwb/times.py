"""Times of the samples of an NWB series."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from neurodyn.io.pieces import even
from neurodyn.labels import LabelError
from neurodyn.labels.clock import slack_of

#: Time stamps that are read at a time.
_BLOCK = 1 << 20


def times(
    series: Any, n: int, window: tuple[float, float] | None
) -> tuple[tuple[int, int], np.ndarray]:
    """The samples of a series within a window, and their times.

    Parameters
    ----------
    series
        TimeSeries of pynwb, with a rate or with time stamps.
    n
        Number of its samples.
    window
        Start and stop [ms], half-open; None: all samples.

    Returns
    -------
    First sample and the one after the last, and the times between [ms]. Time stamps that are even
    to the precision of their type become even labels.

    Raises
    ------
    LabelError
        With the reason, if there are no times, or they cannot be labels.
    """
    if series.timestamps is not None:
        return _stamped(series.timestamps, n, window)
    rate, start = series.rate, series.starting_time
    start = 0.0 if start is None else float(start) * 1e3
    if not np.isfinite(start):
        raise LabelError(f"its starting time is {start / 1e3:g} s")
    if rate is None or not np.isfinite(rate) or rate < 0 or (rate == 0 and n > 1):
        given = "" if rate is None else f" ({float(rate):g} Hz)"
        raise LabelError(f"it has neither time stamps nor a valid rate{given}")
    hertz = float(rate) or np.inf  # one sample needs no rate
    if window is None:
        return (0, n), even(start, n, hertz)
    near = [(edge - start) / (1e3 / hertz) if rate else 0.0 for edge in window]
    low, high = (int(np.clip(np.floor(x) + d, 0, n)) for x, d in zip(near, (-2, 3), strict=True))
    time = even(start, high - low, hertz, low)
    return _within(time, window, low, max(abs(start), abs(start + n * 1e3 / hertz)))


def _within(
    time: np.ndarray, window: tuple[float, float], low: int, largest: float
) -> tuple[tuple[int, int], np.ndarray]:
    """The part of increasing times that a window holds; the first of them is number `low`."""
    slack = slack_of(np.array([largest]), np.dtype(np.float64))
    first, stop = np.searchsorted(time, np.asarray(window) - slack)
    return (low + int(first), low + int(stop)), time[first:stop]


def _stamped(
    stamps: Any, n: int, window: tuple[float, float] | None
) -> tuple[tuple[int, int], np.ndarray]:
    shape = np.shape(stamps)
    if len(shape) != 1:
        raise LabelError(f"its time stamps have shape {shape}; one stamp per sample is needed")
    if shape[0] != n:
        raise LabelError(
            f"it has {shape[0]} time stamps for {n} samples, so that it is unknown which is when"
        )
    step = _even_step(stamps)
    found, first, largest = [], None, 0.0
    for low, block in _blocks(stamps):
        if step is None:
            time = block * 1e3
        else:
            time = float(stamps[0]) * 1e3 + np.arange(low, low + block.size) * (step * 1e3)
        if window is not None:
            largest = max(largest, abs(float(time[-1])))
            rows, time = _within(time, window, low, largest)
            first = rows[0] if first is None and time.size else first
        found.append(time)
    time = np.concatenate(found)
    first = first or 0
    return (first, first + time.size), time


def _even_step(stamps: Any) -> float | None:
    """The step [s] of stamps that are even to their precision; None of others.

    Refuses those that do not increase.
    """
    n = len(stamps)
    start, stop = float(stamps[0]), float(stamps[n - 1])
    step = (stop - start) / (n - 1) if n > 1 else 0.0
    dtype = np.asarray(stamps[:1]).dtype
    precision = np.finfo(dtype if dtype.kind == "f" else np.float64).eps
    slack = 2 * float(precision) * max(abs(start), abs(stop))
    even, last = n > 2, -np.inf
    for low, block in _blocks(stamps):
        if not np.isfinite(block).all():
            raise LabelError("some of its time stamps are NaN or infinite")
        steps = np.diff(block, prepend=last)
        if not (steps > 0).all():
            at = int(np.flatnonzero(steps <= 0)[0])
            before = block[at - 1] if at else last
            raise LabelError(
                "its time stamps do not increase: "
                f"sample {low + at} is at {block[at]:.10g} s, the one before at {before:.10g} s"
            )
        last = block[-1]
        line = start + np.arange(low, low + block.size) * step
        even = even and bool((np.abs(block - line) <= slack).all())
    return step if even and slack < step / 4 else None


def _blocks(stamps: Any) -> Iterator[tuple[int, np.ndarray]]:
    for low in range(0, len(stamps), _BLOCK):
        yield low, np.asarray(stamps[low : low + _BLOCK], np.float64)
