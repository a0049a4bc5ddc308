"""Dimensionality of a population: participation ratio, number of components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.populations.pca import principal_axes
from neurodyn.analysis.populations.reproducible import (
    cross_validated_participation,
    unbiased_participation,
)
from neurodyn.analysis.shared.arrays import matrix, pick, samples
from neurodyn.analysis.shared.conditions import condition_means, noise, refuse_apart
from neurodyn.analysis.shared.moments import moments, streams
from neurodyn.analysis.shared.scaling import centred, normed, products
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.checks import number
from neurodyn.labels import LabelError
from neurodyn.labels.roles import chosen

Samples = Float[Array, "sample unit"]


@jax.jit
def _participation(x: Samples) -> Float[Array, ""]:
    x = normed(x)
    scatter = products(x, x) if x.shape[1] <= x.shape[0] else x @ x.T
    return jnp.trace(scatter) ** 2 / jnp.sum(scatter**2)


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


def participation_ratio(
    activity: xr.Dataset | xr.DataArray,
    *,
    covariance: Literal["signal", "noise", "total"] = "signal",
    by: str | Sequence[str] | None = None,
    cross_validated: bool = False,
    n_splits: int = 100,
    key: Any = 0,
    variable: str | None = None,
) -> xr.DataArray:
    """Participation ratio of labelled activity.

    Parameters
    ----------
    activity
        Dims ``(condition | trial, time, unit)``; or with a dim ``repetition`` of size 2 (two halves
        of the trials), which gives the cross-validated ratio of the signal.
    covariance
        "signal": of condition means, over conditions and times (trials are averaged by `by`).
        "noise": of trials around their condition's mean at each time. "total": of everything.
    by
        Labels of the trials that make a condition; default: the conditions of the task, where a run
        knows them.
    cross_validated
        Whether to estimate the ratio of the signal without the noise of single trials, which the
        plain ratio counts as dimensions; see `unbiased_participation`. It needs four trials of each
        condition.
    n_splits, key
        Random splits of the trials for it, and their seed or JAX key.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray. Attribute ``white_noise`` is the ratio of independent noise of equal variance
    at this number N of units and T of samples, about N T / (N + T): a ratio near it does not
    differ from noise.

    Raises
    ------
    LabelError
        If labels or values are missing, nothing says which labels make a condition, or the noise of
        units is asked for ("noise", or "total" of trials) that were not recorded at the same time
        (attribute ``simultaneous`` 0).

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, means are averaged in one pass
    ("signal"), and products of units summed chunk by chunk in one pass ("total") or after the means
    ("noise", two passes), in float64 and in the memory that `cka` states. The ratio differs by 1e-6
    from that in memory, which is computed in float32. ``cross_validated=True`` needs all trials at
    once, of which more than 1 GiB are refused.

    References
    ----------
    Gao et al. (2017), bioRxiv 214262 (definition); Recanatesi et al. (2022), PLOS Comput. Biol. 18,
    and Stringer et al. (2019), Nature 571:361 (cross-validated spectra).
    """
    array = pick(activity, variable, streams=True)
    by = _by(array, covariance, by)
    if "repetition" in array.dims:
        if covariance != "signal" or array.sizes["repetition"] != 2:
            raise LabelError(
                "a dim 'repetition' must hold two halves of the trials, for covariance='signal'; "
                f"got size {array.sizes['repetition']} and covariance={covariance!r}."
            )
        a, b = (samples(array.isel(repetition=i)) for i in (0, 1))
        value, n = cross_validated_participation(a, b), a.shape[0]
    elif cross_validated:
        if covariance != "signal":
            raise LabelError(
                f"cross_validated=True is about the signal, not about covariance={covariance!r}."
            )
        value, n = unbiased_participation(array, by, n_splits=n_splits, key=key)
    else:
        value, n = _ratio_of(activity_of(array, covariance, by))
    units = array.sizes["unit"]
    return xr.DataArray(
        float(value),
        attrs={
            "units": "1",
            "long_name": "participation ratio",
            "covariance": covariance,
            "by": ", ".join(by),
            "cross_validated": int(cross_validated or "repetition" in array.dims),
            "n_units": units,
            "n_samples": n,
            "white_noise": units * n / (units + n),
        },
    )


def _by(array: xr.DataArray, covariance: str, by: str | Sequence[str] | None) -> list[str]:
    """The labels that make a condition, where trials are averaged."""
    return [] if covariance == "total" or "trial" not in array.dims else chosen(array, by)


def _ratio_of(array: xr.DataArray) -> tuple[Any, int]:
    """The ratio, and the number of samples; of data in chunks by their sums of products."""
    if not streams(array):
        x = samples(array)
        return participation(x), x.shape[0]
    scatter, number = _scatter(array)
    return np.trace(scatter) ** 2 / np.sum(scatter**2), number


def _scatter(array: xr.DataArray) -> tuple[np.ndarray, int]:
    """Sums of products over their largest, and the number of samples, of data in chunks."""
    if "seed" in array.dims:
        samples(array)  # refuses it
    found = moments(array, names=("activity",))
    size = np.diag(found.scatter).max()
    if not size > 0:
        raise ValueError("x is the same in all samples: there is nothing to compare.")
    return found.scatter / size, found.number


def of_covariance(array: xr.DataArray, covariance: str, by) -> np.ndarray:
    """Samples of the chosen covariance."""
    return samples(activity_of(array, covariance, by))


def activity_of(array: xr.DataArray, covariance: str, by) -> xr.DataArray:
    """Activity of which the chosen covariance is; in chunks if the array is.

    Raises
    ------
    LabelError
        As `participation_ratio`.
    ValueError
        For an unknown covariance.
    """
    if covariance == "total":
        if "trial" in array.dims:  # it holds that of the noise
            refuse_apart(array, "covariance='total'", "take covariance='signal'")
        return array
    if covariance == "signal":
        return condition_means(array, by)
    if covariance == "noise":
        refuse_apart(array, "covariance='noise'", "take covariance='signal'")
        return noise(array, by)
    raise ValueError(f"covariance is 'signal', 'noise' or 'total', got {covariance!r}.")


@one_lapack_thread
def n_components(
    activity: xr.Dataset | xr.DataArray,
    fraction: float = 0.9,
    *,
    covariance: Literal["signal", "noise", "total"] = "signal",
    by: str | Sequence[str] | None = None,
    variable: str | None = None,
) -> xr.DataArray:
    """Number of principal components that hold a fraction of the variance.

    Parameters
    ----------
    activity, covariance, by, variable
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

    Notes
    -----
    Data in chunks are read as by `participation_ratio`.
    """
    number("fraction", fraction, above=0, high=1)
    array = pick(activity, variable, streams=True)
    by = _by(array, covariance, by)
    of = activity_of(array, covariance, by)
    if streams(of):
        count = int(components_for(_scatter(of)[0], fraction))
    else:
        held = np.asarray(_held(matrix(samples(of), what="activity")))
        # Rounding may leave the last sum just below 1.
        count = int(np.searchsorted(held, min(fraction, held[-1]))) + 1
    return xr.DataArray(
        count,
        attrs={
            "units": "1",
            "long_name": f"components for {fraction:.0%} of the variance",
            "fraction": float(fraction),
            "covariance": covariance,
            "by": ", ".join(by),
        },
    )


@one_lapack_thread
def components_for(covariance: ArrayLike, fraction: float = 0.9) -> np.ndarray:
    """Number of principal components that hold a fraction of the variance, out of covariances.

    Parameters
    ----------
    covariance
        Arrays ``(..., unit, unit)``.
    fraction
        Fraction of the variance.

    Returns
    -------
    Integers of shape ``(...)``; 0 where nothing varies. (The published counts of networks trained
    on N-parity are the index from 0 of the last of them: one less.)

    Raises
    ------
    ValueError
        If the arrays are no covariances, or the fraction is not between 0 and 1.

    Examples
    --------
    >>> int(components_for(np.diag([6.0, 3.5, 0.5])))
    2
    """
    number("fraction", fraction, above=0, high=1)
    matrices = np.asarray(covariance, np.float64)
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2] or not matrices.size:
        raise ValueError(f"covariances are (..., unit, unit), got shape {matrices.shape}.")
    if not np.isfinite(matrices).all():
        raise ValueError("the covariances hold NaN or infinite values.")
    variance = np.maximum(np.linalg.eigvalsh(matrices)[..., ::-1], 0)
    total = variance.sum(-1, keepdims=True)
    held = np.cumsum(variance, -1) / np.where(total > 0, total, 1)
    # Rounding may leave the last sum just below 1.
    reached = held >= np.minimum(fraction, held[..., -1:])
    return np.where(total[..., 0] > 0, reached.argmax(-1) + 1, 0)


@jax.jit
def _held(x: Samples) -> Float[Array, " component"]:
    variance, _ = principal_axes(centred(x))
    return jnp.cumsum(variance) / variance.sum()
