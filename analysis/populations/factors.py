"""Factor analysis: variance that units share, and variance of each unit alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.populations.dimensionality import of_covariance
from neurodyn.analysis.shared.arrays import pick
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.scaling import standardised
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError, ordered
from neurodyn.labels.roles import chosen

Samples = Float[np.ndarray, "sample unit"]
#: Share of the shared variance that the counted factors hold (Williamson et al. 2016).
_HELD = 0.95


@one_lapack_thread
def factor_analysis(
    activity: xr.Dataset | xr.DataArray,
    n_factors: int | None = None,
    *,
    covariance: Literal["signal", "noise", "total"] = "noise",
    by: str | Sequence[str] | None = None,
    max_factors: int = 10,
    n_folds: int = 4,
    key: Any = 0,
    variable: str | None = None,
) -> xr.Dataset:
    """Split the covariance of units into a shared part of few factors and a private part.

    The model is ``x = mean + L z + e`` with standard normal factors z and independent noise e of a
    variance of its own for each unit, fitted by maximum likelihood (scikit-learn). In contrast to
    principal components, noise of single units, such as that of spike counts, is no factor.

    Parameters
    ----------
    activity
        Dims ``(trial | condition, time, unit)``, such as spike counts in one window.
    n_factors
        Number of factors. Default: the one with the highest likelihood of held-out trials.
    covariance
        "noise" (default): of trials around the mean of their condition at each time. "signal": of
        condition means. "total": of everything.
    by
        Labels of the trials that make a condition; default: the conditions of the task, where a run
        knows them.
    max_factors
        Most factors that are tried.
    n_folds
        Folds of the cross-validation; all times of a trial are held out together.
    key
        Seed or JAX key of the folds.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset: ``loadings`` (unit, component), the shared axes by decreasing shared variance (largest
    entry positive); ``private_variance`` and ``shared`` (unit), the variance of each unit alone and
    the share that it has in common; ``explained`` (component), the part of each in the shared
    variance; ``shared_variance``, the mean of `shared`; ``n_shared``, the components that hold 95 %
    of the shared variance; ``scores`` (trial, time, component), means of z given x; and, if the
    number was chosen, ``log_likelihood`` (n_factors) [nat per held-out sample] of 0 to
    `max_factors`.

    Raises
    ------
    LabelError
        If labels or values are missing, units do not vary, or their noise is asked for and they
        were not recorded at the same time (attribute ``simultaneous`` 0).
    ValueError
        If there are too few units, samples or trials for the factors or folds.

    References
    ----------
    Rubin & Thayer (1982), Psychometrika 47:69; Williamson et al. (2016), PLOS Comput. Biol.
    12:e1005141 (number of factors and shared variance of populations).
    """
    array = pick(activity, variable)
    single = "trial" in array.dims
    # Folds depend on the order of the trials, so that it must not be that of the data.
    given = array
    if single and "trial" in array.indexes:
        array = array.sortby("trial")
    by = chosen(array, by) if single and covariance != "total" else []
    x = np.asarray(of_covariance(array, covariance, by), np.float64)
    n_rows = x.shape[0] // (array.sizes.get("time", 1))
    scaled, spread = _scaled(x, array)
    most = min(scaled.shape) - 1
    if n_factors is not None and whole("n_factors", n_factors) > most:
        raise ValueError(
            f"n_factors must be at most {most} for {x.shape[0]} samples of {x.shape[1]} units, got "
            f"{n_factors}."
        )
    variables: dict[str, tuple] = {}
    coords: dict[str, Any] = {}
    if n_factors is None:
        tried = min(whole("max_factors", max_factors), most)
        likelihood = _held_out(scaled, n_rows, tried, whole("n_folds", n_folds), key)
        # In units of the data, because densities depend on them.
        likelihood = likelihood - np.log(spread).sum()
        n_factors = int(np.argmax(likelihood))
        text = "log-likelihood of a held-out sample"
        variables["log_likelihood"] = (("n_factors",), likelihood, "nat", text)
        coords["n_factors"] = np.arange(tried + 1)
    loadings, private, scores = _fitted(scaled, n_factors)
    shared = (loadings**2).sum(1)
    explained = (loadings**2).sum(0)
    total = explained.sum()
    explained = explained / total if total > 0 else explained
    n_shared = int(np.searchsorted(np.cumsum(explained), _HELD) + 1) if n_factors else 0
    units = str(array.attrs.get("units", "1"))
    share = shared / (shared + private)
    variables |= {
        "loadings": (("unit", "component"), loadings * spread[:, None], units, "loadings"),
        "private_variance": (("unit",), private * spread**2, f"{units}^2", "private variance"),
        "shared": (("unit",), share, "1", "share of the variance that is shared"),
        "explained": (("component",), explained, "1", "part of the shared variance"),
        "shared_variance": ((), share.mean(), "1", "mean share of the variance that is shared"),
        "n_shared": ((), min(n_shared, n_factors), "1", "factors of 95 % of the shared variance"),
    }
    if covariance != "signal" or not single:
        of = ordered([str(d) for d in array.dims if d != "unit"])
        shape = [array.sizes[d] for d in of]
        named = (*of, "component")
        variables["scores"] = (named, scores.reshape(*shape, n_factors), "1", "factors")
        coords |= {n: c for d in of for n, c in coords_of(array, d).items()}
    if not n_factors:
        variables = {n: v for n, v in variables.items() if "component" not in v[0]}
    coords |= coords_of(array, "unit")
    found = results(
        variables,
        coords,
        dims=["n_factors"] if "n_factors" in coords else (),
        covariance=covariance,
        by=", ".join(by),
        n_factors=n_factors,
        n_samples=x.shape[0],
        n_units=x.shape[1],
    )
    back = "trial" in found.indexes and "trial" in given.indexes
    return found.sel(trial=given["trial"].values) if back else found


def _scaled(x: Samples, array: xr.DataArray) -> tuple[Samples, Float[np.ndarray, " unit"]]:
    """Units of mean 0 and variance 1, and their standard deviations."""
    even = standardised(x, 0)
    within = even.std(0)
    if not (within > 0).all():
        names = array["unit"].values[within == 0] if "unit" in array.coords else within == 0
        raise LabelError(
            f"{int((within == 0).sum())} units do not vary ({list(names)[:12]}): leave them out "
            "(.isel), because nothing can be shared with them."
        )
    even = even / within
    size = np.abs(x - x.mean(0)).max(0)
    return even, size / np.abs(even).max(0)


def _fitted(x: Samples, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loadings on the axes of the shared covariance, private variances, and factors."""
    if n == 0:
        return np.zeros((x.shape[1], 0)), np.ones(x.shape[1]), np.zeros((x.shape[0], 0))
    fit = _model(x, n)
    u, s, v = np.linalg.svd(fit.components_.T, full_matrices=False)
    sign = np.sign(u[np.abs(u).argmax(0), np.arange(n)])
    return u * s * sign, fit.noise_variance_, fit.transform(x) @ (v.T * sign)


def _model(x: Samples, n: int) -> Any:
    from sklearn.decomposition import FactorAnalysis

    # The exact decomposition, so that no random numbers are drawn.
    return FactorAnalysis(n, svd_method="lapack", tol=1e-4, max_iter=3000).fit(x)


def _held_out(x: Samples, n_rows: int, most: int, n_folds: int, key: Any) -> np.ndarray:
    """Mean log-likelihood of the samples of held-out rows, for each number of factors."""
    if not 2 <= n_folds <= n_rows:
        raise ValueError(f"n_folds must be between 2 and {n_rows} trials, got {n_folds}.")
    fold = generator(key, needed_for="Folds").permutation(np.arange(n_rows) % n_folds)
    fold = np.repeat(fold, x.shape[0] // n_rows)
    found = np.zeros(most + 1)
    for out in range(n_folds):
        train, test = x[fold != out], x[fold == out]
        if len(train) <= most:
            raise ValueError(
                f"{len(train)} training samples are too few for {most} factors: lower max_factors."
            )
        variance, mean = train.var(0), train.mean(0)
        if not (variance > 0).all():
            raise ValueError("a unit does not vary in the training trials: leave it out.")
        alone = -0.5 * (np.log(2 * np.pi * variance) + (test - mean) ** 2 / variance).sum(1)
        found[0] += alone.sum()
        for n in range(1, most + 1):
            found[n] += _model(train, n).score_samples(test).sum()
    return found / len(x)
