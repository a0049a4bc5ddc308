"""Principal axes of activity, and its trajectories along them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import matrix, pick, samples
from neurodyn.analysis.shared.moments import moments, streams
from neurodyn.analysis.shared.results import table
from neurodyn.analysis.shared.scaling import balanced_by, centred, products
from neurodyn.analysis.shared.signs import positive
from neurodyn.analysis.shared.threads import one_lapack_thread

Samples = Float[Array, "sample unit"]


def principal_axes(x: Samples) -> tuple[Float[Array, " component"], Float[Array, "unit component"]]:
    """Eigenvalues of ``x'x``, largest first, and their unit axes, of centred samples.

    Solved over units or samples, whichever are fewer (an axis without variance is then 0).
    """
    if x.shape[1] <= x.shape[0]:
        values, axes = jnp.linalg.eigh(products(x, x))
        return jnp.maximum(values[::-1], 0), axes[:, ::-1]
    values, scores = jnp.linalg.eigh(x @ x.T)
    values, scores = jnp.maximum(values[::-1], 0), scores[:, ::-1]
    present = values > values[0] * x.shape[1] * jnp.finfo(x.dtype).eps
    inverse = jnp.where(present, 1 / jnp.sqrt(jnp.where(present, values, 1)), 0)
    return values, (x.T @ scores) * inverse[None, :]


@jax.jit
def _pca(x: Samples):
    variance, axes = principal_axes(centred(x))
    axes = positive(axes, 0)
    return variance / (x.shape[0] - 1), variance / variance.sum(), axes, centred(x) @ axes


@one_lapack_thread
def pca(
    activity: xr.Dataset | xr.DataArray, n_components: int = 3, *, variable: str | None = None
) -> xr.Dataset:
    """Principal components of activity and its trajectories in them.

    Parameters
    ----------
    activity
        Dims ``(condition | trial, time, unit)``. Average over trials first
        (`neurodyn.trials.average`) for the trajectories of condition means.
    n_components
        How many to keep.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset with ``scores`` ``(condition | trial, time, component)``, ``loadings``
    ``(unit, component)`` (unit vectors, largest loading positive), ``variance`` and
    ``explained`` ``(component,)`` (fraction of the total variance) and ``mean`` ``(unit,)``.

    Raises
    ------
    LabelError
        If values are missing or there is no dim ``unit``.
    ValueError
        If there are fewer units or samples than `n_components`.

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, with more samples than units,
    products of units are summed chunk by chunk in one pass in float64, in the memory that `cka`
    states, and the scores stay lazy: each chunk of them is found when it is used. Results differ
    between chunks by some 1e-14 of the largest value, and by 1e-6 from those in memory, which are
    computed in float32.
    """
    array = pick(activity, variable, streams=True)
    found = _of_chunks if streams(array) else _of_samples
    variance, explained, axes, scores, mean = found(array, n_components)
    units = array.attrs.get("units", "1")
    dims = (*[str(d) for d in array.dims if d != "unit"], "component")
    variables = {
        "scores": (dims, scores, units, "principal component scores"),
        "loadings": (("unit", "component"), axes, "1", "principal axes"),
        "variance": ("component", variance, f"{units}^2", "variance along the axis"),
        "explained": ("component", explained, "1", "fraction of the variance"),
        "mean": ("unit", mean, units, "mean"),
    }
    words = {n: v for n, v in activity.attrs.items() if n == "labels"}
    return table(variables, {"component": np.arange(n_components), **array.coords}, **words)


def _of_samples(array: xr.DataArray, n: int) -> tuple[Any, ...]:
    found = samples(array)
    x = matrix(found, what="activity")
    _refuse_number(n, *x.shape)
    variance, explained, axes, scores = (np.asarray(v)[..., :n] for v in _pca(x))
    scale, mean = balanced_by(found)[1], found.mean(0, dtype=np.float64)
    # In float64, because a square of the scale may not fit into float32.
    variance, scores = variance * np.float64(scale) ** 2, scores * np.float64(scale)
    return variance, explained, axes, scores.reshape(*array.shape[:-1], n), mean


def _of_chunks(array: xr.DataArray, n: int) -> tuple[Any, ...]:
    """The same from sums of products of the chunks; scores are found chunk by chunk, when used."""
    if "seed" in array.dims:
        samples(array)  # refuses it
    found = moments(array, names=("activity",))
    _refuse_number(n, found.number, array.sizes["unit"])
    total = np.trace(found.scatter)
    if not total > 0:
        raise ValueError("activity is the same in all samples: there is nothing to compare.")
    values, axes = np.linalg.eigh(found.scatter)
    values, axes = np.maximum(values[::-1], 0)[:n], np.asarray(positive(axes[:, ::-1], 0))[:, :n]
    data = array.data.rechunk({array.ndim - 1: -1})
    how = {"chunks": (*data.chunks[:-1], (n,)), "dtype": np.float64}
    how["meta"] = np.empty((0,) * data.ndim)
    scores = data.map_blocks(_scores, mean=found.mean, axes=axes, **how)
    return values / (found.number - 1), values / total, axes, scores, found.mean


def _scores(block: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return (block - mean) @ axes


def _refuse_number(n: int, n_samples: int, n_units: int) -> None:
    if not 1 <= n <= min(n_samples, n_units):
        raise ValueError(
            f"n_components must be between 1 and {min(n_samples, n_units)} for {n_samples} samples "
            f"of {n_units} units, got {n}."
        )
