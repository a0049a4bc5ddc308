"""Confidence intervals from the draws of a bootstrap."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri

from neurodyn.analysis.shared.bootstrap import known_quantiles

Interval = Literal["bca", "percentile", "basic"]
#: What each kind of interval is called in attributes.
KINDS = {
    "bca": "bias-corrected and accelerated bootstrap",
    "percentile": "percentile bootstrap",
    "basic": "basic (reflected) bootstrap",
}


class Jackknife(NamedTuple):
    """Values without one member of a level each.

    Attributes
    ----------
    values
        Some of them, along the last axis.
    n
        Number of members in all.
    """

    values: Float[np.ndarray, "*shape member"]
    n: int


def check_interval(kind: str, level: float) -> None:
    """Refuse a kind of interval, or a coverage, that does not exist."""
    if kind not in get_args(Interval):
        raise ValueError(f"interval is one of {', '.join(map(repr, KINDS))}, got {kind!r}.")
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")


def ends(
    estimate: Float[np.ndarray, "*shape"],
    draws: Float[np.ndarray, "*shape draw"],
    *,
    kind: Interval,
    level: float,
    left_out: tuple[Jackknife, ...] = (),
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """Lower and upper end of the interval of each estimate; NaN draws are left out.

    "percentile": quantiles of the draws. "basic": these quantiles reflected at the estimate, which
    takes out the bias of the draws. "bca": quantiles at levels that are shifted by the share of
    draws below the estimate and by the skewness of the `left_out` values (Efron 1987). Where fewer
    draws than a tail holds lie on one side of the estimate, these quantiles would lie beside the
    estimate, together at the edge of the draws: the ends are NaN.
    """
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if kind == "bca":
        tails = _shifted(np.asarray(estimate), draws, tails, left_out)
        low, high = (_quantile(draws, tails[..., i]) for i in (0, 1))
    else:
        low, high = known_quantiles(np.moveaxis(draws, -1, 0), tails.tolist())
    if kind == "basic":
        low, high = 2 * estimate - high, 2 * estimate - low
    gone = np.isnan(estimate)
    return np.where(gone, np.nan, low), np.where(gone, np.nan, high)


def _quantile(draws: np.ndarray, at: np.ndarray) -> np.ndarray:
    found = np.full(draws.shape[:-1], np.nan)
    for i in np.ndindex(found.shape):
        known = draws[i][np.isfinite(draws[i])]
        if known.size and np.isfinite(at[i]):
            found[i] = np.quantile(known, at[i])
    return found


def _shifted(estimate, draws, tails, left_out) -> Float[np.ndarray, "*shape 2"]:
    """Levels of the quantiles, by the bias and the acceleration of each estimate."""
    known = np.isfinite(draws).sum(-1)
    centre = estimate[..., None]
    below = (draws < centre).sum(-1) + 0.5 * (draws == centre).sum(-1)
    share = (below / np.maximum(known, 1))[..., None]
    inside = (tails[0] < share) & (share < tails[1])
    bias = ndtri(np.where(inside, share, 0.5))
    z = bias + ndtri(tails)
    scale = 1 - _acceleration(left_out, estimate.shape)[..., None] * z
    inside = inside & (scale > 0)
    return np.where(inside, ndtr(bias + z / np.where(inside, scale, 1)), np.nan)


def _acceleration(left_out: tuple[Jackknife, ...], shape: tuple[int, ...]) -> np.ndarray:
    """A sixth of the skewness of the estimate, from the influence of each member of each level."""
    square, cube = np.zeros(shape), np.zeros(shape)
    for values, n in left_out:
        known = np.isfinite(values)
        count = np.maximum(known.sum(-1), 1)
        mean = np.where(known, values, 0).sum(-1) / count
        influence = np.where(known, mean[..., None] - values, 0) * (n - 1)
        square = square + (influence**2).sum(-1) / count / n
        cube = cube + (influence**3).sum(-1) / count / n**2
    spread = square > 0
    return np.where(spread, cube / (6 * np.where(spread, square, 1) ** 1.5), 0.0)
