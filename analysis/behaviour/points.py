"""Levels of evidence at which there is a point each; many levels are joined."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.values import missing, plain

#: Levels of the evidence that have a point each; more are joined into as many.
MOST_POINTS = 20


def _every(ds: xr.Dataset, evidence: str, size: bool) -> np.ndarray:
    """All evidence that is known, in ascending order; its size only, if asked for.

    Raises
    ------
    LabelError
        If it is words, or none is known.
    """
    values = plain(ds[evidence].values)
    if values.dtype.kind not in "fiub":
        raise LabelError(f"'{evidence}' holds words, but evidence is numbers: choose evidence=.")
    known = values[~missing(values)].astype(float)
    if not known.size:
        raise LabelError(f"no trial has evidence '{evidence}': at least one is needed.")
    return np.sort(np.abs(known) if size else known)


def edges_of(ds: xr.Dataset, evidence: str, *, size: bool = False) -> np.ndarray:
    """Lower edges of the points: the levels, or quantiles over all trials where there are many."""
    every = _every(ds, evidence, size)
    levels = np.unique(every)
    if levels.size <= MOST_POINTS:
        return levels
    return np.unique(np.quantile(every, np.arange(MOST_POINTS) / MOST_POINTS))


def place_of(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The point that each trial belongs to."""
    return np.searchsorted(edges, x, side="right") - 1


def means_of(ds: xr.Dataset, evidence: str, edges: np.ndarray, *, size: bool = False) -> np.ndarray:
    """The mean evidence of each point; of levels these themselves."""
    every = _every(ds, evidence, size)
    if np.unique(every).size <= MOST_POINTS:
        return edges
    place = place_of(every, edges)
    return np.bincount(place, every, edges.size) / np.bincount(place, minlength=edges.size)


def joined(x: np.ndarray, most: int) -> np.ndarray:
    """The evidence; where it has too many levels, those of equally wide parts at their mean."""
    if np.unique(x).size <= most:
        return x
    part = np.minimum((most * (x - x.min()) / np.ptp(x)).astype(int), most - 1)
    total, n = np.bincount(part, x, most), np.bincount(part, minlength=most)
    return (total / np.maximum(n, 1))[part]
