"""Prediction by partial least squares: along the axes that covary most with what is predicted.

The axes of all predicted units are found together. Each is the leading singular vector of the
covariance of predictors and predicted units that the axes before it leave, so that a few of them
predict where there are more predictors than samples. The sums of products are enough to find them
(Dayal & MacGregor 1997).
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from neurodyn.analysis.prediction.activity import predictor_pair
from neurodyn.analysis.prediction.fitted import Predictors, fitted_predictions, predictors
from neurodyn.analysis.shared.correlation import pearson
from neurodyn.analysis.shared.folds import fold_masks, n_folds_for
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key
from neurodyn.labels.only import takes

#: Components of benchmarks of models of the visual stream (Schrimpf et al. 2020).
N_COMPONENTS = 25

Activity = Float[Array, "condition time unit"]


@jax.custom_jvp
def _leading(a: Float[Array, "axis axis"]) -> Float[Array, " axis"]:
    """Eigenvector of the largest eigenvalue of a symmetric matrix."""
    return jnp.linalg.eigh(a)[1][:, -1]


@_leading.defjvp
def _leading_jvp(primals, tangents):
    # That of `eigh` divides by the differences of all eigenvalues, also where several are 0.
    (a,), (change,) = primals, tangents
    v = _leading(a)
    top = v @ a @ v
    top = jnp.where(top > 0, top, 1)
    along = change @ v
    gap = top * (jnp.eye(a.shape[0]) * (1 + 10 * jnp.finfo(a.dtype).eps) + jnp.outer(v, v)) - a
    return v, jnp.linalg.solve(gap, along - v * (v @ along))


def _weights(shared: Float[Array, "axis unit"]) -> Float[Array, " axis"]:
    """Leading left singular vector of the products of predictors and predicted units."""
    size = jax.lax.stop_gradient(jnp.abs(shared).max())
    shared = shared / jnp.where(size > 0, size, 1)
    if shared.shape[0] <= shared.shape[1]:
        return _leading(shared @ shared.T)
    w = shared @ _leading(shared.T @ shared)
    length = jnp.sqrt(jnp.where(size > 0, w @ w, 1))
    return w / length


def pls_path(
    products: Float[Array, "axis axis"], shared: Float[Array, "axis unit"], n_components: int
) -> Float[Array, "component axis unit"]:
    """Maps from predictors to predicted units, of 1, 2, ... components.

    Components beyond the rank of the data add nothing.
    """
    small = 10 * jnp.finfo(shared.dtype).eps
    whole, total = jnp.linalg.norm(shared), jnp.trace(products)

    def next_component(carry, i):
        left, rotations, loadings, map_so_far = carry
        w = _weights(left)
        r = w - rotations.T @ (loadings @ w)
        spread = products @ r
        variance = r @ spread
        found = (jnp.linalg.norm(left) > small * whole) & (variance > small * total * (r @ r))
        variance = jnp.where(found, variance, 1)
        loading = jnp.where(found, spread / variance, 0)
        effect = jnp.where(found, left.T @ r / variance, 0)
        left = left - variance * jnp.outer(loading, effect)
        rotations = rotations.at[i].set(jnp.where(found, r, 0))
        loadings = loadings.at[i].set(loading)
        map_so_far = map_so_far + jnp.outer(rotations[i], effect)
        return (left, rotations, loadings, map_so_far), map_so_far

    empty = jnp.zeros((n_components, shared.shape[0]), shared.dtype)
    start = (shared, empty, empty, jnp.zeros_like(shared))
    return jax.lax.scan(next_component, start, jnp.arange(n_components))[1]


def pls_side(x: Activity, held_out: Bool[Array, "fold condition"]) -> Predictors:
    """Prepare the predictors, for `pls_score`."""
    return predictors(x, held_out)


def pls_score(
    side: Predictors, y: Activity, n_components: int = N_COMPONENTS
) -> Float[Array, " unit"]:
    """Held-out correlation of each unit of `y`, from prepared predictors."""
    n = min(n_components, side.x.shape[2])
    return pearson(fitted_predictions(side, y, partial(pls_path, n_components=n)), y)


@partial(jax.jit, static_argnames="n_components")
def _pls_r(x, y, held_out, n_components):
    return pls_score(pls_side(x, held_out), y, n_components)


@takes(x=["unit"], y=["unit"])
@one_lapack_thread
def pls_r(
    x: ArrayLike | xr.DataArray,
    y: ArrayLike | xr.DataArray,
    *,
    n_components: int = N_COMPONENTS,
    n_folds: int | None = None,
    key=0,
) -> Float[Array, " unit"]:
    """Correlation of each unit with its prediction by partial least squares in held-out conditions.

    Parameters
    ----------
    x
        Predicting population ``(condition, time, unit)``.
    y
        Predicted population ``(condition, time, unit)``: the same conditions and times. Its units
        share the components, so that units of high variance count for more.
    n_components
        Number of components, at most; those beyond the rank of `x` add nothing. The default is
        that of benchmarks of models of the visual stream.
    n_folds
        Folds over conditions; default 10, or one a condition where there are fewer.
    key
        Seed or JAX key of the folds.

    Returns
    -------
    Array ``(unit,)``, NaN for units of `y` that are constant.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, there are too few conditions, or
        `n_components` is below 1.

    References
    ----------
    Wold, Sjostrom & Eriksson (2001), Chemom. Intell. Lab. Syst. 58:109; Dayal & MacGregor (1997),
    J. Chemom. 11:73 (the algorithm); Schrimpf et al. (2020), Neuron 108:413 (its use as a score).
    """
    if n_components < 1:
        raise ValueError(f"n_components must be 1 at least, got {n_components}.")
    x, y = predictor_pair(x, y)
    held_out = fold_masks(as_key(key), x.shape[0], n_folds_for(x.shape[0], n_folds))
    return _pls_r(x, y, held_out, n_components)
