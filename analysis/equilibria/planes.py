"""Planes in the state space of a system: two axes through a centre."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.equilibria.field import Field
from neurodyn.analysis.equilibria.states import Names, in_order, vectors
from neurodyn.analysis.shared.signs import positive
from neurodyn.labels import place

#: Share of the extent of the states that is added on each side of them.
_MARGIN = 0.2


class Plane(NamedTuple):
    """Two axes of length 1 at right angles, through a centre.

    Attributes
    ----------
    axes
        The axes as columns.
    centre
        State at (0, 0).
    names
        What the axes are.
    limits
        Range of each axis that holds the states from which the plane was made, or None.
    """

    axes: Float[np.ndarray, "d 2"]
    centre: Float[np.ndarray, " d"]
    names: tuple[str, str]
    limits: Float[np.ndarray, "2 2"] | None

    def states(self, x: Float[np.ndarray, " n"], y: Float[np.ndarray, " m"]):
        """States on the grid ``(x, y, d)``."""
        across, up = self.axes.T
        return self.centre + x[:, None, None] * across + y[None, :, None] * up


def plane_of(field: Field, names: Names, plane: Any, centre: Any) -> Plane:
    """The plane that a user names: see :func:`neurodyn.analysis.flow_field`."""
    if plane is None:
        if field.size != 2:
            raise ValueError(
                f"{type(field.system).__name__} has a state of {field.size} entries: name the "
                "`plane`, e.g. a run (its principal axes) or two entries of the state."
            )
        found = Plane(np.eye(2), np.zeros(2), _entry_names(names, (0, 1)), None)
    elif isinstance(plane, xr.Dataset):
        found = _components(names, plane) if "loadings" in plane else _of(field, names, plane)
    elif isinstance(plane, (tuple, list)) and all(np.ndim(p) == 0 for p in plane):
        found = _entries(field, names, plane)
    else:
        found = _given(field, names, plane)
    if centre is None:
        return found
    middle = vectors(field, names, centre, "centre")[0]
    if middle.ndim != 1 or not np.isfinite(middle).all():
        raise ValueError(f"centre must be one finite state, got shape {middle.shape}.")
    moved = (middle - found.centre) @ found.axes
    limits = None if found.limits is None else found.limits - moved[:, None]
    return found._replace(centre=middle, limits=limits)


def _labels(names: Names) -> np.ndarray:
    if names.dim in names.coords:
        return np.asarray(names.coords[names.dim][1])
    return np.arange(sum(part.size for part in names.parts))


def _entry_names(names: Names, at: tuple[int, int]) -> tuple[str, str]:
    shown = [_labels(names)[i] for i in at]
    first, second = (str(s) if isinstance(s, str) else f"{names.dim} {s}" for s in shown)
    return first, second


def _entries(field: Field, names: Names, plane: Any) -> Plane:
    if len(plane) != 2 or plane[0] == plane[1]:
        raise ValueError(f"`plane` must name two entries of the state, got {tuple(plane)}.")
    labels = xr.DataArray(np.arange(field.size), {names.dim: _labels(names)}, (names.dim,))
    first, second = (place(labels, names.dim, entry) for entry in plane)
    axes = np.eye(field.size)[:, [first, second]]
    return Plane(axes, np.zeros(field.size), _entry_names(names, (first, second)), None)


def _components(names: Names, found: xr.Dataset) -> Plane:
    """The plane of the first two principal components of `analysis.pca`."""
    if found.sizes["component"] < 2 or names.dim not in found["loadings"].dims:
        raise ValueError(
            f"`plane` must have two components of the states (dim '{names.dim}'), got loadings of "
            f"{dict(found['loadings'].sizes)}."
        )
    loadings = in_order(names, found["loadings"], names.dim, "plane")
    mean = in_order(names, found["mean"], names.dim, "plane")
    axes = loadings.transpose(names.dim, "component").values[:, :2].astype(np.float64)
    limits = None
    if "scores" in found:
        scores = found["scores"].transpose(..., "component").values
        limits = _extent(scores[..., :2].reshape(-1, 2))
    return Plane(_orthonormal(axes), mean.values.astype(np.float64), ("PC 1", "PC 2"), limits)


def _of(field: Field, names: Names, states: Any) -> Plane:
    """The plane of the principal axes of states."""
    flat = vectors(field, names, states, "plane")[0].reshape(-1, field.size)
    flat = flat[np.isfinite(flat).all(-1)]
    if len(flat) < 3:
        raise ValueError(f"a plane needs at least three finite states, got {len(flat)}.")
    axes, centre, share = principal(flat)
    if share[1] <= 1e-12 * share[0] or field.size < 2:
        raise ValueError("the states of `plane` lie on a line: name two axes, or entries.")
    shown = (f"PC 1 ({100 * share[0]:.0f} %)", f"PC 2 ({100 * share[1]:.0f} %)")
    return Plane(axes[:, :2], centre, shown, _extent((flat - centre) @ axes[:, :2]))


def _given(field: Field, names: Names, axes: Any) -> Plane:
    """The plane of two axes."""
    array = vectors(field, names, axes, "plane")[0]
    if array.shape != (2, field.size) or not np.isfinite(array).all():
        raise ValueError(
            f"`plane` must be two finite axes (2, {field.size}), two entries of the state, or a "
            f"Dataset with states, got shape {array.shape}."
        )
    return Plane(_orthonormal(array.T), np.zeros(field.size), ("axis 1", "axis 2"), None)


def _orthonormal(axes: Float[np.ndarray, "d 2"]) -> Float[np.ndarray, "d 2"]:
    q, r = np.linalg.qr(axes)
    lengths = np.abs(np.diag(r))
    if lengths.min() <= 1e-9 * lengths.max():
        raise ValueError("the two axes of `plane` point along one line, and span no plane.")
    return q * np.sign(np.diag(r))


def principal(flat: Float[np.ndarray, "sample d"]):
    """Principal axes of samples as columns, their mean, and the share of variance of each."""
    centre = flat.mean(0)
    values, axes = np.linalg.svd(flat - centre, full_matrices=False)[1:]
    variance = values**2
    return positive(axes, 1).T, centre, variance / max(variance.sum(), 1e-300)


def _extent(points: Float[np.ndarray, "sample 2"]) -> Float[np.ndarray, "2 2"]:
    points = points[np.isfinite(points).all(-1)]
    low, high = points.min(0), points.max(0)
    room = _MARGIN * np.maximum(high - low, 1e-9 * np.abs(points).max(initial=1.0))
    return np.stack([low - room, high + room], axis=1)
