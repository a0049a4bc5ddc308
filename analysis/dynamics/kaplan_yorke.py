"""The dimension of an attractor that its Lyapunov exponents imply."""

from __future__ import annotations

from typing import Any

import numpy as np


def kaplan_yorke_dimension(exponents: Any, *, zero: Any = 0.0, complete: bool = True) -> float:
    r"""Dimension that a spectrum of Lyapunov exponents implies.

    :math:`D = j + \sum_{i \le j} \lambda_i / |\lambda_{j+1}|` with the largest j for which the sum
    is not negative.

    Parameters
    ----------
    exponents
        Lyapunov exponents, in any order.
    zero
        Exponents of at most this modulus count as zero, one number or one for each.
    complete
        Whether these are all exponents of the system. If not, and their sum is still positive, the
        dimension is not known.

    Returns
    -------
    The dimension: 0 for a fixed point, 1 for a cycle; the number of exponents where volume does
    not shrink; NaN where it is not known.

    References
    ----------
    Kaplan & Yorke, in Functional Differential Equations and Approximation of Fixed Points, 1979.

    Examples
    --------
    >>> round(kaplan_yorke_dimension([0.906, 0.0, -14.572]), 3)
    2.062
    """
    given = np.asarray(exponents, np.float64)
    if given.ndim != 1 or not given.size:
        raise ValueError(f"`exponents` must be a list of numbers, got shape {given.shape}.")
    if np.isnan(given).any():
        return float("nan")
    given = np.where(np.abs(given) <= np.asarray(zero, np.float64), 0.0, given)
    given = np.sort(given)[::-1]
    sums = np.cumsum(given)
    j = int((sums >= 0).argmin()) if (sums < 0).any() else given.size
    if j == given.size:
        return float(j) if complete else float("nan")
    return float(j + (sums[j - 1] if j else 0.0) / -given[j])
