"""CKA without the diagonal of its kernels, of data in chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.shared.moments import Moments, joined, moments, tree
from neurodyn.analysis.similarity.report import Report, reported

#: Samples whose norms are taken at once.
_AT_ONCE = 1 << 13


def off_diagonal_cka(a: xr.DataArray, b: xr.DataArray, *, estimator: str, report: Report) -> Any:
    """CKA of kernels without their diagonal ("lange"), or without bias ("song"), in two passes.

    The first pass gives the means and the sums of products, the second the squared norms of the
    centred samples, which are the diagonals of both kernels.

    Raises
    ------
    ValueError
        If there are too few samples, or a population does not vary.
    """
    names = ("a", "b")
    found, n_first = moments(a, b, names=names), a.sizes["unit"]
    least = 4 if estimator == "song" else 3
    sides = {"x": slice(0, n_first), "y": slice(n_first, None)}
    for what, side in sides.items():
        if found.number < least:
            raise ValueError(f"{what} needs {least} samples at least, got {found.number}.")
        if not np.trace(found.scatter[side, side]) > 0:
            raise ValueError(f"{what} is the same in all samples: there is nothing to compare.")
    # Each side on its own scale, so that fourth powers stay in the range of numbers.
    scales = np.array([np.trace(found.scatter[side, side]) for side in sides.values()])
    norms = tree(
        _norms, sum, joined((a, b), names), mean=found.mean, n_first=n_first, scales=scales
    )
    energies = [
        _energy(found, norms, scales, list(sides.values()), i, j, estimator)
        for i, j in ((0, 0), (1, 1), (0, 1))
    ]
    with np.errstate(invalid="ignore"):
        score = energies[2] / np.sqrt(energies[0]) / np.sqrt(energies[1])
    return reported(score, 2 - 2 * score, report)


def _norms(
    block: np.ndarray, *, mean: np.ndarray, n_first: int, scales: np.ndarray
) -> Float[np.ndarray, "2 2"]:
    """Sums over samples of products of their squared norms in either population."""
    x, total = block.reshape(-1, block.shape[-1]), np.zeros((2, 2))
    for start in range(0, len(x), _AT_ONCE):
        square = (x[start : start + _AT_ONCE] - mean) ** 2
        norm = np.stack([square[:, :n_first].sum(1), square[:, n_first:].sum(1)], 1) / scales
        total += norm.T @ norm
    return total


def _energy(
    found: Moments,
    norms: np.ndarray,
    scales: np.ndarray,
    sides: list[slice],
    i: int,
    j: int,
    estimator: str,
) -> Any:
    """Product of two kernels, from the sums of products of units and of norms of samples.

    The sum of the squared norms of the samples of a side is 1, because that is its scale.
    """
    shared = found.scatter[sides[i], sides[j]]
    energy = np.sum((shared / np.sqrt(scales[i]) / np.sqrt(scales[j])) ** 2) - norms[i, j]
    if estimator == "lange":
        return energy
    n = found.number
    return energy + 1 / (n - 1) / (n - 2) - 2 * norms[i, j] / (n - 2)
