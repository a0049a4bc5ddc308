"""How much the subspaces of two sets of activity of the same units overlap, and by chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn import labels
from neurodyn.analysis.populations import covariances
from neurodyn.analysis.populations.covariances import Covariance, Matrix
from neurodyn.analysis.populations.dimensionality import of_covariance
from neurodyn.analysis.shared.arrays import pick
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import results
from neurodyn.analysis.shared.scaling import balanced
from neurodyn.analysis.shared.signs import positive
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key, fold_in
from neurodyn.labels import LabelError
from neurodyn.labels.roles import chosen

Chance = Literal["covariance", "uniform"]
Axes = Float[np.ndarray, "*draw unit component"]


class _Side(NamedTuple):
    """Covariance of one side, of halves of its trials, and its first axes."""

    covariance: Matrix
    halves: Float[np.ndarray, "split 2 unit unit"] | None
    axes: Axes


@one_lapack_thread
def subspace_angles(
    a: xr.Dataset | xr.DataArray,
    b: xr.Dataset | xr.DataArray,
    n_components: int = 3,
    *,
    covariance: Covariance = "signal",
    by: str | Sequence[str] | None = None,
    chance: Chance = "covariance",
    n_draws: int = 1000,
    n_splits: int = 50,
    key: Any = 0,
    variable: str | None = None,
) -> xr.Dataset:
    """Principal angles between the main subspaces of two sets of activity, with their controls.

    Parameters
    ----------
    a, b
        Activity of the same units, such as two epochs of a trial or two contexts. Dims
        ``(trial | condition, time, unit)``; units are matched by their labels.
    n_components
        Principal components of each side that span its subspace.
    covariance
        "signal": of condition means, over conditions and times. "noise": of trials around the mean
        of their condition at each time.
    by
        Labels of the trials that make a condition; default: the conditions of the task, where a run
        knows them.
    chance
        Random subspaces: "covariance" (default, because recorded populations vary in few
        directions, in which even random subspaces meet) draws directions with the covariance of
        both sides together; "uniform" draws all directions alike.
    n_draws
        Pairs of random subspaces.
    n_splits
        Random halves of the trials of each side, whose angles show what noise alone does.
    key
        Seed or JAX key.
    variable
        Which variable of Datasets.

    Returns
    -------
    Dataset: ``angle`` (component) [degrees], the smallest first; ``random`` (draw, component);
    ``p_value`` (component), one-sided, of angles as small between random subspaces; ``halves_a``
    and ``halves_b`` (fold, component) where there are trials. Angles like those of halves cannot be
    told from 0. The attribute ``covariance`` says which variance is meant.

    Raises
    ------
    LabelError
        If units differ, or labels or values are missing.
    ValueError
        If there are fewer units, or directions in which they vary, than components.

    References
    ----------
    Björck & Golub (1973), Math. Comput. 27:579; Elsayed et al. (2016), Nat. Commun. 7:13239
    (random subspaces of the covariance).
    """
    n = whole("n_components", n_components)
    options = (n, covariance, by, chance, whole("n_splits", n_splits), key, variable)
    first, second, about = _sides(a, b, *options)
    angle = _angles(first.axes, second.axes)
    key = as_key(key)
    one, other = (
        _random(first, second, chance, n, whole("n_draws", n_draws), fold_in(key, i))
        for i in (2, 3)
    )
    random = _angles(one, other)
    p = (1 + (random <= angle + 1e-9).sum(0)) / (1 + len(random))
    variables = {
        "angle": (("component",), angle, "degree", "principal angle"),
        "random": (("draw", "component"), random, "degree", "angle between random subspaces"),
        "p_value": (("component",), p, "1", "one-sided p-value of as small an angle by chance"),
    }
    for name, side in (("a", first), ("b", second)):
        if side.halves is not None:
            axes = _axes(side.halves, n)
            text = f"angle between halves of the trials of {name}"
            halves = _angles(axes[:, 0], axes[:, 1])
            variables[f"halves_{name}"] = (("fold", "component"), halves, "degree", text)
    return results(variables, {"component": np.arange(n)}, **about)


@one_lapack_thread
def alignment_index(
    a: xr.Dataset | xr.DataArray,
    b: xr.Dataset | xr.DataArray,
    n_components: int = 10,
    *,
    covariance: Covariance = "signal",
    by: str | Sequence[str] | None = None,
    chance: Chance = "covariance",
    n_draws: int = 1000,
    n_splits: int = 50,
    key: Any = 0,
    variable: str | None = None,
) -> xr.Dataset:
    r"""Share of the variance of `b` that the main subspace of `a` holds, of what it could hold.

    :math:`\mathrm{tr}(Q_a' C_b Q_a) / \sum_{i \le d} \lambda_i(C_b)` with the first d principal
    axes :math:`Q_a` of `a`: 1 where both have the same subspace, 0 where they are orthogonal.

    Parameters
    ----------
    a, b, covariance, by, chance, n_draws, n_splits, key, variable
        As of :func:`subspace_angles`.
    n_components
        Dimension d of the subspace. With as many as there are units, the index is 1.

    Returns
    -------
    Dataset: ``index``; ``index_of_a``, the same with `a` and `b` exchanged, because the index is
    not symmetric; ``random`` (draw), the index of random subspaces; ``p_low`` and ``p_high``,
    one-sided, of indices as low (more orthogonal) and as high by chance; and ``halves_b`` (fold)
    where there are trials: the index between halves of the trials of `b`, which noise keeps
    below 1.

    Raises
    ------
    LabelError, ValueError
        As of :func:`subspace_angles`.

    References
    ----------
    Elsayed et al. (2016), Nat. Commun. 7:13239.
    """
    n = whole("n_components", n_components)
    options = (n, covariance, by, chance, whole("n_splits", n_splits), key, variable)
    first, second, about = _sides(a, b, *options)
    index, back = _held(first.axes, second.covariance), _held(second.axes, first.covariance)
    axes = _random(first, second, chance, n, whole("n_draws", n_draws), fold_in(as_key(key), 2))
    random = _held(axes, second.covariance)
    low, high = (
        (1 + hits.sum()) / (1 + len(random))
        for hits in (random <= index + 1e-12, random >= index - 1e-12)
    )
    variables = {
        "index": ((), index, "1", "alignment index"),
        "index_of_a": ((), back, "1", "alignment index of a with the subspace of b"),
        "random": (("draw",), random, "1", "alignment index of random subspaces"),
        "p_low": ((), low, "1", "one-sided p-value of as low an index by chance"),
        "p_high": ((), high, "1", "one-sided p-value of as high an index by chance"),
    }
    if second.halves is not None:
        halves = _held(_axes(second.halves[:, 0], n), second.halves[:, 1])
        variables["halves_b"] = (("fold",), halves, "1", "index between halves of the trials of b")
    return results(variables, {}, **about)


def _sides(
    a: Any,
    b: Any,
    n: int,
    covariance: Covariance,
    by: str | Sequence[str] | None,
    chance: Chance,
    n_splits: int,
    key: Any,
    variable: str | None,
) -> tuple[_Side, _Side, dict[str, Any]]:
    if covariance not in get_args(Covariance):
        raise ValueError(f"covariance is 'signal' or 'noise', got {covariance!r}.")
    if chance not in get_args(Chance):
        raise ValueError(f"chance is 'covariance' or 'uniform', got {chance!r}.")
    a, b = pick(a, variable, what="a"), pick(b, variable, what="b")
    if a.sizes["unit"] != b.sizes["unit"] and "unit" not in a.coords:
        raise LabelError(f"a has {a.sizes['unit']} units and b has {b.sizes['unit']}.")
    units = labels.pair(a, b, "unit", what=("activity a", "activity b"))
    keys = (fold_in(as_key(key), i) for i in (0, 1))
    sides, known = [], []
    for name, array, k in zip("ab", units, keys, strict=True):
        mine = chosen(array, by, what=name) if "trial" in array.dims else []
        x = balanced(of_covariance(array, covariance, mine))
        matrix = covariances.of_samples(x)
        halves = None
        if "trial" in array.dims:
            halves = covariances.of_halves(array, covariance, mine, n_splits, k)
        rank = int(np.linalg.matrix_rank(matrix, hermitian=True))
        if n > rank:
            raise ValueError(
                f"n_components={n}, but {name} varies in {rank} directions of its "
                f"{x.shape[1]} units ({x.shape[0]} samples)."
            )
        sides.append(_Side(matrix, halves, _axes(matrix, n)))
        known += [", ".join(mine)]
    about = {
        "covariance": covariance,
        "by": known[0],
        "chance": chance,
        "n_components": n,
        "n_units": units[0].sizes["unit"],
    }
    return sides[0], sides[1], about


def _axes(matrix: Matrix, n: int) -> Axes:
    """First principal axes, those of the largest variance first."""
    return np.linalg.eigh(matrix)[1][..., ::-1][..., :n]


def _angles(a: Axes, b: Axes) -> Float[np.ndarray, "*draw component"]:
    """Principal angles [degrees], the smallest first, exact near 0 and near 90 degrees."""
    cross = np.swapaxes(a, -1, -2) @ b
    u, cosines, v = np.linalg.svd(cross)
    # Small angles from sines, because the arc cosine loses half of the digits at 1.
    rest = b @ np.swapaxes(v, -1, -2) - (a @ u) * cosines[..., None, :]
    sines = np.linalg.norm(rest, axis=-2)
    return np.degrees(np.arctan2(sines, np.clip(cosines, 0, 1)))


def _held(axes: Axes, matrix: Matrix) -> Any:
    """Variance along axes, of the most that as many axes can hold."""
    n = axes.shape[-1]
    most = np.linalg.eigvalsh(matrix)[..., -n:].sum(-1)
    return np.einsum("...un,...uv,...vn->...", axes, matrix, axes, optimize=True) / most


def _random(first: _Side, second: _Side, chance: Chance, n: int, n_draws: int, key: Any) -> Axes:
    """Axes of random subspaces."""
    rng = generator(key, needed_for="Random subspaces")
    draws = rng.standard_normal((n_draws, len(first.covariance), n))
    if chance == "covariance":
        variance, axes = np.linalg.eigh(first.covariance + second.covariance)
        axes = positive(axes, 0)  # so that draws do not depend on the order of the units
        draws = (axes * np.sqrt(np.maximum(variance, 0))) @ draws
    return np.linalg.svd(draws, full_matrices=False)[0]
