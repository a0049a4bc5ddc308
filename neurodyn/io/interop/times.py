"""Times of other tools in ms, such that times that were written come back to the bit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurodyn.labels import LabelError
from neurodyn.labels.plain import plain_times

#: ms in one unit of time.
UNITS = {
    "h": 3.6e6, "min": 6e4, "s": 1e3, "ms": 1.0, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ns": 1e-6
}  # fmt: skip
#: Decimals of times in ms: one nanosecond. Files hold no finer times.
_DECIMALS = 6


def unit_factor(unit: Any) -> float:
    """Factor from a unit of time, or from numbers of samples at ``{"rate": Hz}``, to ms."""
    if isinstance(unit, Mapping) and set(unit) == {"rate"}:
        rate = unit["rate"]
        if isinstance(rate, (int, float, np.number)) and np.isfinite(rate) and rate > 0:
            return 1e3 / float(rate)
    elif isinstance(unit, str) and unit in UNITS:
        return UNITS[unit]
    raise LabelError(
        f"time_unit is {unit!r}: give one of {', '.join(UNITS)}, or {{'rate': 30000.0}} if times "
        "are numbers of samples, with the samples per second."
    )


def to_ms(values: Any, factor: float, what: str = "times") -> np.ndarray:
    """Times in ms.

    Times that were decimal numbers of ms with at most six decimals become these again, because a
    product such as ``0.0123 * 1e3`` differs from them by rounding.
    """
    times = plain_times(values, what)
    if factor == 1.0:
        return times
    with np.errstate(over="ignore", invalid="ignore"):
        ms = times * factor
        near = np.round(ms, _DECIMALS)
        close = np.abs(near - ms) <= 2 * np.spacing(np.abs(ms))
    return np.where(close, near, ms)


def to_seconds(ms: np.ndarray) -> np.ndarray:
    """Times [ms] in s; `to_ms` turns them back to the bit, but for some with digits beyond 1 ns."""
    ms = np.asarray(ms, np.float64)
    seconds = ms / UNITS["s"]
    for beside in (np.inf, -np.inf):
        other = np.nextafter(seconds, beside)
        off = to_ms(seconds, UNITS["s"]) != ms
        seconds = np.where(off & (to_ms(other, UNITS["s"]) == ms), other, seconds)
    return seconds
