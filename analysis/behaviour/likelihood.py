"""Cumulative normal curves with lapses, fitted by maximum likelihood, many at once.

The chance of the counted choice at evidence ``x`` is ``g + (1 - g - l) Phi(slope (x - bias))``:
``g`` lies below the curve and ``l`` above it, whichever way it runs. Fisher scoring within bounds,
damped where a step does not raise the likelihood, starts from the best point of a grid, because
curves with lapses can have several maxima.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

#: How lapses are fitted: one for each end of the curve, the same at both, or none.
LAPSES = ("each", "shared", "none")
#: The largest lapse: a curve that lapses more often than not says nothing of its other numbers.
LAPSE_MOST = 0.5
#: A curve rises from 2.5 to 97.5 % within this many standard deviations.
_RISE = 3.92
#: Bounds of the bias, in half ranges of the levels from their middle.
_BIAS_MOST = 2.0
#: Levels closer than this part of the half range do not steepen the steepest curve.
_CLOSEST = 0.02
#: How far below the best curve so far a start of the other sign may lie that is still tried.
_NEAR = 10.0
_TINY = 1e-12
_STEPS = 200
#: Numbers (curves times levels) that are worked on at a time.
_CHUNK = 1_000_000


class Curves(NamedTuple):
    """Fitted curves.

    Attributes
    ----------
    bias, slope
        Mean and inverse standard deviation of the cumulative normal; the slope is negative where
        the choice falls with the evidence.
    below, above
        Lapses: how far the curve stays from 0 at one end, and from 1 at the other.
    log_likelihood
        Logarithm of the likelihood of the choices, each a trial of its own.
    at_limit
        Whether the slope is as steep as levels can tell.
    """

    bias: Float[np.ndarray, " curve"]
    slope: Float[np.ndarray, " curve"]
    below: Float[np.ndarray, " curve"]
    above: Float[np.ndarray, " curve"]
    log_likelihood: Float[np.ndarray, " curve"]
    at_limit: np.ndarray


def fit_curves(
    levels: Float[np.ndarray, " level"],
    hits: Float[np.ndarray, "curve level"],
    n: Float[np.ndarray, "curve level"],
    lapse: str,
) -> Curves:
    """Fit a curve to each row of counts.

    Parameters
    ----------
    levels
        At least two levels of the evidence, ascending.
    hits, n
        How often the option was chosen at each level, of how many trials.
    lapse
        One of `LAPSES`.
    """
    middle, half = (levels[0] + levels[-1]) / 2, (levels[-1] - levels[0]) / 2
    u = (levels - middle) / half
    steepest = _RISE / max(float(np.diff(u).min()), _CLOSEST)
    rows = max(1, _CHUNK // u.size)
    found = [
        _fit(u, hits[i : i + rows], n[i : i + rows], steepest, lapse)
        for i in range(0, len(hits), rows)
    ]
    p, score = (np.concatenate(parts) for parts in zip(*found, strict=True))
    at_limit = np.abs(p[:, 1]) >= steepest * (1 - 1e-6)
    bias, slope = middle + half * p[:, 0], p[:, 1] / half
    return Curves(bias, slope, p[:, 2], p[:, 3], score, at_limit)


def curve_at(x: np.ndarray, bias: float, slope: float, below: float, above: float) -> np.ndarray:
    """The chance of the counted choice at evidence `x`."""
    return below + (1 - below - above) * ndtr(slope * (x - bias))


def _chance(u: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The chance of the choice, its distance from the bias, and the cumulative normal."""
    away = u[None, :] - p[:, :1]
    normal = ndtr(p[:, 1:2] * away)
    chance = p[:, 2:3] + (1 - p[:, 2:3] - p[:, 3:]) * normal
    return np.clip(chance, _TINY, 1 - _TINY), away, normal


def _score(chance: np.ndarray, hits: np.ndarray, n: np.ndarray) -> np.ndarray:
    return (hits * np.log(chance) + (n - hits) * np.log1p(-chance)).sum(-1)


def _grid(steepest: float, lapse: str) -> np.ndarray:
    """Where the search may start: bias, slope, lapses."""
    biases = np.linspace(-0.9, 0.9, 9)
    steep = np.geomspace(0.7, max(0.7, steepest), 6)
    lapses = [0.0] if lapse == "none" else [0.01, 0.08, 0.25]
    pairs = [(g, m) for g in lapses for m in lapses if lapse == "each" or g == m]
    slopes = np.concatenate([-steep, steep])
    return np.array([(b, w, g, m) for b in biases for w in slopes for g, m in pairs])


def _fit(
    u: np.ndarray, hits: np.ndarray, n: np.ndarray, steepest: float, lapse: str
) -> tuple[np.ndarray, np.ndarray]:
    grid = _grid(steepest, lapse)
    chance = _chance(u, grid)[0]
    known = hits @ np.log(chance).T + (n - hits) @ np.log1p(-chance).T
    p, score = _climb(u, hits, n, grid[known.argmax(1)], steepest, lapse)
    # Curves of either sign are maxima of their own, and lapses make more of them.
    for side in (grid[:, 1] > 0, grid[:, 1] < 0):
        best = np.where(side[None, :], known, -np.inf).argmax(1)
        again = np.flatnonzero(grid[best, 1] * p[:, 1] < 0)
        close = again[known[again, best[again]] > score[again] - _NEAR]
        if close.size:
            q, other = _climb(u, hits[close], n[close], grid[best[close]], steepest, lapse)
            better = other > score[close]
            p[close[better]], score[close[better]] = q[better], other[better]
    return p, score


def _climb(
    u: np.ndarray, hits: np.ndarray, n: np.ndarray, p: np.ndarray, steepest: float, lapse: str
) -> tuple[np.ndarray, np.ndarray]:
    """Fisher scoring within bounds, of the curves that still rise."""
    low = np.array([-_BIAS_MOST, -steepest, 0.0, 0.0])
    high = np.array([_BIAS_MOST, steepest, LAPSE_MOST, LAPSE_MOST])
    p = np.clip(p, low, high)
    score = _score(_chance(u, p)[0], hits, n)
    damping = np.full(len(p), 1e-3)
    live = np.arange(len(p))
    for _ in range(_STEPS):
        if not live.size:
            break
        step, gain = _step(u, hits[live], n[live], p[live], damping[live], low, high, lapse)
        new = np.clip(p[live] + step, low, high)
        reached = _score(_chance(u, new)[0], hits[live], n[live])
        up = reached > score[live]
        p[live[up]], score[live[up]] = new[up], reached[up]
        damping[live] = np.where(up, np.maximum(damping[live] / 5, 1e-6), damping[live] * 8)
        live = live[(gain > 1e-9) & (damping[live] < 1e8)]
    return p, score


def _step(
    u: np.ndarray,
    hits: np.ndarray,
    n: np.ndarray,
    p: np.ndarray,
    damping: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    lapse: str,
) -> tuple[np.ndarray, np.ndarray]:
    """A damped step of each curve, and by how much it should raise the likelihood."""
    chance, away, normal = _chance(u, p)
    rise = 1 - p[:, 2:3] - p[:, 3:]
    density = rise * np.exp(-0.5 * (p[:, 1:2] * away) ** 2) / np.sqrt(2 * np.pi)
    slopes = np.stack([-density * p[:, 1:2], density * away, 1 - normal, -normal], -1)
    if lapse == "shared":
        slopes[..., 2] += slopes[..., 3]
    variance = chance * (1 - chance)
    gradient = (((hits - n * chance) / variance)[..., None] * slopes).sum(1)
    weighted = (n / variance)[..., None] * slopes
    information = weighted.swapaxes(1, 2) @ slopes
    free = ~((p <= low) & (gradient < 0)) & ~((p >= high) & (gradient > 0))
    free[:, {"each": 4, "shared": 3, "none": 2}[lapse] :] = False
    gradient = np.where(free, gradient, 0.0)
    information *= free[:, :, None] & free[:, None, :]
    own = np.einsum("cii->ci", information)
    # A number that does not matter where the curve stands is held in its place by the damping.
    least = 1e-6 * own.max(1, keepdims=True, initial=0.0) + 1e-9
    own += np.where(free, damping[:, None] * (own + least), 1.0)
    step = np.linalg.solve(information, gradient[..., None])[..., 0]
    gain = (gradient * step).sum(1)
    if lapse == "shared":
        step[:, 3] = step[:, 2]
    return step, gain
