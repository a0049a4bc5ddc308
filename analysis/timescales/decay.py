"""One or two exponentials fitted to autocorrelations, and the choice between the two."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.analysis.shared.results import coords_of, table
from neurodyn.analysis.timescales.exponentials import SHORTEST, Decay, fit_units
from neurodyn.labels import LabelError, clock
from neurodyn.labels.only import takes

#: Outcome of a fit, by its code.
STATUS = ("ok", "undefined", "no decay", "at shortest", "at longest")


@takes(acf=["lag"])
def fit_exponentials(
    acf: xr.DataArray,
    *,
    max_lag: float | None = None,
    first_lag: float = 0.0,
    longest: float | None = None,
    least_share: float = 0.0,
) -> xr.Dataset:
    r"""Fit one and two decaying exponentials, and choose by Akaike's information criterion.

    .. math:: a e^{-k/\tau}
        \qquad\text{or}\qquad a\,[c e^{-k/\tau_1} + (1 - c) e^{-k/\tau_2}]

    with a and c in [0, 1] and time constants up to `longest`. Amplitudes follow from the time
    constants by linear least squares inside their bounds, so the search runs over time constants
    alone: a grid, then refinement from the best of it. All units at once.

    Parameters
    ----------
    acf
        Autocorrelation with dims ``(lag, unit)``, 1 at lag 0; lags at equal steps.
    max_lag, first_lag
        Lags that are fitted, both ends included, in the units of ``lag``. Short windows bias less,
        since autocorrelations of finite runs are noisy at long lags (Zeraati et al. 2022).
    longest
        Bound of the time constants; default ten times the longest lag that is fitted.
    least_share
        Two exponentials are chosen only where the smaller one has at least this share of the
        amplitude. 0, as published, leaves it to the criterion, which takes errors at neighbouring
        lags for independent. They are not, so it often adds a faint, very slow second exponential
        to a process that has one; a share of 0.05 to 0.1 keeps means free of those.

    Returns
    -------
    Dataset on ``unit``, times in the units of ``lag``: ``tau``, the time constant of the better
    model (the longer one of two); ``n_exponentials``, 1 or 2; ``r2``; ``aic_single``,
    ``aic_double`` (:math:`2 k + n \ln(\mathrm{RSS}/n)`); ``tau_single``, ``amplitude_single``; on
    ``component``, fast before slow, ``tau_double`` and ``amplitude_double``; ``status``: "ok";
    "undefined" (NaN in the autocorrelation); "no decay" (amplitude 0); "at longest" (tau as long as
    allowed); "at shortest" (too short to be seen at this step). Numbers are NaN where it is
    "undefined" or "no decay"; values at a bound are kept.

    Raises
    ------
    LabelError
        If `acf` has other dims, or lags are not equally spaced.
    ValueError
        If fewer than six lags are left to fit, or `longest` is not longer than a step.

    References
    ----------
    Khajehabdollahi, Zeraati et al. (2024), ICLR (models, bounds, criterion); Zeraati, Engel &
    Levina (2022), Nat. Comput. Sci. 2:193 (bias of direct fits).

    Examples
    --------
    >>> lag = np.arange(31.0)
    >>> curves = np.stack([np.exp(-lag / 4), 0.6 * np.exp(-lag) + 0.4 * np.exp(-lag / 12)], -1)
    >>> acf = xr.DataArray(curves, coords={"lag": lag}, dims=("lag", "unit"))
    >>> fit_exponentials(acf)["tau"].values.round(1)
    array([ 4., 12.], dtype=float32)
    """
    if not isinstance(acf, xr.DataArray) or set(acf.dims) != {"lag", "unit"}:
        raise LabelError("fit_exponentials takes a DataArray (lag, unit), see autocorrelation.")
    acf = acf.transpose("lag", "unit")
    lags, step, unit = clock(acf, dim="lag", what="acf")
    last = lags[-1] if max_lag is None else float(max_lag)
    chosen = (lags >= first_lag - 1e-6 * step) & (lags <= last + 1e-6 * step)
    if chosen.sum() < 6:
        raise ValueError(
            f"two exponentials need six lags at least, but from first_lag={first_lag:g} to "
            f"max_lag={last:g} there are {chosen.sum()}: fit a wider window, or one exponential "
            "(fit_exponential)."
        )
    longest = 10 * float(lags[chosen][-1]) if longest is None else float(longest)
    if not 0 <= least_share <= 0.5:
        raise ValueError(f"`least_share` must lie in [0, 0.5], got {least_share}.")
    if not longest > step:
        raise ValueError(f"`longest` must exceed the step of the lags, {step:g}, got {longest:g}.")
    dtype = jnp.result_type(float)
    fit = fit_units(
        jnp.asarray(lags[chosen] / step, dtype),
        jnp.asarray(acf.values[chosen], dtype),
        jnp.asarray([SHORTEST, longest / step], dtype),
        jnp.asarray(least_share, dtype),
    )
    return _labelled(fit, acf, step, unit)


def _labelled(fit: Decay, acf: xr.DataArray, step: float, unit: str) -> xr.Dataset:
    status = np.array(STATUS)[np.asarray(fit.status)]
    known = (np.asarray(fit.status) != 1) & (np.asarray(fit.status) != 2)

    def of(values, units, long_name, factor=1.0):
        values = np.asarray(values)
        dims = ("unit", "component")[: values.ndim]
        values = np.where(known if values.ndim == 1 else known[:, None], values * factor, np.nan)
        return dims, values.astype(np.asarray(fit.tau).dtype), units, long_name

    count = np.where(known, np.asarray(fit.n_exponentials), 0)
    variables = {
        "tau": of(fit.tau, unit, "intrinsic timescale", step),
        "n_exponentials": ("unit", count, "1", "exponentials chosen"),
        "r2": of(fit.r2, "1", "explained variance of the chosen fit"),
        "aic_single": of(fit.aic[:, 0], "1", "Akaike's criterion of one exponential"),
        "aic_double": of(fit.aic[:, 1], "1", "Akaike's criterion of two exponentials"),
        "tau_single": of(fit.tau_single, unit, "time constant of one exponential", step),
        "amplitude_single": of(fit.amplitude_single, "1", "amplitude of one exponential"),
        "tau_double": of(fit.tau_double, unit, "time constants of two exponentials", step),
        "amplitude_double": of(fit.amplitude_double, "1", "amplitudes of two exponentials"),
        "status": ("unit", status, "1", "outcome of the fit"),
    }
    component = {"component": ["fast", "slow"]}
    return table(variables, coords_of(acf, "unit", without=["tau"]) | component)


def timescale_summary(fit: xr.Dataset, above: float = 1.0) -> xr.Dataset:
    """Timescales of a population in a few numbers.

    Parameters
    ----------
    fit
        As from `fit_exponentials`, `fit_exponential` or `timescale`.
    above
        Threshold, in the units of ``tau``: for networks of discrete steps most units have a
        timescale below one step, and published means are over those above it.

    Returns
    -------
    Dataset of scalars: ``n_units``, ``fraction_above``, ``mean_above``, ``sd_above``,
    ``median_above``, ``mean_all``, ``fraction_double``, ``fraction_at_longest`` (of those above,
    they alone pull the mean), ``fraction_failed``; fractions are of all units, standard deviations
    those of the population (ddof 0).

    Raises
    ------
    LabelError
        If there is no `tau` on ``unit``, or no unit.
    """
    labelled = hasattr(fit, "data_vars") and "tau" in fit
    if not labelled or fit["tau"].dims != ("unit",) or not fit.sizes["unit"]:
        raise LabelError(
            "timescale_summary takes the result of network_timescale, timescale, fit_exponentials "
            f"or fit_exponential, with 'tau' of one unit at least, got a {type(fit).__name__}."
        )
    tau = fit["tau"].values.astype(np.float64)
    unit = str(fit["tau"].attrs.get("units", "1"))
    slow, good = tau[tau > above], tau[np.isfinite(tau)]
    known = fit["status"].values if "status" in fit else np.full(tau.size, "ok")
    at_longest = (known == "at longest").mean()
    double = fit["n_exponentials"].values == 2 if "n_exponentials" in fit else np.zeros(tau.size)

    def over(function, values):
        return float(function(values)) if values.size else float("nan")

    rows: dict[str, tuple] = {
        "n_units": (tau.size, "1", "number of units"),
        "fraction_above": (slow.size / tau.size, "1", f"fraction of units above {above:g} {unit}"),
        "mean_above": (over(np.mean, slow), unit, "mean of the units above"),
        "sd_above": (over(np.std, slow), unit, "standard deviation of the units above"),
        "median_above": (over(np.median, slow), unit, "median of the units above"),
        "mean_all": (over(np.mean, good), unit, "mean of all units"),
        "fraction_double": (double.mean(), "1", "fraction of units with two exponentials"),
        "fraction_at_longest": (at_longest, "1", "fraction as long as the fit allows"),
        "fraction_failed": (1 - good.size / tau.size, "1", "fraction without a timescale"),
    }
    return table({name: ((), *row) for name, row in rows.items()}, above=float(above))
