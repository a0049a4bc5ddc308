"""Exact numbers for the labels of trials, because users group, select and join by them."""

from typing import Any

import numpy as np

#: Digits that survive single precision and the few roundings of a time in whole steps.
_DIGITS = 12


def exact(values: Any, step: float | None = None) -> np.ndarray:
    """Turn labels in single precision into the decimal numbers that were meant.

    A label that went through a compiled program comes back in single precision, so that a setting
    of 0.032 reads 0.03200000151991844. The number that was meant is the shortest decimal that
    rounds to it, or a whole number of steps.

    Parameters
    ----------
    values : array
        Labels. Labels that are not in single precision are returned unchanged.
    step : float, optional
        Step of times. Values that are multiples of it to rounding become exact multiples.

    Returns
    -------
    numpy.ndarray
        Float64 for values in single precision.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn.labels.numbers import exact
    >>> exact(np.float32([0.032, 0.512])).tolist()
    [0.032, 0.512]
    >>> exact(np.float32([0.3]) * np.float32(7), step=0.3).tolist()
    [2.1]
    """
    values = np.asarray(values)
    if values.dtype != np.float32:
        return values
    different, where = np.unique(values, return_inverse=True)
    numbers = np.array([_number(value, step) for value in different], np.float64)
    return numbers[where].reshape(values.shape)


def _number(value: np.float32, step: float | None) -> float:
    if step is not None and np.isfinite(value):
        counted = round(float(value) / step) * step
        if abs(counted - float(value)) <= 4 * np.finfo(np.float32).eps * abs(float(value)):
            return float(f"{counted:.{_DIGITS}g}")
    return float(str(value))
