"""How alike the fixed points of systems are: their kinds, their linear dynamics, their layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Complex, Float, Int

from neurodyn.analysis.shared.results import results
from neurodyn.analysis.shared.systems import collected
from neurodyn.analysis.shared.transport import transport_cost
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError

#: Modes of a point that are compared by default: the slowest of many units are what lasts.
N_MODES = 10


class Skeleton(NamedTuple):
    """Fixed points of one system.

    Attributes
    ----------
    index
        Number of growing directions.
    eigenvalues
        Those of the Jacobian, the fastest growing first.
    apart
        Distances between the states, of which the root mean square is 1.
    """

    index: Int[np.ndarray, " point"]
    eigenvalues: Complex[np.ndarray, "point mode"]
    apart: Float[np.ndarray, "point point"]


def skeleton_distances(
    points: Mapping[str, xr.Dataset] | Sequence[xr.Dataset],
    *,
    by: str | None = None,
    n_modes: int | None = None,
) -> xr.Dataset:
    """Distances between the fixed points of several systems.

    Networks that solve a task alike can differ in their units and in the geometry of their
    activity, and have the same fixed points up to a deformation. Three distances tell how far that
    goes; none needs an alignment of state spaces, so systems may have different numbers of units.

    Parameters
    ----------
    points
        Fixed points of each system, of :func:`fixed_points`: a dict by names, or a list. Select
        kinds that shall count before (``points.isel(equilibrium=points["kind"] == "fixed")``).
    by
        Coordinate of the points within whose values they are compared, such as the label of the
        inputs ("context"); distances are means over its values. All systems need the same ones.
        Default: all points of a system are one set.
    n_modes
        Eigenvalues of each point that are compared, the fastest growing first. Default: 10, or as
        many as the smallest system has.

    Returns
    -------
    Dataset of symmetric matrices ``(system, other)``:

    ``index_distance``
        Half the summed difference between shares of points with 0, 1, 2... growing directions:
        from 0 to 1.
    ``eigenvalue_distance`` [1/ms, or 1 for maps without a step]
        Mean difference between eigenvalues of points that correspond, in the best correspondence
        (optimal transport between points, and one-to-one between the eigenvalues of two points).
    ``layout_distance``
        Mean difference between distances of points to all others, likewise, in units of the root
        mean square distance: 0 for layouts equal up to rotation, reflection, offset and scale.
        It is a lower bound of twice the Gromov-Wasserstein distance, so that 0 does not prove that
        layouts are equal. With a single point everything is 0.

    and ``n_points`` (system).

    Raises
    ------
    LabelError
        If there are fewer than two systems, one has no points, or values of `by` or units of
        eigenvalues differ between systems.
    ValueError
        If `n_modes` is larger than the smallest system.

    References
    ----------
    Maheswaranathan et al., "Universality and individuality in neural dynamics across large
    populations of recurrent networks", NeurIPS 2019 (that topology, not geometry, is shared).
    Mémoli, "Gromov-Wasserstein distances and the metric approach to object matching", Found.
    Comput. Math. 2011, section 6 (the third lower bound).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> def points(gain):
    ...     W = gain * np.eye(2, dtype="float32")
    ...     model = models.CTRNN(1, 2, 1, W=W, form="current", key=0)
    ...     return analysis.fixed_points(model, n_starts=128)
    >>> found = analysis.skeleton_distances({"0.5": points(0.5), "1.5": points(1.5)})
    >>> found["n_points"].values, float(found["index_distance"][0, 1].round(3))
    (array([1, 9]), 0.556)
    """
    named = collected(points, "system")
    if len(named) < 2:
        raise LabelError("distances need two systems at least: pass a dict or a list of results.")
    _check(named)
    sizes = [each.sizes["component"] for _, each in named]
    n_modes = min(N_MODES, *sizes) if n_modes is None else n_modes
    whole("n_modes", n_modes, 1, min(sizes))
    labels = _labels(named, by)
    found = np.zeros((3, len(named), len(named)))
    for value in labels:
        sets = [_skeleton(each, by, value, n_modes) for _, each in named]
        for i, j in zip(*np.triu_indices(len(named), 1), strict=True):
            found[:, i, j] += _distances(sets[i], sets[j])
    found = (found + found.transpose(0, 2, 1)) / len(labels)
    unit = named[0][1]["eigenvalue_real"].attrs.get("units", "1")
    names = [name for name, _ in named]
    dims = ("system", "other")
    return results(
        {
            "index_distance": (dims, found[0], "1", "distance of shares of indices"),
            "eigenvalue_distance": (dims, found[1], unit, "distance of eigenvalues"),
            "layout_distance": (dims, found[2], "1", "distance of layouts"),
            "n_points": ("system", [d.sizes["equilibrium"] for _, d in named], "1", "points"),
        },
        {"system": names, "other": names},
        dims=["system", "other"],
        n_modes=n_modes,
        by=by or "",
    )


def _check(named: list[tuple[str, Any]]) -> None:
    for name, each in named:
        if not (isinstance(each, xr.Dataset) and "eigenvalue_real" in each and "state" in each):
            raise LabelError(
                f"{name} has no fixed points: pass results of analysis.fixed_points, got "
                f"{type(each).__name__}."
            )
        if not each.sizes["equilibrium"]:
            raise LabelError(f"{name} has no fixed point, so there is nothing to compare.")
    units = {name: each["eigenvalue_real"].attrs.get("units", "1") for name, each in named}
    if len(set(units.values())) > 1:
        raise LabelError(
            f"units of eigenvalues differ ({units}): pass dt= to fixed_points of maps."
        )


def _labels(named: list[tuple[str, xr.Dataset]], by: str | None) -> list[Any]:
    if by is None:
        return [None]
    found = {}
    for name, each in named:
        if by not in each.coords or each[by].dims != ("equilibrium",):
            there = [str(n) for n, c in each.coords.items() if c.dims == ("equilibrium",)]
            raise LabelError(
                f"{name} has no coordinate {by!r} of its points: it has {', '.join(there)}."
            )
        found[name] = set(each[by].values.tolist())
    first = next(iter(found))
    for name, values in found.items():
        if values != found[first]:
            raise LabelError(
                f"{by} is {sorted(found[first])} in {first} and {sorted(values)} in {name}: "
                "compare the same values, or leave out `by`."
            )
    return sorted(found[first])


def _skeleton(points: xr.Dataset, by: str | None, value: Any, n_modes: int) -> Skeleton:
    if by is not None:
        points = points.isel(equilibrium=np.flatnonzero(points[by].values == value))
    rest = [str(dim) for dim in points["state"].dims if dim != "equilibrium"]
    state = points["state"].transpose("equilibrium", *rest).values
    real, imag, growth = (
        points[name].transpose("equilibrium", "component").values
        for name in ("eigenvalue_real", "eigenvalue_imag", "growth_rate")
    )
    fastest = np.argsort(-growth, axis=1, kind="stable")[:, :n_modes]
    apart = np.linalg.norm(state[:, None] - state[None], axis=-1)
    size = np.sqrt((apart**2).mean())
    modes = np.take_along_axis(real + 1j * imag, fastest, 1)
    return Skeleton(points["n_unstable"].values, modes, apart / size if size > 0 else apart)


def _distances(a: Skeleton, b: Skeleton) -> tuple[float, float, float]:
    most = int(max(a.index.max(), b.index.max())) + 1
    shares = [np.bincount(each.index, minlength=most) / len(each.index) for each in (a, b)]
    return (
        float(np.abs(shares[0] - shares[1]).sum() / 2),
        transport_cost(_between_spectra(a.eigenvalues, b.eigenvalues)),
        transport_cost(_between_rows(np.sort(a.apart), np.sort(b.apart))),
    )


def _between_spectra(
    a: Complex[np.ndarray, "point mode"], b: Complex[np.ndarray, "other mode"]
) -> Float[np.ndarray, "point other"]:
    costs = np.abs(a[:, None, :, None] - b[None, :, None, :])
    return np.array([[transport_cost(cost) for cost in row] for row in costs])


def _between_rows(
    a: Float[np.ndarray, "point n"], b: Float[np.ndarray, "other m"]
) -> Float[np.ndarray, "point other"]:
    """Mean difference of the quantiles of sorted rows, which may differ in length."""
    n, m = a.shape[1], b.shape[1]
    # Over n * m small steps every quantile function is constant; most steps are joined.
    edges = np.unique(np.r_[np.arange(n + 1) * m, np.arange(m + 1) * n])
    weights, starts = np.diff(edges) / (n * m), edges[:-1]
    of_a, of_b = a[:, starts // m], b[:, starts // n]
    return (np.abs(of_a[:, None] - of_b[None]) * weights).sum(-1)
