"""Intrinsic timescales: exponential fits to autocorrelations."""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neurodyn.analysis.shared.results import coords_of, table
from neurodyn.analysis.timescales.autocorrelation import autocorrelation
from neurodyn.analysis.timescales.exponentials import golden_section
from neurodyn.engine.units import unit_coord
from neurodyn.labels import LabelError, clock
from neurodyn.labels.only import takes
from neurodyn.params import with_values
from neurodyn.system import AbstractSystem

#: Outcome of a fit, by its code.
STATUS = ("ok", "undefined", "no decay", "at bound")
#: Time constants tried before refinement, per fit.
GRID = 128


def effective_tau(model: xr.Dataset | xr.DataArray | AbstractSystem) -> xr.DataArray:
    """Time constants of the units of a model.

    Parameters
    ----------
    model
        A run with the coordinate ``tau`` [ms] on ``unit`` (or on ``seed`` and ``unit``), or the
        model itself.

    Returns
    -------
    DataArray ``tau`` [ms] with the labels of the units.

    Raises
    ------
    LabelError
        If there is no such coordinate or it is not in ms.
    """
    if isinstance(model, AbstractSystem):
        units = {"tau": "ms"}
        columns = with_values(model).unit_coords()
        own = {n: unit_coord(v, units.get(n, "1")) for n, v in columns.items()}
        coords = {n: (dim, x, {"units": unit}) for n, (dim, x, unit) in own.items()}
        model = xr.Dataset(coords={n: c for n, c in coords.items() if c[0] == "unit"})
        model = model.assign_coords(unit=np.arange(model.sizes.get("unit", 0)))
    known = model.variables if isinstance(model, xr.Dataset) else model.coords
    if "tau" not in known or "unit" not in model["tau"].dims:
        raise LabelError(
            "there is no 'tau' on 'unit': the run of a model with time constants has it; of "
            "recorded activity use timescale."
        )
    tau = model["tau"].drop_vars("tau", errors="ignore").rename("tau")
    if tau.attrs.get("units", "ms") != "ms":
        raise LabelError(f"tau must be in ms, got {tau.attrs['units']!r}.")
    return tau.assign_attrs(units="ms", long_name="time constant")


class Fit(NamedTuple):
    """Least-squares fit of ``amplitude * (exp(-lag / tau) + offset)``."""

    tau: Float[Array, ""]
    amplitude: Float[Array, ""]
    offset: Float[Array, ""]
    r2: Float[Array, ""]
    status: Int[Array, ""]


def _linear_part(log_tau, lags, r, weight, amplitude: bool, offset: bool):
    """Amplitude, constant and summed square error of the best fit at one time constant."""
    decay = jnp.exp(-lags / jnp.exp(log_tau))
    n = weight.sum()
    e_mean, r_mean = (((v * weight).sum() / n if offset else 0 * n) for v in (decay, r))
    e, target = (decay - e_mean) * weight, (r - r_mean) * weight
    scale = jnp.maximum((e * target).sum() / (e**2).sum(), 0) if amplitude else jnp.ones_like(n)
    return scale, r_mean - scale * e_mean, ((target - scale * e) ** 2).sum()


def _fit(lags, r, start, bounds, amplitude: bool, offset: bool) -> Fit:
    """Fit one unit from lag index `start` on."""
    weight = (jnp.arange(lags.size) >= start).astype(r.dtype)

    def error(log_tau):
        return _linear_part(log_tau, lags, r, weight, amplitude, offset)[2]

    grid = jnp.linspace(jnp.log(bounds[0]), jnp.log(bounds[1]), GRID)
    best = jnp.argmin(jax.vmap(error)(grid))
    inner = jnp.clip(best, 1, GRID - 2)
    log_tau = golden_section(error, grid[inner - 1], grid[inner + 1])
    scale, constant, residual = _linear_part(log_tau, lags, r, weight, amplitude, offset)
    mean = (r * weight).sum() / weight.sum()
    total = (((r - mean) * weight) ** 2).sum()
    rises = (start >= lags.size) | (scale <= 0)
    few = weight.sum() <= 1 + amplitude + offset
    status = jnp.select([jnp.isnan(r).any(), rises, few, best != inner], [1, 2, 1, 3], 0)
    values = jnp.stack([jnp.exp(log_tau), scale, constant / scale, 1 - residual / total])
    values = jnp.where(status == 0, values, jnp.nan)
    return Fit(values[0], values[1], values[2], values[3], status)


@partial(jax.jit, static_argnames=("amplitude", "offset"))
def _fit_units(lags, r, start, bounds, amplitude: bool, offset: bool) -> Fit:
    one = partial(_fit, amplitude=amplitude, offset=offset)
    return jax.vmap(one, in_axes=(None, 1, 0, None))(lags, r, start, bounds)


@takes(acf=["lag"])
def fit_exponential(
    acf: xr.DataArray,
    *,
    first_lag: float | None = None,
    amplitude: bool = True,
    offset: bool = True,
) -> xr.Dataset:
    r"""Fit :math:`A\,[\exp(-k/\tau) + B]` to autocorrelations, all units at once.

    A and B follow from tau by linear least squares, so that the search runs over tau alone and
    finds the global minimum.

    Parameters
    ----------
    acf
        Autocorrelation with dims ``(lag, unit)``, as from `autocorrelation`.
    first_lag
        First lag to fit, in the units of ``lag``. Default, for each unit: the first lag above 0
        after which the autocorrelation falls, which skips refractoriness and the noise at lag 0.
    amplitude
        Whether A is fitted; else 1.
    offset
        Whether B is fitted; else 0.

    Returns
    -------
    Dataset on ``unit``: ``tau`` in the units of ``lag``, ``amplitude`` A, ``offset`` B, ``r2``, and
    ``status``: "ok"; "undefined" (NaN in the autocorrelation, or fewer lags than parameters); "no
    decay"; "at bound" (tau shorter than a quarter of a step or longer than ten times the longest
    lag). All but ``status`` are NaN unless it is "ok".

    Raises
    ------
    LabelError
        If `acf` has other dims.
    ValueError
        If `first_lag` is beyond the last lag.

    References
    ----------
    Murray et al. (2014), Nat. Neurosci. 17:1661, equation 1.

    Examples
    --------
    >>> lag = np.arange(0.0, 500.0, 10.0)
    >>> acf = xr.DataArray(
    ...     0.8 * np.exp(-lag / 100.0)[:, None] + 0.1, coords={"lag": lag}, dims=("lag", "unit")
    ... )
    >>> round(float(fit_exponential(acf)["tau"][0]), 1)
    100.0
    """
    if not isinstance(acf, xr.DataArray) or set(acf.dims) != {"lag", "unit"}:
        raise LabelError("fit_exponential takes a DataArray (lag, unit), see autocorrelation.")
    acf = acf.transpose("lag", "unit")
    lags, _, unit = clock(acf, dim="lag", what="acf", even=False)
    r = acf.values
    if lags.size < 3:
        raise ValueError(f"a fit needs three lags at least, got {lags.size}.")
    step = float(np.diff(lags).min())
    if first_lag is None:
        falls = (np.diff(r, axis=0) < 0) & (lags[:-1] > 0)[:, None]
        start = np.where(falls.any(axis=0), falls.argmax(axis=0), lags.size)
    else:
        if not first_lag <= lags[-1]:
            raise ValueError(f"first_lag={first_lag} is beyond the last lag, {lags[-1]:g}.")
        start = np.full(r.shape[1], np.searchsorted(lags, first_lag - 1e-6 * step))
    dtype = jnp.result_type(float)
    # Each curve on its own scale, because squares of small ones leave the range of float32.
    size = np.nan_to_num(np.abs(r)).max(axis=0) if amplitude else np.ones(r.shape[1])
    size = np.where(size > 0, size, 1)
    fit = _fit_units(
        jnp.asarray(lags / step, dtype),
        jnp.asarray(r / size, dtype),
        jnp.asarray(start),
        jnp.asarray([0.25, 10 * lags[-1] / step], dtype),
        amplitude,
        offset,
    )
    tau, amplitudes, offsets, r2, status = map(np.asarray, fit)
    tau, amplitudes = tau * dtype.type(step), amplitudes * size.astype(dtype)
    variables = {
        "tau": ("unit", tau, unit, "intrinsic timescale"),
        "amplitude": ("unit", amplitudes, "1", "amplitude of the decay"),
        "offset": ("unit", offsets, "1", "offset of the decay, in units of its amplitude"),
        "r2": ("unit", r2, "1", "explained variance of the fit"),
        "status": ("unit", np.array(STATUS)[status], "1", "outcome of the fit"),
    }
    return table(variables, coords_of(acf, "unit", without=["tau"]))


def timescale(
    activity: xr.Dataset | xr.DataArray,
    max_lag: float | None = None,
    *,
    across: Literal["trials", "all", "time"] = "trials",
    first_lag: float | None = None,
    amplitude: bool = True,
    offset: bool = True,
    variable: str | None = None,
) -> xr.Dataset:
    """Intrinsic timescale of each unit: `autocorrelation`, then `fit_exponential`.

    Compare model and recording by the same estimator on windows of the same length: its bias
    depends on them.

    Parameters
    ----------
    activity, max_lag, across, variable
        As for `autocorrelation`.
    first_lag, amplitude, offset
        As for `fit_exponential`.

    Returns
    -------
    Dataset as from `fit_exponential`.

    Raises
    ------
    LabelError, ValueError
        As for both.

    References
    ----------
    Murray et al. (2014), Nat. Neurosci. 17:1661.
    """
    acf = autocorrelation(activity, max_lag, across=across, variable=variable)
    return fit_exponential(acf, first_lag=first_lag, amplitude=amplitude, offset=offset)
