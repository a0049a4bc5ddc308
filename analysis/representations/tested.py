"""Variances, intervals and p-values of the scores of models, from bootstrap draws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from scipy import stats

#: Draws that must hold enough conditions and subjects.
_ENOUGH = 0.2


def variance(
    draws: Float[np.ndarray, "draw factor choice row"],
    over: tuple[str, ...],
    sizes: Mapping[str, int],
    contrasts: Float[np.ndarray, "contrast row"],
) -> Float[np.ndarray, " contrast"]:
    """Variance of sums of scores over new samples of the factors.

    A bootstrap of two factors at once counts the noise of single measurements several times; the
    bootstraps of one factor say how much of it is due to each.

    Parameters
    ----------
    draws
        Scores, by draw, by what was drawn (`drawn.FACTORS`) and by choice of folds. The variance
        that the choice of folds adds is taken out.
    over
        The factors.
    sizes
        Number of conditions and of subjects.
    contrasts
        Weights of the rows in each sum.

    References
    ----------
    Schuett et al. (2023), eLife 12:e82566, section "Estimating the variance".
    """
    x = draws @ contrasts.T
    found = x.mean(axis=2).var(axis=0, ddof=1)
    choices = x.shape[2]
    if choices > 1:
        single = x.var(axis=0, ddof=1).mean(axis=1)
        found = (choices * found - single) / (choices - 1)
    if len(over) == 1:
        n = sizes[over[0]]
        return np.maximum(found[0] * n / (n - 1), 0)
    s, c = (sizes[name] / (sizes[name] - 1) for name in ("subject", "condition"))
    both, subject, condition = found
    whole = s * subject + c * condition - s * c * (both - subject - condition)
    whole = np.maximum(np.maximum(whole, s * subject), c * condition)
    return np.maximum(np.minimum(whole, both), 0)


def enough(draws: np.ndarray) -> np.ndarray:
    """The draws that hold enough different conditions and subjects.

    Raises
    ------
    ValueError
        If these are few.
    """
    complete = np.isfinite(draws).all(axis=tuple(range(1, draws.ndim)))
    if complete.sum() < max(2, _ENOUGH * len(draws)):
        raise ValueError(
            f"only {complete.sum()} of {len(draws)} bootstrap draws hold three different "
            "conditions in each fold and two different subjects: take fewer folds, or "
            "draw over one factor only (over=('condition',))."
        )
    return draws[complete]


def above(difference: np.ndarray, variance_: np.ndarray, dof: int) -> np.ndarray:
    """One-sided p-value of a difference above 0."""
    return stats.t.sf(_t(difference, variance_), dof)


def unequal(difference: np.ndarray, variance_: np.ndarray, dof: int) -> np.ndarray:
    """Two-sided p-value of a difference from 0."""
    return 2 * stats.t.sf(np.abs(_t(difference, variance_)), dof)


def half_width(variance_: np.ndarray, dof: int, level: float) -> np.ndarray:
    """Half of the interval around a score."""
    return np.sqrt(variance_) * stats.t.ppf((1 + level) / 2, dof)


def _t(difference: np.ndarray, variance_: np.ndarray) -> np.ndarray:
    return difference / np.sqrt(np.maximum(variance_, np.finfo(float).eps ** 2))
