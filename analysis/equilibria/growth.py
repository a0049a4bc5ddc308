"""Transient growth of linear dynamics."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.equilibria.jacobians import jacobians_of


def transient_growth(linear: xr.Dataset, times: Any) -> xr.Dataset:
    r"""How much perturbations grow at most, over time, and in which direction.

    A perturbation :math:`p` of a flow becomes :math:`e^{J t} p`, one of a map :math:`J^t p`. The
    norm of that matrix is the largest growth of any perturbation of length 1.

    Parameters
    ----------
    linear
        Result of :func:`linearise`, :func:`fixed_points` or :func:`local_linear`, with Jacobians J.
    times
        Times after the perturbation that are tried, increasing from 0 or later [ms]; of maps whole
        steps. The maximum is the largest of these: take them close to each other.

    Returns
    -------
    Dataset on the dims of the points (here ``...``) and the times as ``lag``:

    ``growth`` (lag, ...)
        Largest factor by which a perturbation has grown.
    ``largest`` (...), ``when`` (...)
        Its maximum over the times, and the time of it [ms, or steps]. A maximum of 1 at time 0
        says that nothing grows; one at the last time that it may grow further.
    ``optimal`` (..., unit), ``response`` (..., unit)
        The perturbation, of length 1, that has grown most at that time, and what it has become, as
        a direction of length 1. The largest entry of the perturbation is positive, because the
        sign is arbitrary. NaN where the maximum is at time 0, because no direction is better then.

    Raises
    ------
    TypeError, LabelError
        If `linear` has no Jacobians, or they are not finite.
    ValueError
        If times do not increase, are negative or not finite, or are no whole steps of a map.

    References
    ----------
    Trefethen & Embree, Spectra and Pseudospectra, 2005. Hennequin, Vogels & Gerstner, "Optimal
    control of transient dynamics in balanced networks", Neuron 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> W = np.array([[0, 10], [0, 0]], "float32")  # unit 0 drives unit 1
    >>> model = models.CTRNN(1, 2, 1, tau=10.0, W=W, key=0)
    >>> linear = analysis.linearise(model, np.zeros(2))
    >>> found = analysis.transient_growth(linear, np.arange(0.0, 50.0, 0.1))
    >>> float(found["largest"].round(2)), float(found["when"].round(1))
    (3.72, 9.8)
    """
    stack = jacobians_of(linear)
    lags = _checked(times, stack.is_map)
    with jax.enable_x64(True):
        found = jax.tree.map(np.asarray, _growth(jnp.asarray(stack.matrix), lags, stack.is_map))
    growth, best, into, out = found
    into, out = (np.where(lags[best][:, None] > 0, a, np.nan) for a in (into, out))
    D, unit = stack.dim, stack.time_unit
    return stack.labelled(
        {
            "growth": (("lag",), growth, "1", "largest growth of a perturbation"),
            "largest": ((), growth.max(1), "1", "largest growth over time"),
            "when": ((), lags[best], unit, "time of the largest growth"),
            "optimal": ((D,), into, "1", "perturbation that grows most"),
            "response": ((D,), out, "1", "direction of its response"),
        },
        {"lag": xr.Variable("lag", lags, {"units": unit, "long_name": "time after it"})},
    )


def _checked(times: Any, is_map: bool) -> Float[np.ndarray, " lag"]:
    lags = np.atleast_1d(np.asarray(times, np.float64))
    if lags.ndim != 1 or not len(lags) or not np.isfinite(lags).all() or lags[0] < 0:
        raise ValueError("times must be finite numbers of at least 0, as one axis.")
    if (np.diff(lags) <= 0).any():
        raise ValueError("times must increase: sort them, and leave out those given twice.")
    if is_map and (lags != lags.round()).any():
        raise ValueError(
            "times of a map are whole steps, for example np.arange(50); divide times in ms by the "
            "step."
        )
    return lags


def _growth(
    J: Float[Array, "point d d"], lags: Float[np.ndarray, " lag"], is_map: bool
) -> tuple[Array, Array, Array, Array]:
    """Growth at each lag, the number of the best one, and its directions in and out."""
    steps = np.diff(lags, prepend=0.0)
    sizes, which = np.unique(steps, return_inverse=True)
    if is_map:
        over = jnp.stack([jnp.linalg.matrix_power(J, int(n)) for n in sizes], 1)
    else:
        over = jnp.stack([jax.vmap(jax.scipy.linalg.expm)(J * size) for size in sizes], 1)
    return _propagated(over, jnp.asarray(which))


@jax.jit
def _propagated(
    over: Float[Array, "point size d d"], which: Array
) -> tuple[Array, Array, Array, Array]:
    """The products of steps of some sizes, one after the other, without keeping them."""

    def one(over):
        start = jnp.eye(over.shape[-1])

        def step(carry, k):
            now, best, largest, at = carry
            now = over[which[k]] @ now
            size = jnp.linalg.norm(now, 2)
            better = size > largest
            best = jnp.where(better, now, best)
            return (now, best, jnp.maximum(size, largest), jnp.where(better, k, at)), size

        begin = (start, start, jnp.asarray(-jnp.inf), jnp.asarray(0))
        (_, best, _, at), growth = jax.lax.scan(step, begin, jnp.arange(len(which)))
        left, _, right = jnp.linalg.svd(best)
        into, out = right[0], left[:, 0]
        sign = jnp.where(into[jnp.abs(into).argmax()] < 0, -1.0, 1.0)
        return growth, at, sign * into, sign * out

    return jax.lax.map(one, over, batch_size=16)
