"""Ridge regression of changes on states, for many groups of samples at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

#: Eigenvalues below this fraction of the largest are noise of the arithmetic.
_NOTHING = 1e-12


class Moments(NamedTuple):
    """Sums over samples of states, changes and their products, for each group, window and fold."""

    n: Float[np.ndarray, "group window fold"]
    x: Float[np.ndarray, "group window fold d"]
    y: Float[np.ndarray, "group window fold d"]
    xx: Float[np.ndarray, "group window fold d d"]
    xy: Float[np.ndarray, "group window fold d d"]
    yy: Float[np.ndarray, "group window fold"]

    def without(self) -> Moments:
        """Those of all other folds."""
        return Moments(*(a.sum(2, keepdims=True) - a for a in self))

    def whole(self) -> Moments:
        """Those of all folds, with a fold dim of size 1."""
        return Moments(*(a.sum(2, keepdims=True) for a in self))


def moments_of(
    x: Float[np.ndarray, "row time d"],
    index: Int[np.ndarray, "group fold most"],
    windows: Int[np.ndarray, "window step"],
) -> Moments:
    """Sums over the steps that start in each window, in the rows of each fold of each group."""
    change = np.diff(x, axis=1)
    rows_there, times_there = index >= 0, windows >= 0
    there = (rows_there[:, None, :, :, None] & times_there[None, :, None, None, :]).astype(float)
    take = np.s_[index[:, None, :, :, None], windows[None, :, None, None, :]]
    before, after = x[take] * there[..., None], change[take] * there[..., None]
    g, w, f = there.shape[:3]
    before, after = (a.reshape(g, w, f, -1, x.shape[-1]) for a in (before, after))
    turned = before.swapaxes(-1, -2)
    return Moments(
        there.sum((3, 4)),
        before.sum(3),
        after.sum(3),
        turned @ before,
        turned @ after,
        (after**2).sum((3, 4)),
    )


class Fit(NamedTuple):
    """Local linear models.

    Attributes
    ----------
    step
        Jacobian of a step, ``(to, from)``.
    state, change
        Mean state, and mean change in a step.
    r2, penalty, n
        Fraction of the variance explained in held-out rows, the penalty used, number of steps.
    """

    step: Float[np.ndarray, "group window d d"]
    state: Float[np.ndarray, "group window d"]
    change: Float[np.ndarray, "group window d"]
    r2: Float[np.ndarray, "group window"]
    penalty: Float[np.ndarray, "group window"]
    n: Float[np.ndarray, "group window"]


def fitted(moments: Moments, penalties: Sequence[float]) -> Fit:
    """Ridge regression of changes on states, with the penalty that predicts held-out rows best."""
    errors, total = [], None
    train = _Centred.of(moments.without())
    for penalty in penalties:
        error, total = train.error(train.slopes(penalty), moments)
        errors.append(error.sum(-1))
    best = np.argmin(errors, axis=0)
    least = np.take_along_axis(np.array(errors), best[None], 0)[0]
    assert total is not None
    total = total.sum(-1)
    used = np.asarray(penalties)[best]
    whole = _Centred.of(moments.whole())
    slopes = whole.slopes(used[..., None, None, None])[:, :, 0]
    d = slopes.shape[-1]
    r2 = 1 - np.divide(least, total, np.ones_like(least), where=total > 0)
    n = moments.n.sum(-1)
    return Fit(
        np.eye(d) + slopes.swapaxes(-1, -2),
        whole.x[:, :, 0],
        whole.y[:, :, 0],
        r2,
        used,
        n.astype(np.int64),
    )


class _Centred(NamedTuple):
    """Means, and products of deviations from them, in the basis that makes them diagonal."""

    x: Float[np.ndarray, "group window fold d"]
    y: Float[np.ndarray, "group window fold d"]
    values: Float[np.ndarray, "group window fold d"]
    basis: Float[np.ndarray, "group window fold d d"]
    cross: Float[np.ndarray, "group window fold d d"]

    @classmethod
    def of(cls, m: Moments) -> _Centred:
        x, y = m.x / m.n[..., None], m.y / m.n[..., None]
        square = m.xx - m.n[..., None, None] * x[..., :, None] * x[..., None, :]
        cross = m.xy - m.n[..., None, None] * x[..., :, None] * y[..., None, :]
        values, basis = np.linalg.eigh(square)
        return cls(x, y, np.maximum(values, 0.0), basis, basis.swapaxes(-1, -2) @ cross)

    def slopes(self, penalty: Any) -> Float[np.ndarray, "group window fold d d"]:
        """Regression coefficients, ``(from, to)``."""
        size = self.values.mean(-1, keepdims=True)[..., None]
        shrunk = self.values[..., None] + penalty * size
        there = shrunk > _NOTHING * self.values.max(-1)[..., None, None]
        inverse = np.divide(1.0, shrunk, np.zeros_like(shrunk), where=there)
        return self.basis @ (inverse * self.cross)

    def error(self, slopes: Float[np.ndarray, "group window fold d d"], held: Moments):
        """Squared error of predictions of other rows, and that of the mean alone."""
        n = held.n[..., None, None]
        x, y = self.x, self.y
        square = held.xx - _outer(held.x, x) - _outer(x, held.x) + n * _outer(x, x)
        cross = held.xy - _outer(held.x, y) - _outer(x, held.y) + n * _outer(x, y)
        total = held.yy - 2 * (held.y * y).sum(-1) + held.n * (y**2).sum(-1)
        known = 2 * (slopes * cross).sum((-1, -2)) - (slopes * (square @ slopes)).sum((-1, -2))
        return total - known, total


def _outer(x: Float[np.ndarray, "*lead d"], y: Float[np.ndarray, "*lead d"]):
    return x[..., :, None] * y[..., None, :]
