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

from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.analysis.similarity.shapes import Fitted, fitted, overlap

#: Samples that are centred at once.
BLOCK = 2048
#: Products that are held at once: 64 MB.
TILE = 8_000_000

Samples = Float[np.ndarray, "sample unit"]
#: Samples of each fold; None: all are fitted and scored.
Folds = Sequence[Int[np.ndarray, " sample"]] | None


class Population(NamedTuple):
    """Samples of a population, and what takes them to the mean of 0 and the largest of 1."""

    x: Samples
    origin: Float[np.ndarray, " unit"]
    size: float
    scale: float

    def centred(self, rows: slice | np.ndarray) -> Samples:
        """Some samples, centred and scaled."""
        return (self.x[rows] - self.origin) / self.size


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
    """Centre and scale samples; more units than samples are reduced to as many by a rotation."""
    x = np.asarray(x)
    first = x[0].astype(np.float64)
    rows = list(_blocks(None, len(x)))
    # The first sample is taken out before, because the rounded mean of a constant leaves no 0.
    origin = first + sum((x[r] - first).sum(0) for r in rows) / len(x)
    scale = max(float(np.abs(x[r] - origin).max()) for r in rows)
    if x.shape[1] <= x.shape[0]:
        return Population(x, origin, scale, scale)
    reduced = np.linalg.qr(((x - origin) / scale).T, mode="r").T
    return Population(reduced, np.zeros(reduced.shape[1]), 1.0, scale)


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
    norm = np.stack([fit.norm * system.scale**2 for fit, system in zip(fits, systems, strict=True)])
    norm, n = norm.T, len(first)
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


@one_lapack_thread
def _pairs_of_tile(held, places, systems, a, b, alpha, size, means, fits, inner) -> None:
    """Fit each population of a tile, and overlap every pair."""
    rows, columns = places
    for i in a if a == b else ():
        block = held[:, rows[i], columns[i]]
        scale = systems[i].scale
        kept = None if alpha == 1 else alpha * scale / (alpha * scale + 1 - alpha)
        fits[i] = fitted(block, means[i], size, kept)
    for i, j in itertools.combinations(a, 2) if a == b else itertools.product(a, b):
        block = held[:, rows[i], columns[j]]
        found = overlap(block, fits[i], fits[j], size)
        inner[:, i, j] = found * systems[i].scale * systems[j].scale


def _tile(systems, a, b, alpha, folds, fits, inner) -> None:
    """All pairs of two groups."""
    n = len(systems[0].x)
    of_a, of_b = ([systems[i] for i in group] for group in (a, b))
    held, sums = [], []
    for rows in [None] if folds is None else folds:
        product, total = 0.0, 0.0
        for block in _blocks(rows, n):
            left = np.concatenate([p.centred(block) for p in of_a], 1)
            right = left if a == b else np.concatenate([p.centred(block) for p in of_b], 1)
            product = product + left.T @ right
            total = total + left.sum(0)
        held.append(product)
        sums.append(total)
    size = np.array([n] if folds is None else [len(rows) for rows in folds], np.float64)
    places = _places(systems, a), _places(systems, b)
    means = {i: fit.mean for i, fit in enumerate(fits) if fit is not None}
    if a == b:
        fewer = np.maximum(n - size, 1)[:, None]
        means |= {i: -np.stack(sums)[:, place] / fewer for i, place in places[0].items()}
    _pairs_of_tile(np.stack(held), places, systems, a, b, alpha, size, means, fits, inner)


def _blocks(rows: np.ndarray | None, n: int) -> Iterator[slice | np.ndarray]:
    n = n if rows is None else len(rows)
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        yield part if rows is None else rows[part]


def _places(systems: list[Population], group: list[int]) -> dict[int, slice]:
    """The columns of each population of a group."""
    edges = np.cumsum([0, *(systems[i].x.shape[1] for i in group)])
    return {i: slice(*edges[k : k + 2]) for k, i in enumerate(group)}
