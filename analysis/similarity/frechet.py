"""The mean shape of many populations, and each of them aligned to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.signs import positive
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.analysis.similarity.matched import Matched, Systems, matched, unit_names
from neurodyn.analysis.similarity.nearest import inverse_root
from neurodyn.analysis.similarity.shapes import refuse_blend
from neurodyn.common.checks import number, whole


class _Mean(NamedTuple):
    """Rotations onto the mean, and the squared norm of the mean at each iteration."""

    rotations: Float[np.ndarray, "system unit component"]
    norms: list[float]
    converged: bool


def mean_shape(
    x: Systems,
    *,
    alpha: float = 1.0,
    scale: bool = True,
    by: str | Sequence[str] | None = None,
    tolerance: float = 1e-14,
    max_iterations: int = 1000,
    variable: str | None = None,
) -> xr.Dataset:
    """Mean shape of many populations (generalised Procrustes), and each aligned to it.

    The mean is the activity from which the squared distances of all aligned populations are least.
    Populations are aligned to it and averaged in turn, which lowers that sum at every step; the
    start is the population that is closest to all others.

    Parameters
    ----------
    x
        Populations, two at least, as of :func:`shape_distances`.
    alpha
        As of :func:`shape_distances`.
    scale
        Whether each population first gets the norm 1, so that none counts more because its
        activity is larger. If not, the mean has the units of the data.
    by, variable
        As of :func:`shape_distances`.
    tolerance
        Iterations end when the sum of squares falls by less than this share of all.
    max_iterations
        Most iterations; ``converged`` says whether they were enough.

    Returns
    -------
    Dataset with ``mean`` (condition | trial, time, component), along the principal axes of the
    mean; ``aligned`` (system, ..., component), each population in these coordinates; ``axes``
    (unit, component), which take centred activity there, the units of all systems one after
    another, with the coordinates ``of_system`` and ``label``; ``distance`` (system,), of each from
    the mean (norm of the difference); and ``spread``, the mean of the squared distances. Components
    beyond the units of a population hold 0 of it.

    Raises
    ------
    LabelError, ValueError
        As of :func:`shape_distances`.

    Notes
    -----
    Without `scale` the mean is that of ``frechet_mean`` of netrep. Its batch method overwrites the
    data set that it starts from, unless it is given a start.

    References
    ----------
    Gower (1975), Psychometrika 40:33. Williams et al. (2021), NeurIPS 34:4738, section 2.4.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((50, 3))
    >>> turned = [x @ np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(4)]
    >>> found = analysis.mean_shape(turned)
    >>> float(found["spread"].round(6))
    0.0
    """
    refuse_blend(alpha)
    whole("max_iterations", max_iterations)
    number("tolerance", tolerance, low=0)
    systems = matched(x, "x", by=by, variable=variable)
    if len(systems.names) < 2:
        raise ValueError("a mean needs two populations at least: pass a list, or a dim 'seed'.")
    shapes, maps = zip(*(_shape(s, alpha, scale) for s in systems.samples(alpha == 0)), strict=True)
    width = max(s.shape[1] for s in shapes)
    padded = np.stack([np.pad(s, ((0, 0), (0, width - s.shape[1]))) for s in shapes])
    found = _iterated(padded, tolerance, max_iterations)
    aligned = padded @ found.rotations
    mean = aligned.mean(0)
    turn = positive(np.linalg.eigh(mean.T @ mean)[1][:, ::-1], 0)
    aligned, mean = aligned @ turn, mean @ turn
    axes = [m @ q[: m.shape[1]] @ turn for m, q in zip(maps, found.rotations, strict=True)]
    return _labelled(systems, mean, aligned, np.concatenate(axes), scale).assign_attrs(
        alpha=float(alpha),
        scale=int(scale),
        n_iterations=len(found.norms),
        converged=int(found.converged),
    )


def _labelled(systems: Matched, mean, aligned, axes, scale: bool) -> xr.Dataset:
    """Everything with its labels."""
    units = "1" if scale else str(systems.first.attrs.get("units", "1"))
    rows, sizes = systems.row_dims, [systems.first.sizes[d] for d in systems.row_dims]
    distance = np.linalg.norm(aligned - mean, axis=(1, 2))
    of_all, text = aligned.reshape(len(aligned), *sizes, -1), "activity aligned to the mean shape"
    variables = {
        "mean": ((*rows, "component"), mean.reshape(*sizes, -1), units, "mean shape"),
        "aligned": (("system", *rows, "component"), of_all, units, text),
        "axes": (("unit", "component"), axes, "1", "axes of the mean shape"),
        "distance": ("system", distance, units, "distance from the mean shape"),
        "spread": ((), np.mean(distance**2), "1" if units == "1" else f"{units}^2", "spread"),
    }
    coords = {"system": systems.names, "component": np.arange(axes.shape[1])} | _units(systems)
    for dim in rows:
        coords |= coords_of(systems.first, dim)
    return results(variables, coords, dims=("system",))


def _units(systems: Matched) -> dict:
    """Which system each unit is of, and its label there."""
    of, label = [], []
    for name, array in zip(systems.names, systems.arrays, strict=True):
        of += [name] * array.sizes["unit"]
        label += unit_names(array)
    return {"of_system": ("unit", of), "label": ("unit", label)}


def _shape(x: np.ndarray, alpha: float, scale: bool) -> tuple[np.ndarray, np.ndarray]:
    """Samples centred, whitened in part and scaled, and the matrix that does it."""
    first = x[0].astype(np.float64)
    x = x - first
    x = x - x.mean(0)
    size = float(np.abs(x).max())
    z = x / size
    gram = z.T @ z
    power = np.trace(gram)
    transform = np.eye(x.shape[1])
    if alpha < 1:
        # On the scale of z the identity counts in proportion to the scale of the data.
        transform = alpha * size * transform + (1 - alpha) * inverse_root(gram)
        transform *= np.sqrt(power / np.trace(transform @ gram @ transform))
    if scale:
        return z @ transform / np.sqrt(power), transform / (size * np.sqrt(power))
    return x @ transform, transform


@one_lapack_thread
def _iterated(x: np.ndarray, tolerance: float, most: int) -> _Mean:
    """Align and average in turn, through the products of all pairs of populations."""
    k, n, p = x.shape
    flat = x.swapaxes(0, 1).reshape(n, k * p)
    gram = flat.T @ flat
    pairs = gram.reshape(k, p, k, p)
    own = np.einsum("iaia->i", pairs)
    onto = [np.linalg.svd(pairs[i].swapaxes(0, 1), compute_uv=False).sum() for i in range(k)]
    rotations = _turns(pairs[:, :, int(np.argmax(np.array(onto) - k * own / 2))])
    norms: list[float] = []
    while len(norms) < most:
        onto_mean = gram @ rotations.reshape(k * p, p) / k
        norms.append(float(np.sum(rotations.reshape(k * p, p) * onto_mean)) / k)
        if len(norms) > 1 and k * (norms[-1] - norms[-2]) <= tolerance * own.sum():
            return _Mean(rotations, norms, True)
        rotations = _turns(onto_mean.reshape(k, p, p))
    return _Mean(rotations, norms, False)


def _turns(onto: np.ndarray) -> np.ndarray:
    """The whole rotations that bring populations onto a mean, from their products with it."""
    u, _, v = np.linalg.svd(onto)
    return u @ v
