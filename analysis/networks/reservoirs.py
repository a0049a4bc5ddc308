"""Readouts in closed form, and the memory capacity of a reservoir."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.arrays import in_order
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import plain_number, whole
from neurodyn.common.random import as_key
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.labels.only import takes
from neurodyn.system import AbstractSystem

#: Penalties that are tried, relative to the mean variance of a unit.
PENALTIES = np.logspace(-10, 2, 13)
#: Share of the samples, at the end, on which the penalty is chosen.
HELD_OUT = 0.2


@takes(states=["unit"], targets=["output"])
def ridge_readout(
    states: xr.DataArray | np.ndarray | jax.Array,
    targets: xr.DataArray | np.ndarray | jax.Array,
    *,
    penalty: float | None = None,
) -> xr.Dataset:
    """The linear readout with the least squared error, in closed form.

    Parameters
    ----------
    states
        States to read out, ``(..., unit)``: an array, or a labelled variable of a run.
    targets
        Outputs that are wanted, ``(..., output)``, with the same other dims: where both are
        labelled, matched by their labels; an array is in the order of the labels of the other.
    penalty
        Ridge penalty on the weights, relative to the mean variance of a unit (times the number of
        samples); None: the one with the least error on the last fifth of the samples, fitted to
        the others.

    Returns
    -------
    xr.Dataset
        ``weights`` ``(unit, output)``, ``bias`` ``(output,)`` and ``penalty``. The bias is not
        penalised.

    Raises
    ------
    ValueError
        If shapes do not fit, or values are not finite.

    References
    ----------
    Jaeger, GMD Report 148, 2001; Lukosevicius & Jaeger, Comput. Sci. Rev. 2009.
    """
    coords = {}
    for dim, side in (("unit", states), ("output", targets)):
        if isinstance(side, xr.DataArray) and dim in side.coords:
            coords[dim] = side[dim].values
    states, targets = _same_samples(states, targets)
    x, y = _samples("states", states, "unit"), _samples("targets", targets, "output")
    if len(x) != len(y):
        raise ValueError(
            f"`states` and `targets` must agree but for their last dim, got {np.shape(states)} "
            f"and {np.shape(targets)}."
        )
    if penalty is None:
        if len(x) < 10:
            raise ValueError(f"{len(x)} samples are too few to choose a penalty: pass `penalty=`.")
        penalty = _choose(x, y)
    chosen = plain_number("penalty", penalty, low=0)
    weights, bias = _ridge(x, y, [chosen])[0]
    variables = {
        "weights": (("unit", "output"), weights, "1", "readout weights", "weight"),
        "bias": (("output",), bias, "1", "bias of the readout", "weight"),
        "penalty": ((), chosen, "1", "ridge penalty, relative to the variance of a unit"),
    }
    return results(variables, coords, kind=None)


def memory_capacity(
    system: AbstractSystem | Any,
    *,
    n_lags: int,
    n_steps: int = 5000,
    discard: int = 500,
    penalty: float = 0.0,
    dt: float = 1.0,
    variable: str = "rate",
    key: Any,
) -> xr.Dataset:
    r"""Short-term memory capacity: how well the past input can be read out of the state.

    The input is independent and uniform in [-1, 1]. For each lag a linear readout of the input that
    many steps ago is fitted to the first half of the samples; its squared correlation with that
    input on the second half is the capacity at the lag.

    Parameters
    ----------
    system
        Any system with one input.
    n_lags
        Number of lags, from 0 (the input of the latest step) on.
    n_steps, discard
        Samples that are used, and steps before them.
    penalty
        Of the readouts, as in :func:`ridge_readout`.
    dt
        Step [ms].
    variable
        Variable that is read out.
    key
        Seed or key of the input and of the run.

    Returns
    -------
    xr.Dataset
        ``capacity`` ``(lag,)`` and their sum ``total``, which for independent input is at most the
        number of units. Published sums often begin at lag 1.

    Raises
    ------
    ValueError
        If the system has not one input, or there are fewer samples than units in a half.

    References
    ----------
    Jaeger, "Short term memory in echo state networks", GMD Report 152, 2001.
    """
    whole("n_lags", n_lags)
    whole("discard", discard, n_lags - 1)
    if system.n_inputs != 1:
        raise ValueError(f"Memory capacity is of one input; the system has {system.n_inputs}.")
    k_input, k_run = jax.random.split(as_key(key, needed_for="Memory capacity"))
    u = jax.random.uniform(k_input, (discard + n_steps, 1), minval=-1.0, maxval=1.0)
    run = integrate(system, u, dt=dt, key=k_run, save=Save((variable,), outputs=None))
    x = np.asarray(run.variables[variable], np.float64)[discard:]
    half = n_steps // 2
    if x.ndim != 2 or half <= x.shape[1]:
        raise ValueError(
            f"`n_steps` must be more than twice the {x.shape[-1]} units, got {n_steps}."
        )
    steps = np.arange(discard, discard + n_steps)
    past = np.asarray(u[:, 0], np.float64)[steps[:, None] - np.arange(n_lags)[None, :]]
    weights, bias = _ridge(x[:half], past[:half], [plain_number("penalty", penalty, low=0)])[0]
    capacity = _squared_correlation(x[half:] @ weights + bias, past[half:])
    variables = {
        "capacity": (("lag",), capacity, "1", "memory capacity"),
        "total": ((), capacity.sum(), "1", "total memory capacity"),
    }
    lag = {"lag": np.arange(n_lags) * float(dt)}
    return results(variables, lag, kind=None, n_units=x.shape[1], n_steps=n_steps)


def _same_samples(states: Any, targets: Any) -> tuple[Any, Any]:
    """Labelled samples matched by their labels, and in the order of these."""
    if not (isinstance(states, xr.DataArray) and isinstance(targets, xr.DataArray)):
        return in_order(states, "unit", "states"), in_order(targets, "output", "targets")
    dims = [str(d) for d in states.dims if d != "unit"]
    if unknown := set(targets.dims) - {*dims, "output"}:
        raise labels.LabelError(f"`targets` has dims {sorted(map(str, unknown))} that states lack.")
    states, targets = labels.pair(states, targets, dims, what=("states", "targets"))
    ordered = [dim for dim in dims if dim in states.indexes]
    targets = targets.transpose(*dims, ..., "output")
    return states.transpose(*dims, "unit").sortby(ordered), targets.sortby(ordered)


def _samples(name: str, values: Any, last: str) -> np.ndarray:
    if isinstance(values, xr.DataArray):
        if last not in values.dims:
            raise ValueError(f"`{name}` must have the dim {last!r}, got {values.dims}.")
        values = values.transpose(..., last)
    given = np.asarray(values)
    if given.ndim < 2 or given.dtype.kind not in "iuf":
        raise ValueError(f"`{name}` must be numbers (..., {last}), got shape {given.shape}.")
    if not np.isfinite(given).all():
        raise ValueError(f"`{name}` holds NaN or infinite values.")
    return given.reshape(-1, given.shape[-1]).astype(np.float64)


def _ridge(x: np.ndarray, y: np.ndarray, penalties: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and bias for each penalty, from one eigendecomposition."""
    means = x.mean(0), y.mean(0)
    x, y = x - means[0], y - means[1]
    values, vectors = np.linalg.eigh(x.T @ x)
    rotated = vectors.T @ (x.T @ y)
    scale = values.mean()
    fits = []
    for penalty in penalties:
        # Directions whose variance is zero up to rounding are left out, whatever the penalty.
        load = np.maximum(values, 0) + penalty * scale
        keep = (load > np.finfo(float).eps * len(values) * values.max()) & (load > 0)
        inverse = np.where(keep, 1 / np.where(keep, load, 1), 0)
        weights = vectors @ (inverse[:, None] * rotated)
        fits.append((weights, means[1] - means[0] @ weights))
    return fits


def _choose(x: np.ndarray, y: np.ndarray) -> float:
    first = round(len(x) * (1 - HELD_OUT))
    errors = [
        np.square(x[first:] @ weights + bias - y[first:]).sum()
        for weights, bias in _ridge(x[:first], y[:first], PENALTIES)
    ]
    return float(PENALTIES[int(np.argmin(errors))])


def _squared_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a - a.mean(0), b - b.mean(0)
    both = np.square((a * b).sum(0))
    size = (a**2).sum(0) * (b**2).sum(0)
    return np.divide(both, size, out=np.zeros_like(both), where=size > 0)
