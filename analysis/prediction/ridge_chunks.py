"""Cross-validated ridge regression of data in chunks, in three passes.

The same regression as `ridge`, by the same closed form, from sums of products. The first pass sums
them for the conditions of each fold; the training set of a fold is merged from the other folds,
never by subtraction. The second finds the error of every penalty on each training condition left
out, the third the correlation of what is predicted with what there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from neurodyn.analysis.shared.moments import (
    Moments,
    joined,
    merged,
    of_block,
    refuse_missing,
    tree,
)
from neurodyn.labels import LabelError
from neurodyn.labels.check_values import gib
from neurodyn.signals import chunked as big

Block = Float[np.ndarray, "condition time unit"]


@dataclass(frozen=True)
class Fold:
    """What is known of the training conditions of a fold.

    Attributes
    ----------
    mean
        Their mean, of predictors and predicted units.
    variance, axes
        Of the predictors: sums of squares along their principal axes.
    projected
        Products of the predictors along these axes with the predicted units.
    number
        Number of samples.
    """

    mean: Float[np.ndarray, " both"]
    variance: Float[np.ndarray, " axis"]
    axes: Float[np.ndarray, "unit axis"]
    projected: Float[np.ndarray, "axis other"]
    number: int

    def shrinkage(self, penalties: np.ndarray) -> Float[np.ndarray, "penalty axis"]:
        """One over variance and penalty; without variance predictions are the training mean."""
        total = self.variance.sum()
        return 1 / (self.variance + penalties[:, None] * (total if total > 0 else 1))


@dataclass(frozen=True)
class Pairs:
    """Moments of each unit with its prediction: number, means, and sums of products (3, unit)."""

    number: int
    mean: Float[np.ndarray, "2 unit"]
    square: Float[np.ndarray, "3 unit"]


def ridge_of_chunks(
    x: xr.DataArray,
    y: xr.DataArray,
    held_out: Bool[np.ndarray, "fold condition"],
    penalties: Float[np.ndarray, " penalty"],
) -> Float[np.ndarray, " unit"]:
    """Correlation of each unit of y with its prediction from x; see `ridge.ridge_r`.

    Raises
    ------
    LabelError
        If values are missing, or a condition with all of its times and units is too large.
    """
    import dask.array as da

    whole = [str(dim) for dim in x.dims[1:]]
    z = joined((x, y), ("x", "y"), whole)
    if (size := 8 * len(held_out) * z.shape[-1] ** 2) > big.LARGE:
        raise LabelError(
            f"sums of products of {len(held_out)} folds of {z.shape[-1]} units are "
            f"{gib(size)} (limit {gib(big.LARGE)}): select units, or take fewer folds."
        )
    fold = da.from_array(held_out.argmax(0), z.chunks[0])
    n = x.sizes["unit"]
    parts = tree(_sums, _merged, z, fold, n_folds=len(held_out))
    if None in parts:
        refuse_missing((x, y), ("x", "y"))
    every = np.diag(_together(parts).scatter)
    for what, varies in (("x", every[:n]), ("y", every[n:])):
        if not (varies > 0).any():
            raise ValueError(f"{what} is the same in all samples: there is nothing to compare.")
    folds = _fitted(parts, n)
    errors = tree(_errors, sum, z, fold, folds=folds, penalties=penalties)
    errors = np.where(np.isfinite(errors), errors, np.inf)
    maps = [
        each.axes @ (each.shrinkage(penalties)[error.argmin(0)].T * each.projected)
        for each, error in zip(folds, errors, strict=True)
    ]
    means = [each.mean for each in folds]
    found = tree(_pairs, _paired, z, fold, maps=maps, means=means)
    of_guess, of_true, shared = found.square
    with np.errstate(invalid="ignore", divide="ignore"):
        r = shared / np.sqrt(of_guess) / np.sqrt(of_true)
    return np.where((of_guess > 0) & (of_true > 0), r, np.nan)


def _sums(block: Block, fold: np.ndarray, *, n_folds: int) -> list[Moments | None]:
    """Moments of the conditions of each fold."""
    width = block.shape[-1]
    none = Moments(0, np.zeros(width), np.zeros((width, width)))
    return [of_block(block[fold == k]) if (fold == k).any() else none for k in range(n_folds)]


def _merged(parts: list[list[Moments | None]]) -> list[Moments | None]:
    return [_together(each) for each in zip(*parts, strict=True)]


def _together(parts) -> Moments | None:
    """Moments of all parts that hold samples."""
    there = [p for p in parts if p is None or p.number]
    return merged(there) if there else parts[0]


def _fitted(parts: list[Moments], n: int) -> list[Fold]:
    """Each fold from the moments of all others."""
    folds = []
    for k in range(len(parts)):
        found = _together([*parts[:k], *parts[k + 1 :]])
        variance, axes = np.linalg.eigh(found.scatter[:n, :n])
        projected = axes.T @ found.scatter[:n, n:]
        folds.append(Fold(found.mean, np.maximum(variance, 0), axes, projected, found.number))
    return folds


def _errors(
    block: Block, fold: np.ndarray, *, folds: list[Fold], penalties: np.ndarray
) -> Float[np.ndarray, "fold penalty other"]:
    """Squared errors on each condition left out of the training set of each other fold."""
    n = len(folds[0].axes)
    total = np.zeros((len(folds), len(penalties), block.shape[-1] - n))
    for k, each in enumerate(folds):
        shrinkage = each.shrinkage(penalties)
        for condition in block[fold != k]:
            centred = condition - each.mean
            x, y = centred[:, :n] @ each.axes, centred[:, n:]
            for i, shrink in enumerate(shrinkage):
                residual = y - x @ (shrink[:, None] * each.projected)
                total[k, i] += (_left_out(x, shrink, each.number, residual) ** 2).sum(0)
    return total


def _left_out(x: np.ndarray, shrink: np.ndarray, number: int, residual: np.ndarray) -> np.ndarray:
    """Residuals ``(I - H)^-1 r`` of a condition left out, ``H = x shrink x' + 1/number``.

    Solved over times, or by the identity of Woodbury over axes, whichever are fewer.
    """
    if len(x) <= len(shrink) + 1:
        hat = (x * shrink) @ x.T + 1 / number
        return np.linalg.solve(np.eye(len(x)) - hat, residual)
    wide = np.concatenate([x * np.sqrt(shrink), np.full((len(x), 1), number**-0.5)], 1)
    inner = np.eye(wide.shape[1]) - wide.T @ wide
    return residual + wide @ np.linalg.solve(inner, wide.T @ residual)


def _pairs(
    block: Block, fold: np.ndarray, *, maps: list[np.ndarray], means: list[np.ndarray]
) -> Pairs:
    """Moments of a block and its predictions, each condition by the fold that held it out."""
    n = len(maps[0])
    both = [
        np.stack([(c[:, :n] - means[k][:n]) @ maps[k] + means[k][n:], c[:, n:]])
        for c, k in zip(block, fold, strict=True)
    ]
    v = np.concatenate(both, 1)
    first = v[:, :1]
    mean = (first + (v - first).mean(1, keepdims=True))[:, 0]
    a, b = v - mean[:, None]
    return Pairs(v.shape[1], mean, np.stack([(a * a).sum(0), (b * b).sum(0), (a * b).sum(0)]))


def _paired(parts: list[Pairs]) -> Pairs:
    """Moments of all parts together, by pairwise updates."""
    first, *others = parts
    for part in others:
        whole, apart = first.number + part.number, part.mean - first.mean
        products = np.stack([apart[0] ** 2, apart[1] ** 2, apart[0] * apart[1]])
        square = first.square + part.square + products * (first.number * part.number / whole)
        first = Pairs(whole, first.mean + apart * (part.number / whole), square)
    return first
