"""Times in words, for errors and warnings."""

from collections.abc import Iterable

import numpy as np


def told(time: float) -> str:
    """A time or duration as people write it, to 0.1 µs.

    Clocks may count from 1970, where six significant digits are some ten days.

    Examples
    --------
    >>> told(1_700_000_009_123.0), told(0.1 + 0.2), told(3.0)
    ('1700000009123', '0.3', '3')
    """
    time = float(time)
    if not np.isfinite(time) or abs(time) >= 1e16 or 0 < abs(time) < 1e-3:
        return f"{time:g}"
    return np.format_float_positional(time, precision=4, trim="-")


def in_unit(unit: str) -> str:
    """The unit of a clock as people say it.

    Examples
    --------
    >>> in_unit("ms"), in_unit("1")
    ('ms', 'steps')
    """
    return "steps" if unit == "1" else unit


def spans(intervals: Iterable[Iterable[float]], most: int = 4) -> str:
    """Intervals in words: "0 to 10, 20 to 30 ms"; a few of them if there are many.

    Parameters
    ----------
    intervals
        Starts and stops [ms].
    most
        How many are told.

    Examples
    --------
    >>> spans([(0, 10), (20, 30)]), spans([])
    ('0 to 10, 20 to 30 ms', 'no time')
    """
    told_ones = [f"{told(start)} to {told(stop)}" for start, stop in intervals]
    shown = ", ".join(told_ones[:most]) + (", ..." if len(told_ones) > most else "")
    return f"{shown} ms" if shown else "no time"
