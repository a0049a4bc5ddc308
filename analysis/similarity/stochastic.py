"""Distance of populations by the mean and the covariance of their trials."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.shared.arrays import checked, rows
from neurodyn.analysis.shared.conditions import condition_codes, refuse_apart
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import results
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.analysis.similarity.matched import Matched, Systems, matched, named_arrays, onto
from neurodyn.common.checks import number, whole
from neurodyn.labels import LabelError


class Gaussians(NamedTuple):
    """Trials of every condition and time as a Gaussian.

    Attributes
    ----------
    mean
        Means over trials, around the mean of all samples.
    root
        Factors L of the covariances ``L'L``: deviations of trials, over the root of their number
        less one. Conditions with fewer trials than others have rows of 0.
    """

    mean: Float[np.ndarray, "sample unit"]
    root: Float[np.ndarray, "sample deviation unit"]


def stochastic_distances(
    x: Systems,
    y: Systems | None = None,
    *,
    by: str | Sequence[str],
    covariance: float = 1.0,
    n_starts: int = 5,
    tolerance: float = 1e-12,
    max_iterations: int = 10_000,
    variable: str | None = None,
    key: Any = 0,
) -> xr.Dataset:
    r"""Distances of populations whose responses are noisy, by the mean and covariance of trials.

    Trials of each condition and time are taken as a Gaussian. The squared distance of two
    populations is the mean over conditions and times of :math:`(2-w) |m - n|^2 + w\,
    B^2(\Sigma, \Psi)`, after the rotation of one population for which it is least; B is the Bures
    distance of covariances. With w = 1 it is the squared Wasserstein distance of the Gaussians.

    Parameters
    ----------
    x, y
        Populations of single trials ``(trial, time, unit)``, as of :func:`shape_distances`. Numbers
        of trials may differ, and trials need not correspond.
    by
        Labels of trials that make a condition.
    covariance
        The weight w of covariances, 0 (means alone: the Procrustes distance over the root of the
        number of conditions and times) to 2 (covariances alone).
    n_starts
        Starts of the search for the rotation: that of the means, and random ones. The search goes
        uphill, so that it may end at a rotation that is best only near its start.
    tolerance
        A search ends when the squared distance falls by less than this share of the variance.
    max_iterations
        Most iterations of each search.
    variable
        Which variable of Datasets.
    key
        Seed or JAX key of the random starts.

    Returns
    -------
    Dataset with ``distance`` (system, other), in the units of the data; two single populations:
    without dims. The attribute ``converged`` says whether all searches ended.

    Raises
    ------
    LabelError
        If conditions differ, a condition has a single trial, values are missing, or units were not
        recorded at the same time (attribute ``simultaneous`` 0), so that they have no covariance.
    ValueError
        For numbers outside of their bounds, or a single population.

    Notes
    -----
    With `covariance` 1 the numbers are those of ``GaussianStochasticMetric`` of netrep for centred
    means (netrep does not centre them). Its ``alpha`` is 2 - w; for other weights its search weighs
    means and covariances by the squares of what its score weighs them by, and so ends higher.
    Covariances from few trials are too large along their first axes: compare equal numbers.

    References
    ----------
    Duong, Zhou, Nassar, Berman, Olieslagers & Williams (2023), "Representational dissimilarity
    metric spaces for stochastic neural networks", ICLR, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> from neurodyn import analysis
    >>> rng = np.random.default_rng(0)
    >>> def trials(noise):
    ...     mean = np.repeat(np.eye(4)[:, :3], 50, axis=0)
    ...     rate = mean + noise * np.random.default_rng(1).standard_normal(mean.shape)
    ...     side = {"side": ("trial", np.repeat(np.arange(4), 50))}
    ...     return xr.DataArray(rate[:, None], side, ("trial", "time", "unit"))
    >>> found = analysis.stochastic_distances({"a": trials(0.1), "b": trials(0.5)}, by="side")
    >>> found["distance"].values.round(1)
    array([[0. , 0.7],
           [0.7, 0. ]])
    """
    number("covariance", covariance, low=0, high=2)
    number("tolerance", tolerance, low=0)
    whole("n_starts", n_starts)
    whole("max_iterations", max_iterations)
    first, a = _read(x, "x", by, variable, None)
    second, b = (None, None) if y is None else _read(y, "y", by, variable, first)
    if b is None and len(a) < 2:
        raise ValueError("one population cannot be compared: pass `y`, or several as `x`.")
    rng = generator(key, needed_for="The search for the best rotation")
    pairs = list(
        itertools.combinations(range(len(a)), 2)
        if b is None
        else itertools.product(range(len(a)), range(len(b)))
    )
    others = a if b is None else b
    distance, converged = np.zeros((len(a), len(others))), True
    for i, j in pairs:
        starts = [_random(rng, a[i], others[j]) for _ in range(n_starts - 1)]
        found = _least(a[i], others[j], covariance, [None, *starts], tolerance, max_iterations)
        distance[i, j], ended = found
        converged &= ended
    if b is None:
        distance = distance + distance.T
    variables = {
        "distance": (
            ("system", "other"),
            distance,
            str(first.first.attrs.get("units", "1")),
            "distance of means and covariances",
        )
    }
    coords = {"system": first.names, "other": (second or first).names}
    built = results(
        variables,
        coords,
        dims=("system", "other"),
        covariance=float(covariance),
        converged=int(converged),
        by=", ".join(_names(by)),
    )
    single = b is not None and len(a) == len(b) == 1
    return built.isel(system=0, other=0, drop=True) if single else built


def _names(by: str | Sequence[str]) -> list[str]:
    return [by] if isinstance(by, str) else list(by)


def _read(systems, what, by, variable, like) -> tuple[Matched, list[Gaussians]]:
    """Means of the conditions that all have, and Gaussians of their trials."""
    single = named_arrays(systems, what, variable)
    for name, array in single:
        if rows(array, what=str(name)) == "condition":
            raise LabelError(
                f"{name} holds condition means, which have no covariance: pass its trials, or "
                "compare means by analysis.shape_distances."
            )
    means = matched(systems, what, by=by, variable=variable, like=like)
    each = zip(means.arrays, single, strict=True)
    return means, [_gaussians(str(name), mean, array, by) for mean, (name, array) in each]


def _gaussians(name: str, means: xr.DataArray, array: xr.DataArray, by) -> Gaussians:
    refuse_apart(array, name, "compare means by analysis.shape_distances")
    array = onto(means, array, ("means", name), without="condition")
    codes = condition_codes(array, means, _names(by))
    values = checked(array.transpose("trial", *means.dims[1:]), what=name).astype(np.float64)
    values = values.reshape(len(values), -1, values.shape[-1])
    counts = np.bincount(codes, minlength=means.sizes["condition"] + 1)[:-1]
    if counts.min() < 2:
        raise LabelError(
            f"{int((counts < 2).sum())} conditions of {name} have a single trial, which has no "
            "covariance: leave them out."
        )
    mean, roots = [], np.zeros((len(counts), counts.max(), *values.shape[1:]))
    for code, count in enumerate(counts):
        own = values[codes == code]
        start = own[0]
        mean.append(start + (own - start).mean(0))
        roots[code, :count] = (own - mean[-1]) / np.sqrt(count - 1)
    flat = np.stack(mean).reshape(-1, values.shape[-1])
    flat = flat - flat[0]
    root = roots.swapaxes(1, 2).reshape(len(flat), counts.max(), -1)
    return Gaussians(flat - flat.mean(0), _fewest(root))


def _fewest(root: np.ndarray) -> np.ndarray:
    """Factors of the same covariances with no more rows than units."""
    if root.shape[1] <= root.shape[2]:
        return root
    return np.linalg.qr(root, mode="r")


def _random(rng: np.random.Generator, a: Gaussians, b: Gaussians) -> np.ndarray:
    n = max(a.mean.shape[1], b.mean.shape[1])
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    q = q * np.sign(np.diag(r))
    return q[: b.mean.shape[1], : a.mean.shape[1]]


@one_lapack_thread
def _least(
    a: Gaussians, b: Gaussians, weight: float, starts: list, tolerance: float, most: int
) -> tuple[float, bool]:
    """Root of the least squared distance over rotations, and whether searches ended."""
    size = max(float(np.abs(part).max()) for part in (*a, *b)) or 1.0
    a, b = (Gaussians(*(part / size for part in side)) for side in (a, b))
    n = len(a.mean)
    power = sum((2 - weight) * np.sum(g.mean**2) + weight * np.sum(g.root**2) for g in (a, b))
    found = [_search(a, b, weight, start, tolerance * power, most) for start in starts]
    best = max(overlap for overlap, _ in found)
    return size * float(np.sqrt(max(power - 2 * best, 0) / n)), all(ended for _, ended in found)


def _search(
    a: Gaussians, b: Gaussians, weight: float, start: Any, least: float, most: int
) -> tuple[float, bool]:
    """Overlap after the best rotation, of rows of b onto those of a, near a start.

    Given the rotation, the overlap of two covariances is a sum of singular values, which a second
    rotation attains, of deviations onto deviations; given those, the first one is a polar factor.
    """
    means = (2 - weight) * (b.mean.T @ a.mean)
    u, _, v = np.linalg.svd(b.mean.T @ a.mean if start is None else start, full_matrices=False)
    turn, before = u @ v, -np.inf
    for _ in range(most):
        onto = (b.root @ turn) @ a.root.swapaxes(1, 2)
        u, sizes, v = np.linalg.svd(onto, full_matrices=False)
        value = float(np.sum(means * turn) + weight * sizes.sum())
        if value - before <= least:
            return value, True
        before = value
        crossed = means + weight * np.einsum(
            "sip,sij,sjq->pq", b.root, u @ v, a.root, optimize=True
        )
        u, _, v = np.linalg.svd(crossed, full_matrices=False)
        turn = u @ v
    return before, False
