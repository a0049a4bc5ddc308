"""The covariance of the noise between units, shrunk towards a simpler one, and its inverse."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.representations.patterns import (
    Batch,
    Times,
    batched,
    by_condition,
    means_of,
    over_times,
)
from neurodyn.analysis.shared.arrays import checked, pick
from neurodyn.analysis.shared.conditions import refuse_apart
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.labels import LabelError, pair

Shrinkage = Literal["ledoit_wolf", "diagonal", "variances", "none"]
Residuals = Float[Array, "sample unit"]
Matrix = Float[Array, "unit unit"]


def _ledoit_wolf(x: Residuals, dof: float) -> Matrix:
    n, p = x.shape
    s = x.T @ x / n
    mean = jnp.trace(s) / p
    apart = jnp.sum((s - mean * jnp.eye(p, dtype=x.dtype)) ** 2)
    # The mean over samples of |x x' - s|^2 needs no product of single samples.
    noise_ = (jnp.mean(jnp.sum(x**2, axis=1) ** 2) - jnp.sum(s**2)) / n
    share = jnp.where(apart > 0, jnp.minimum(noise_, apart) / jnp.where(apart > 0, apart, 1), 1)
    return (share * mean * jnp.eye(p, dtype=x.dtype) + (1 - share) * s) * (n / dof)


def _towards_diagonal(x: Residuals, dof: float) -> Matrix:
    n = x.shape[0]
    s = x.T @ x / dof
    z = x / jnp.sqrt(jnp.diagonal(s))[None, :]
    r = z.T @ z / (n - 1)
    # Sums over pairs of different units: those over all pairs, less those of a unit with itself.
    fourth = (jnp.sum(jnp.sum(z**2, axis=1) ** 2) - jnp.sum(z**4)) / (n - 1)
    second = jnp.sum(r**2) - jnp.sum(jnp.diagonal(r) ** 2)
    spread = n / dof**2 * (fourth - second)
    share = jnp.clip(spread / jnp.where(second > 0, second, 1), 0, 1)
    diagonal = jnp.eye(x.shape[1], dtype=x.dtype)
    return s * (diagonal + (1 - share) * (1 - diagonal))


_SHRUNK = {
    "ledoit_wolf": _ledoit_wolf,
    "diagonal": _towards_diagonal,
    "variances": lambda x, dof: jnp.diag(jnp.sum(x**2, axis=0) / dof),
    "none": lambda x, dof: x.T @ x / dof,
}


def covariance(x: Residuals, dof: float, shrinkage: str) -> Matrix:
    """Covariance of residuals, shrunk.

    Parameters
    ----------
    x
        Residuals, of mean 0.
    dof
        Degrees of freedom: the number of samples, less that of the means that were subtracted.
    shrinkage
        As of `noise_precision`.
    """
    return _SHRUNK[shrinkage](x, dof)


def noise_precision(
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None = None,
    *,
    shrinkage: Shrinkage = "ledoit_wolf",
    variable: str | None = None,
) -> xr.Dataset:
    """Covariance and precision (its inverse) of the noise: of trials around their condition mean.

    `rdm` does this by itself; a precision of other data, such as a baseline, is passed to it.

    Parameters
    ----------
    activity
        Trials ``(trial, time, unit)``; each time of each trial is one residual.
    by
        Labels that make a condition; default: the conditions of the task, where a run knows them.
    shrinkage
        "ledoit_wolf": towards a multiple of the identity, by the amount that minimises the expected
        error. "diagonal": towards the variances of the units, likewise. "variances": the variances
        alone. "none": the covariance as it is, for many more trials than units.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset: ``covariance`` and ``precision`` (unit, unit_2), and the attribute ``dof``.

    Raises
    ------
    LabelError
        If there are no single trials, no condition has two, values are missing, or units were not
        recorded at the same time (attribute ``simultaneous`` 0) and are not taken one by one
        ("variances").
    ValueError
        If `shrinkage` is unknown, or the covariance cannot be inverted, because units do not vary
        or are more than residuals.

    References
    ----------
    Ledoit & Wolf (2004), J. Multivar. Anal. 88:365, section 3; Schaefer & Strimmer (2005), Stat.
    Appl. Genet. Mol. Biol. 4:32 ("diagonal").
    """
    array = pick(activity, variable)
    values = np.asarray(precision_of(array, by, shrinkage))
    if values.ndim > 2:
        raise LabelError(
            f"activity has dims {array.dims}: choose one entry of those beside trial, time, unit."
        )
    dims = ("unit", "unit_2")
    coords = coords_of(array, "unit")
    coords |= {f"{name}_2": ("unit_2", c.values) for name, c in coords.items()}
    units = str(array.attrs.get("units", "1"))
    inverse, about = f"1/({units})^2", "of the noise between units"
    return results(
        {
            "covariance": (dims, np.linalg.inv(values), f"({units})^2", f"covariance {about}"),
            "precision": (dims, values, inverse, f"precision {about}"),
        },
        coords,
        dims=["unit_2"],
        shrinkage=shrinkage,
    )


def precision_of(
    array: xr.DataArray, by: str | Sequence[str] | None, shrinkage: str
) -> Float[np.ndarray, "*batch unit unit"]:
    """Precision of the noise of trials, for each entry of the dims beside trial, time and unit."""
    if shrinkage not in _SHRUNK:
        raise ValueError(f"shrinkage must be one of {list(_SHRUNK)}, got {shrinkage!r}.")
    if "trial" not in array.dims:
        raise LabelError(
            "the covariance of the noise needs single trials, got condition means: pass trials, or "
            "noise=None, or a precision from `noise_precision`."
        )
    if shrinkage != "variances":
        refuse_apart(array, "the covariance of the noise", "take its 'variances' alone")
    checked(array)
    codes, _ = by_condition(array, by)
    n = int(codes.max()) + 1
    dof = len(codes) - n
    if dof < 1:
        raise LabelError("the covariance of the noise needs two trials of some condition.")
    x, batch = batched(array, "trial")
    residuals = (x - means_of(x, codes, n)[:, codes]).reshape(len(x), -1, x.shape[-1])
    _refuse_constant(array, residuals, shrinkage, dof * x.shape[2])
    with jax.enable_x64(True):
        found = np.asarray(_shrunk(residuals, float(dof * x.shape[2]), shrinkage))
    # Decompositions are left to NumPy, whose LAPACK is the faster one.
    return np.linalg.inv(found).reshape(*batch, *found.shape[1:])


def _refuse_constant(array, residuals: np.ndarray, shrinkage: str, dof: int) -> None:
    still = (residuals == 0).all(axis=(0, 1))
    if still.all() or (shrinkage != "ledoit_wolf" and still.any()):
        names = array["unit"].values[still][:12].tolist() if "unit" in array.coords else still.sum()
        raise ValueError(
            f"units {names} do not vary between trials, so that the covariance of their noise has "
            "no inverse: leave them out, or take shrinkage='ledoit_wolf'."
        )
    if shrinkage == "none" and dof < residuals.shape[-1]:
        raise ValueError(
            f"{residuals.shape[-1]} units have a covariance of {dof} degrees of freedom, which has "
            "no inverse: take more trials, or another shrinkage than 'none'."
        )


@functools.partial(jax.jit, static_argnames="shrinkage")
def _shrunk(residuals: Float[Array, "batch sample unit"], dof, shrinkage: str) -> Array:
    return jax.lax.map(lambda x: covariance(x, dof, shrinkage), residuals)


def whitening(
    array: xr.DataArray, by: str | Sequence[str] | None, times: Times, noise: Any
) -> np.ndarray | None:
    """A root of the precision of the noise, by which units are multiplied."""
    if noise is None:
        return None
    if isinstance(noise, str):
        of = over_times(array, "mean") if times == "mean" else array
        precision = precision_of(of, by, noise)
        if times == "each" and precision.ndim > 2:  # the times are a batch of their own
            precision = precision[..., None, :, :]
    else:
        precision = _given(array, noise)
    try:
        return np.linalg.cholesky(precision)
    except np.linalg.LinAlgError:
        raise ValueError(
            "the precision of the noise is not positive definite: shrink the covariance, or leave "
            "out units that do not vary."
        ) from None


def _given(array: xr.DataArray, noise: Any) -> np.ndarray:
    """A precision that was passed, in the order of the units."""
    if isinstance(noise, xr.Dataset):
        noise = noise["precision"]
    if not isinstance(noise, xr.DataArray) or set(noise.dims) != {"unit", "unit_2"}:
        raise LabelError(
            "noise must be the name of a shrinkage, None, or a precision with the dims unit and "
            f"unit_2, got {getattr(noise, 'dims', type(noise).__name__)}."
        )
    n = array.sizes["unit"]
    place = xr.DataArray(np.arange(noise.sizes["unit"]), coords_of(noise, "unit"), "unit")
    second = place.copy(data=place.values).drop_vars([c for c in place.coords if c != "unit"])
    if "unit_2" in noise.coords:
        second = second.assign_coords(unit=noise["unit_2"].values)
    units = xr.DataArray(np.arange(n), coords_of(array, "unit"), "unit")
    take = [pair(units, p, "unit", what=("activity", "noise"))[1].values for p in (place, second)]
    values = noise.transpose("unit", "unit_2").values.astype(np.float64)[np.ix_(*take)]
    if not np.allclose(values, values.T, rtol=1e-6, atol=1e-9 * np.abs(values).max()):
        raise ValueError("noise must be a symmetric precision matrix.")
    return (values + values.T) / 2


def whitened(x: np.ndarray, root: np.ndarray | None, batch: Batch) -> np.ndarray:
    """Patterns ``(batch, ..., time, unit)`` times the root of the precision of their noise."""
    if root is None:
        return x
    roots = np.broadcast_to(root, (*batch, *root.shape[-2:])).reshape(-1, *root.shape[-2:])
    return (x.reshape(len(x), -1, x.shape[-1]) @ roots).reshape(x.shape)
