"""Principal axes of activity, and its trajectories along them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import matrix, pick, samples
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
    """
    array = pick(activity, variable)
    found = samples(array)
    x = matrix(found, what="activity")
    if not 1 <= n_components <= min(x.shape):
        raise ValueError(
            f"n_components must be between 1 and {min(x.shape)} for {x.shape[0]} samples of "
            f"{x.shape[1]} units, got {n_components}."
        )
    variance, explained, axes, scores = (np.asarray(v)[..., :n_components] for v in _pca(x))
    scale, mean = balanced_by(found)[1], found.mean(0, dtype=np.float64)
    # In float64, because a square of the scale may not fit into float32.
    variance, scores = variance * np.float64(scale) ** 2, scores * np.float64(scale)
    units = array.attrs.get("units", "1")
    dims = (*[str(d) for d in array.dims if d != "unit"], "component")
    scores = scores.reshape(*[array.sizes[d] for d in dims[:-1]], n_components)
    variables = {
        "scores": (dims, scores, units, "principal component scores"),
        "loadings": (("unit", "component"), axes, "1", "principal axes"),
        "variance": ("component", variance, f"{units}^2", "variance along the axis"),
        "explained": ("component", explained, "1", "fraction of the variance"),
        "mean": ("unit", mean, units, "mean"),
    }
    words = {n: v for n, v in activity.attrs.items() if n == "labels"}
    return table(variables, {"component": np.arange(n_components), **array.coords}, **words)
