"""How many dimensions a population uses: participation ratio, components, principal axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.arrays import centred, matrix, pair, pick, samples
from neurodyn.analysis.conditions import condition_means, noise
from neurodyn.labels import LabelError

__all__ = [
    "cross_validated_participation",
    "n_components",
    "participation",
    "participation_ratio",
    "pca",
    "principal_axes",
]

Samples = Float[Array, "sample unit"]


def principal_axes(
    x: Samples,
) -> tuple[Float[Array, " component"], Float[Array, "unit component"]]:
    """Eigenvalues of ``x'x``, largest first, and their unit axes, of centred samples.

    Solved over units or samples, whichever are fewer (an axis without variance is then 0).
    """
    if x.shape[1] <= x.shape[0]:
        values, axes = jnp.linalg.eigh(x.T @ x)
        return jnp.maximum(values[::-1], 0), axes[:, ::-1]
    values, scores = jnp.linalg.eigh(x @ x.T)
    values, scores = jnp.maximum(values[::-1], 0), scores[:, ::-1]
    present = values > values[0] * x.shape[1] * jnp.finfo(x.dtype).eps
    inverse = jnp.where(present, 1 / jnp.sqrt(jnp.where(present, values, 1)), 0)
    return values, (x.T @ scores) * inverse[None, :]


@jax.jit
def _participation(x: Samples) -> Float[Array, ""]:
    x = centred(x)
    scatter = x.T @ x if x.shape[1] <= x.shape[0] else x @ x.T
    return jnp.trace(scatter) ** 2 / jnp.sum(scatter**2)


@jax.jit
def _cross_participation(a: Samples, b: Samples) -> Float[Array, ""]:
    a, b = centred(a), centred(b)
    if a.shape[1] <= a.shape[0]:
        cross = a.T @ b
        return jnp.trace(cross) ** 2 / jnp.sum(cross * cross.T)
    ab = a @ b.T
    return jnp.trace(ab) ** 2 / jnp.sum(ab * ab.T)


def participation(x: ArrayLike) -> Float[Array, ""]:
    r"""Participation ratio of samples, :math:`(\sum\lambda)^2 / \sum\lambda^2`.

    :math:`\lambda` are the eigenvalues of the covariance. Computed from its trace and norm, so it
    can be differentiated everywhere.

    Parameters
    ----------
    x
        Array ``(sample, unit)``.

    Returns
    -------
    Scalar between 1 and the number of units.

    Raises
    ------
    ValueError
        If `x` is not a finite matrix or does not vary.

    Examples
    --------
    >>> import numpy as np
    >>> float(participation(np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])))
    2.0
    """
    return _participation(matrix(x))


def cross_validated_participation(a: ArrayLike, b: ArrayLike) -> Float[Array, ""]:
    r"""Participation ratio of what two repetitions share.

    With :math:`C = A'B` of two halves of the trials, :math:`(\mathrm{tr}\,C)^2 / \mathrm{tr}(CC)`.
    Noise that is independent between the halves and between units does not enter the expectation of
    ``tr(CC)`` but for its diagonal terms; the plain ratio counts it as dimensions.

    Parameters
    ----------
    a, b
        Arrays ``(sample, unit)``: the same samples and units, independent trials.

    Returns
    -------
    Scalar; where the halves share little it is noisy and may leave the range 1 to the number of
    units.

    Raises
    ------
    ValueError
        As for `participation`, or if shapes differ.
    """
    a, b = pair(a, b)
    if a.shape != b.shape:
        raise ValueError(f"both halves need the same units, got {a.shape} and {b.shape}.")
    return _cross_participation(a, b)


def participation_ratio(
    data: xr.Dataset | xr.DataArray,
    *,
    covariance: Literal["signal", "noise", "total"] = "signal",
    by: str | Sequence[str] | None = None,
    variable: str | None = None,
) -> xr.DataArray:
    """Participation ratio of labelled activity.

    Parameters
    ----------
    data
        Dims ``(condition | trial, time, unit)``; or with a dim ``repetition`` of size 2 (two halves
        of the trials), which gives the cross-validated ratio of the signal.
    covariance
        "signal": of condition means, over conditions and times (trials are averaged by `by`).
        "noise": of trials around their condition's mean at each time. "total": of everything.
    by
        Labels of the trials that make a condition.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray. Attribute ``white_noise`` is what independent noise of equal variance would
    give at this number N of units and T of samples, about N T / (N + T): a ratio near it says
    nothing about the population.

    Raises
    ------
    LabelError
        If labels or values are missing, or trials are given without `by`.

    References
    ----------
    Gao et al. (2017), bioRxiv 214262 (definition); Recanatesi et al. (2022), PLOS Comput. Biol. 18,
    and Stringer et al. (2019), Nature 571:361 (cross-validated spectra).
    """
    array = pick(data, variable)
    if "repetition" in array.dims:
        if covariance != "signal" or array.sizes["repetition"] != 2:
            raise LabelError(
                "a dim 'repetition' must hold two halves of the trials, for covariance='signal'; "
                f"got size {array.sizes['repetition']} and covariance={covariance!r}."
            )
        a, b = (samples(array.isel(repetition=i)) for i in (0, 1))
        value, n = cross_validated_participation(a, b), a.shape[0]
    else:
        x = _of_covariance(array, covariance, by)
        value, n = participation(x), x.shape[0]
    units = array.sizes["unit"]
    return xr.DataArray(
        float(value),
        attrs={
            "units": "1",
            "long_name": "participation ratio",
            "covariance": covariance,
            "cross_validated": int("repetition" in array.dims),
            "n_units": units,
            "n_samples": n,
            "white_noise": units * n / (units + n),
        },
    )


def _of_covariance(array: xr.DataArray, covariance: str, by) -> Samples:
    """Samples whose covariance is asked for."""
    if covariance == "total":
        return samples(array)
    if covariance == "signal":
        return samples(condition_means(array, by))
    if covariance == "noise":
        return samples(noise(array, by))
    raise ValueError(f"covariance is 'signal', 'noise' or 'total', got {covariance!r}.")


def n_components(
    data: xr.Dataset | xr.DataArray,
    fraction: float = 0.9,
    *,
    covariance: Literal["signal", "noise", "total"] = "signal",
    by: str | Sequence[str] | None = None,
    variable: str | None = None,
) -> xr.DataArray:
    """Number of principal components that hold a fraction of the variance.

    Parameters
    ----------
    data, covariance, by, variable
        As for `participation_ratio`.
    fraction
        Fraction of the variance.

    Returns
    -------
    Scalar integer DataArray.

    Raises
    ------
    LabelError
        As for `participation_ratio`.
    ValueError
        If the fraction is not between 0 and 1.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must be above 0 and at most 1, got {fraction}.")
    x = matrix(np.asarray(_of_covariance(pick(data, variable), covariance, by)), what="data")
    held = np.asarray(_held(x))
    # Rounding may leave the last sum just below 1.
    count = int(np.searchsorted(held, min(fraction, held[-1]))) + 1
    return xr.DataArray(
        count,
        attrs={
            "units": "1",
            "long_name": f"components for {fraction:.0%} of the variance",
            "fraction": float(fraction),
            "covariance": covariance,
        },
    )


@jax.jit
def _held(x: Samples) -> Float[Array, " component"]:
    variance, _ = principal_axes(centred(x))
    return jnp.cumsum(variance) / variance.sum()


@jax.jit
def _pca(x: Samples):
    variance, axes = principal_axes(centred(x))
    # Signs are arbitrary: the largest loading of each axis is positive.
    largest = jnp.take_along_axis(axes, jnp.abs(axes).argmax(axis=0)[None, :], axis=0)
    axes = axes * jnp.where(largest < 0, -1, 1).astype(axes.dtype)
    return variance / (x.shape[0] - 1), variance / variance.sum(), axes, centred(x) @ axes


def pca(
    data: xr.Dataset | xr.DataArray, n_components: int = 3, *, variable: str | None = None
) -> xr.Dataset:
    """Principal components of activity and its trajectories in them.

    Parameters
    ----------
    data
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
    array = pick(data, variable)
    x = matrix(np.asarray(samples(array)), what="data")
    if not 1 <= n_components <= min(x.shape):
        raise ValueError(
            f"n_components must be between 1 and {min(x.shape)} for {x.shape[0]} samples of "
            f"{x.shape[1]} units, got {n_components}."
        )
    variance, explained, axes, scores = (np.asarray(v)[..., :n_components] for v in _pca(x))
    units = array.attrs.get("units", "1")
    dims = (*[str(d) for d in array.dims if d != "unit"], "component")
    shape = [array.sizes[d] for d in dims[:-1]]
    return xr.Dataset(
        {
            "scores": (
                dims,
                scores.reshape(*shape, n_components),
                {"units": units, "long_name": "principal component scores"},
            ),
            "loadings": (
                ("unit", "component"),
                axes,
                {"units": "1", "long_name": "principal axes"},
            ),
            "variance": (
                "component",
                variance,
                {"units": f"{units}^2", "long_name": "variance along the axis"},
            ),
            "explained": (
                "component",
                explained,
                {"units": "1", "long_name": "fraction of the variance"},
            ),
            "mean": ("unit", np.asarray(x).mean(0), {"units": units, "long_name": "mean"}),
        },
        coords={"component": np.arange(n_components), **array.coords},
        attrs={"source": "analysis", "kind": "statistic"},
    )
