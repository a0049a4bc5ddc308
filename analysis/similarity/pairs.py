"""Overlaps of the shapes of many populations, pair by pair, in double precision.

Samples are centred in blocks and multiplied for many populations at once. So the memory beside the
data is that of a tile of products, whatever the number of samples and of populations.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import blas

from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.analysis.similarity.shapes import Fitted, fitted, overlap

#: Samples that are centred at once.
BLOCK = 1024
#: Products that are held at once: 64 MB.
TILE = 8_000_000

Samples = Float[np.ndarray, "sample unit"]
#: Samples of each fold; None: all are fitted and scored.
Folds = Sequence[Int[np.ndarray, " sample"]] | None


class Population(NamedTuple):
    """Samples of a population and their mean."""

    x: Samples
    mean: Float[np.ndarray, " unit"]


class Overlaps(NamedTuple):
    """Products of aligned samples of two sets of populations, and the squared norms of each.

    Attributes
    ----------
    inner
        Sums of products, of held-out samples.
    norm, other
        Squared norms of the first and of the second set.
    """

    inner: Float[np.ndarray, "fold system other"]
    norm: Float[np.ndarray, "fold system"]
    other: Float[np.ndarray, "fold other"]


def population(x: Samples) -> Population:
    """Find the mean; more units than samples are reduced to as many by a rotation."""
    x = np.asarray(x)
    first = x[0].astype(np.float64)
    # The first sample is taken out before, because the rounded mean of a constant leaves no 0.
    mean = first + sum((x[rows] - first).sum(0) for rows in _blocks(None, len(x))) / len(x)
    if x.shape[1] <= x.shape[0]:
        return Population(x, mean)
    reduced = np.asarray(np.linalg.qr((x - mean).T, mode="r")).T
    return Population(reduced, np.zeros(reduced.shape[1]))


def overlaps(
    first: Sequence[Population],
    second: Sequence[Population] | None,
    *,
    alpha: float = 1.0,
    folds: Folds = None,
) -> Overlaps:
    """Overlaps of all populations of one set with each other, or with those of a second set.

    Parameters
    ----------
    first, second
        Populations of the same samples.
    alpha
        Share that is not whitened.
    folds
        Samples that each fold holds out.
    """
    systems = [*first, *(second or [])]
    n_folds = 1 if folds is None else len(folds)
    groups = _groups(systems, n_folds, len(first))
    fits: list[Fitted | None] = [None] * len(systems)
    inner = np.zeros((n_folds, len(systems), len(systems)))
    for group in groups:
        _tile(systems, group, group, alpha, folds, fits, inner)
    for a, b in itertools.combinations(groups, 2):
        if second is None or (a[0] < len(first) <= b[0]):
            _tile(systems, a, b, alpha, folds, fits, inner)
    norm, n = np.stack([fit.norm for fit in fits], 1), len(first)
    if second is None:
        return Overlaps(inner + inner.swapaxes(1, 2), norm, norm)
    return Overlaps(inner[:, :n, n:], norm[:, :n], norm[:, n:])


def _groups(systems: list[Population], n_folds: int, split: int) -> list[list[int]]:
    """Positions of populations whose products fit into a tile, those of either set apart."""
    most = np.sqrt(TILE / n_folds)
    groups: list[list[int]] = []
    width = np.inf
    for i, system in enumerate(systems):
        units = system.x.shape[1]
        if width + units > most or i == split:
            groups.append([])
            width = 0
        groups[-1].append(i)
        width += units
    return groups


def _tile(
    systems: list[Population],
    a: list[int],
    b: list[int],
    alpha: float,
    folds: Folds,
    fits: list[Fitted | None],
    inner: Float[np.ndarray, "fold system other"],
) -> None:
    """All pairs of two groups, and the fit of each population where both are the same."""
    n = len(systems[0].x)
    size = np.array([n] if folds is None else [len(rows) for rows in folds], np.float64)
    each = [_products(systems, a, b, rows) for rows in ([None] if folds is None else folds)]
    held = [product for product, _ in each]
    rows, columns = _places(systems, a), _places(systems, b)
    if a == b:
        # Without folds the mean of all samples is 0.
        means = -np.stack([sums for _, sums in each]) / np.maximum(n - size, 1)[:, None]
        for i in a:
            own = np.stack([_whole(product[rows[i], rows[i]]) for product in held])
            fits[i] = fitted(own, means[:, rows[i]], size, None if alpha == 1 else alpha)
    for i, j in itertools.combinations(a, 2) if a == b else itertools.product(a, b):
        block = np.stack([product[rows[i], columns[j]] for product in held])
        inner[:, i, j] = _overlap(block, fits[i], fits[j], size)


_overlap = one_lapack_thread(overlap)


def _whole(upper: np.ndarray) -> np.ndarray:
    """A symmetric matrix of which the upper triangle is known."""
    return np.triu(upper) + np.triu(upper, 1).T


def _products(
    systems: list[Population], a: list[int], b: list[int], rows: np.ndarray | None
) -> tuple[Float[np.ndarray, "unit other"], Float[np.ndarray, " unit"]]:
    """Sums of products of centred samples (of one group the upper triangle), and of samples."""
    of_a, of_b = ([systems[i] for i in group] for group in (a, b))
    widths = [sum(p.x.shape[1] for p in group) for group in (of_a, of_b)]
    total, sums = np.zeros(widths, order="F"), np.zeros(widths[0])
    for block in _blocks(rows, len(systems[0].x)):
        left = _centred(of_a, block)
        sums += left.sum(0)
        # The sums are added up in place, which saves a pass over them for each block.
        if a == b:
            total = blas.dsyrk(1.0, left.T, beta=1.0, c=total, overwrite_c=1)
        else:
            right = _centred(of_b, block)
            total = blas.dgemm(1.0, left.T, right.T, beta=1.0, c=total, trans_b=1, overwrite_c=1)
    return total, sums


def _centred(group: list[Population], rows: slice | np.ndarray) -> Samples:
    """Some samples of several populations, side by side."""
    return np.concatenate([p.x[rows] - p.mean for p in group], 1)


def _blocks(rows: np.ndarray | None, n: int) -> Iterator[slice | np.ndarray]:
    n = n if rows is None else len(rows)
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        yield part if rows is None else rows[part]


def _places(systems: list[Population], group: list[int]) -> dict[int, slice]:
    """The columns of each population of a group."""
    edges = np.cumsum([0, *(systems[i].x.shape[1] for i in group)])
    return {i: slice(*edges[k : k + 2]) for k, i in enumerate(group)}
