"""Shape distances of many populations, and a map of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.results import results
from neurodyn.analysis.shared.signs import positive
from neurodyn.analysis.shared.systems import many
from neurodyn.analysis.similarity.matched import Matched, Systems, matched
from neurodyn.analysis.similarity.pairs import Folds, Overlaps, overlaps, population
from neurodyn.analysis.similarity.shapes import FORMS, apart, refuse_blend
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.labels import LabelError


def shape_distances(
    x: Systems,
    y: Systems | None = None,
    *,
    alpha: float = 1.0,
    form: str = "angular",
    n_folds: int | None = 0,
    by: str | Sequence[str] | None = None,
    variable: str | None = None,
    key: Any = 0,
) -> xr.Dataset:
    r"""Distances of the shapes of many populations, after the best rotation of each pair.

    Each population is centred, whitened in part, :math:`Z = X (\alpha I + (1-\alpha)
    (X'X)^{-1/2})`, and brought back to its variance. Of every two the second is rotated onto the
    first. What is left is their distance: a metric, so that populations can be clustered or laid
    out (:func:`embed_distances`). Numbers of units may differ.

    Parameters
    ----------
    x, y
        Populations: a Dataset or DataArray with a dim ``seed``; or a list, or a dict by names, of
        labelled data with dim ``unit`` or of arrays ``(condition, time, unit)`` or ``(sample,
        unit)``. They are matched by the labels of all other dims. Without `y` the populations of
        `x` are compared with each other.
    alpha
        1: only rotations and reflections are undone (Procrustes). 0: any invertible map is (as in
        canonical correlation analysis). In between the distance depends on the scale of the data.
    form
        "angular": angle [rad] between the two, blind to the scale of each (in between too, up to
        what `alpha` makes of it). "euclidean": Frobenius norm of the difference, in the units of
        the data.
    n_folds
        0: fit and score on the same samples. Else each fold of the conditions (trials where they
        are not averaged) is scored with the whitening, the mean and the rotation that fit the
        others, because distances of the samples that a rotation was fitted to are too small. None:
        10 folds, or one a condition. The distance is over the held-out samples of all folds.
    by
        Labels of trials that make a condition: the means of conditions are compared.
    variable
        Which variable of Datasets.
    key
        Seed or JAX key of the folds.

    Returns
    -------
    Dataset with ``distance`` (system, other). With folds also ``fit_distance``, of the samples that
    were fitted to, and ``fold_distance`` (fold, system, other). Two single populations: without the
    dims ``system`` and ``other``. Held-out distances need not keep the triangle inequality.

    Raises
    ------
    LabelError
        If labels differ, values are missing, or a population does not vary.
    ValueError
        For an unknown form, `alpha` outside of 0 to 1, a single population, or `alpha` 0 without
        folds where units span every pattern, so that all distances would be the same for any data.

    Notes
    -----
    The numbers are those of ``LinearMetric`` of netrep, each fold's those of its ``fit`` on some
    samples and ``score`` on others, where samples outnumber units. Where they do not, netrep
    whitens directions without variance by a floor of 1e-7 and rotates at random those that fitted
    samples do not show; here both are left out. Of unequal numbers of units it first adds silent
    units, and counts them into the variance that whitening keeps: its "euclidean" then differs for
    `alpha` below 1, its angle does not. An angle below 1e-7 cannot be told from 0.

    References
    ----------
    Williams, Kunz, Kornblith & Linderman (2021), NeurIPS 34:4738, sections 2 and 3.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> rng = np.random.default_rng(0)
    >>> a, c = rng.standard_normal((2, 50, 4))
    >>> rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    >>> found = analysis.shape_distances({"a": a, "b": 2 * a @ rotation + 1, "c": c})
    >>> abs(found["distance"].sel(system="a").values.round(1))
    array([0. , 0. , 1.3])
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}.")
    refuse_blend(alpha)
    first = matched(x, "x", by=by, variable=variable)
    second = None if y is None else matched(y, "y", by=by, variable=variable, like=first)
    if second is None and len(first.names) < 2:
        raise ValueError(
            "one population cannot be compared: pass `y`, or several populations as `x`."
        )
    folds = None if n_folds == 0 else _folds(first, n_folds, key)
    whitened = alpha == 0 and folds is None
    a = [population(s) for s in first.samples(whitened)]
    b = None if second is None else [population(s) for s in second.samples(whitened)]
    found = {"distance": _pooled(fit := overlaps(a, b, alpha=alpha), form)}
    if folds is not None:
        each = overlaps(a, b, alpha=alpha, folds=folds)
        found = {"distance": _pooled(each, form), "fit_distance": _pooled(fit, form)}
        found["fold_distance"] = apart(each.inner, each.norm[:, :, None], each.other[:, None], form)
    if second is None:
        at = np.arange(len(a))
        for distance in found.values():
            distance[..., at, at] = 0.0
    units = "rad" if form == "angular" else str(first.first.attrs.get("units", "1"))
    coords = {"system": first.names, "other": (second or first).names}
    variables = {
        name: (("fold", "system", "other")[3 - v.ndim :], v, units, _NAMES[name])
        for name, v in found.items()
    }
    about: dict[str, Any] = {
        "alpha": float(alpha),
        "form": form,
        "n_folds": 0 if folds is None else len(folds),
    }
    built = results(variables, coords, dims=("system", "other"), **about)
    single = not (_several(x) or y is None or _several(y))
    return built.isel(system=0, other=0, drop=True) if single else built


def _several(systems: Any) -> bool:
    return many(systems) or "seed" in getattr(systems, "dims", ())


def _folds(first: Matched, n_folds: int | None, key: Any) -> Folds:
    """Samples of the conditions that each fold holds out."""
    if not {"condition", "trial"} & set(first.row_dims):
        raise LabelError(
            f"folds are over conditions, but the dims are {first.first.dims}: n_folds=0 scores the "
            "samples that are fitted."
        )
    if n_folds is not None:
        whole("n_folds", n_folds, 0)
    dim = next(d for d in first.row_dims if d in ("condition", "trial"))
    n = first.first.sizes[dim]
    masks = np.asarray(fold_masks(as_key(key), n, n_folds_for(n, n_folds)))
    shape = [first.first.sizes[d] for d in first.row_dims]
    axis = first.row_dims.index(dim)
    place = np.arange(np.prod(shape)).reshape(shape)
    return [np.compress(mask, place, axis=axis).ravel() for mask in masks]


def _pooled(found: Overlaps, form: str) -> np.ndarray:
    """Distance over the held-out samples of all folds."""
    inner, norm, other = (part.sum(0) for part in found)
    return apart(inner, norm[:, None], other[None, :], form)


#: Long names of the variables of a matrix of distances.
_NAMES = {
    "distance": "shape distance",
    "fit_distance": "shape distance of the samples that were fitted to",
    "fold_distance": "shape distance on the held-out conditions of a fold",
}


def embed_distances(distance: xr.Dataset | xr.DataArray, n_components: int = 2) -> xr.Dataset:
    """Lay populations out so that their Euclidean distances are near the given ones.

    Classical multidimensional scaling: principal components of the doubly centred squared
    distances. It has no starts, so that the same distances give the same map.

    Parameters
    ----------
    distance
        Symmetric distances ``(system, other)`` of :func:`shape_distances` or :func:`dsa`.
    n_components
        Dimensions of the map, fewer than there are systems.

    Returns
    -------
    Dataset with ``position`` (system, component), in the units of the distances; ``explained``
    (component,), the share of the summed sizes of all eigenvalues (some are negative where no
    Euclidean space has these distances); and ``stress``, the root of the squared errors of all
    distances over their squares.

    Raises
    ------
    LabelError
        If there is no matrix with the same systems on both sides.
    ValueError
        If distances are not symmetric, or there are too few systems.

    References
    ----------
    Torgerson (1952), Psychometrika 17:401.

    Examples
    --------
    >>> import xarray as xr
    >>> from neurodyn import analysis
    >>> names = ["a", "b", "c"]
    >>> distance = xr.DataArray(
    ...     [[0.0, 3.0, 4.0], [3.0, 0.0, 5.0], [4.0, 5.0, 0.0]],
    ...     {"system": names, "other": names}, ("system", "other"),
    ... )
    >>> round(float(analysis.embed_distances(distance)["stress"]), 6)
    0.0
    """
    if isinstance(distance, xr.Dataset) and "distance" not in distance:
        raise LabelError(f"there is no variable 'distance': there are {list(distance.data_vars)}.")
    array = distance["distance"] if isinstance(distance, xr.Dataset) else distance
    d = _symmetric(array)
    whole("n_components", n_components, 1, len(d) - 1)
    squares = d**2
    centred = squares - squares.mean(0) - squares.mean(1)[:, None] + squares.mean()
    values, axes = np.linalg.eigh(-centred / 2)
    order = np.argsort(-values)[:n_components]
    position = positive(axes[:, order], 0) * np.sqrt(np.maximum(values[order], 0))
    apart_ = np.linalg.norm(position[:, None] - position[None], axis=-1)
    units = str(array.attrs.get("units", "1"))
    variables = {
        "position": (("system", "component"), position, units, "position"),
        "explained": ("component", values[order] / np.abs(values).sum(), "1", "share of distances"),
        "stress": ((), np.sqrt(((apart_ - d) ** 2).sum() / squares.sum()), "1", "stress"),
    }
    coords = {"system": array["system"].values, "component": np.arange(n_components)}
    coords |= {n: c for n, c in array.coords.items() if c.dims == ("system",) and n != "system"}
    return results(variables, coords, dims=("system",))


def _symmetric(array: xr.DataArray) -> np.ndarray:
    if set(array.dims) != {"system", "other"}:
        raise LabelError(f"`distance` needs the dims 'system' and 'other', got {array.dims}.")
    array = array.transpose("system", "other")
    if array.sizes["system"] != array.sizes["other"] or array.sizes["system"] < 2:
        raise ValueError(f"a map needs the distances of all systems, got sizes {array.sizes}.")
    names = array["system"].values
    d = array.sel(other=names).values.astype(np.float64)
    size = np.abs(d).max()
    if not np.isfinite(d).all() or size == 0 or np.abs(d - d.T).max() > 1e-6 * size:
        raise ValueError("distances must be finite, symmetric and not all 0.")
    return (d + d.T) / 2
