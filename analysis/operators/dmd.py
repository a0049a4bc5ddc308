"""The linear operator that carries activity from one step to the next (DMD, HAVOK, DMDc)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from neurodyn.analysis.equilibria.modes import MAY_BE_INFINITE, modes_of, value_variables
from neurodyn.analysis.operators.fit import Embedded, Operator, errors_of, fitted, operator_of
from neurodyn.analysis.operators.prepared import (
    Settings,
    embedded,
    explained_rank,
    folds_of,
    held_out,
    information,
    most_of,
    relative,
    settings,
)
from neurodyn.analysis.operators.series import Series, read
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.common.checks import whole
from neurodyn.labels import horizons


def linear_operator(
    activity: xr.Dataset | xr.DataArray | ArrayLike,
    n_delays: int = 1,
    delay_interval: int = 1,
    rank: int | None = None,
    ridge: float = 0.0,
    *,
    inputs: xr.DataArray | ArrayLike | None = None,
    input_lag: int = 0,
    offset: str = "mean",
    n_steps: int = 10,
    n_folds: int = 5,
    dt: float | None = None,
    variable: str | None = None,
) -> xr.Dataset:
    r"""Fit a linear map from each sample of activity, with its past, to the next.

    Samples are put together with `n_delays - 1` earlier ones and written along their principal
    axes, scaled to one size (the right singular vectors V of the embedded data, as in HAVOK). A
    regression finds :math:`v_{t+1} = A v_t`, or :math:`v_{t+1} = A v_t + B u_{t+1}` if inputs are
    known (DMD with control). Eigenvalues of A are growth rates and frequencies.

    Parameters
    ----------
    activity
        ``(trial | condition, time, unit)`` on an even clock, or a single trial; an array
        ``(trial, time, unit)`` or ``(time, unit)``. Trials may end at different times, and samples
        may be missing (NaN): a step counts if it is complete. Units must be recorded together.
    n_delays, delay_interval
        Samples put together, and steps between them; see :func:`choose_delays`.
    rank
        Number of coordinates. Default: as many as hold 99 % of the variance.
    ridge
        Penalty, in units in which each coordinate has a sum of squares of 1.
    inputs
        Inputs ``(trial | condition, time, input)`` or ``(time, input)``, matched by labels.
    input_lag
        0: the input with the label of a sample acted in the step that led to it, as in runs of the
        library. 1: the input acted in the step after it, :math:`v_{t+1} = A v_t + B u_t`.
    offset
        "mean": the mean of all samples (and inputs) is subtracted. "fitted": a constant is fitted
        besides, which is exact for a system with an offset and short trials. "none": the activity
        is taken as it is, as dsa-metric does.
    n_steps
        Predictions are tested up to this many steps ahead.
    n_folds
        Folds of the test: every fifth trial, in the order of labels, is predicted from the others.
        A single trial is cut into this many pieces. At most the number of trials.
    dt
        Step of an array [ms]; without it rates are per step.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset with

    ``eigenvalue_real``, ``eigenvalue_imag`` (mode)
        Eigenvalues of A, the slowest decaying (or fastest growing) first.
    ``growth_rate``, ``timescale``, ``frequency`` (mode)
        :math:`\log|\lambda| / dt` [1/ms], its inverse size [ms], and :math:`\arg\lambda / 2\pi dt`
        [Hz].
    ``operator`` (origin, component), ``input_operator`` (input, component)
        A and B: entry (i, j) is the effect of coordinate (or input) i on coordinate j.
    ``transition`` (delay, presynaptic, unit), ``input_effect`` (unit, input)
        The same from unit to unit: what the next sample of a unit takes from the past of all.
    ``loadings`` (delay, unit, component), ``explained`` (component)
        Principal axes of the embedded samples, and their fractions of the variance.
    ``prediction_error``, ``persistence_error`` (horizon)
        Squared error on held-out trials, 1 to `n_steps` steps ahead, as a fraction of the variance;
        and that of predicting no change.
    ``aic`` (horizon)
        Akaike's criterion per predicted value, of all trials: log of the mean squared error [units
        of the activity squared] plus twice the number of parameters over the number of values.

    Raises
    ------
    LabelError
        If times are uneven, trials too short for the delays, or nothing varies.
    ValueError
        If `rank` is higher than data allow, or options are unknown.

    References
    ----------
    Schmid (2010), J. Fluid Mech. 656:5 (DMD). Brunton et al. (2017), Nat. Commun. 8:19 (HAVOK).
    Proctor, Brunton & Kutz (2016), SIAM J. Appl. Dyn. Syst. 15:142 (control).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> t = np.arange(100) * 5.0
    >>> x = np.exp(-t / 200)[:, None] * np.stack([np.cos(t / 25), np.sin(t / 25)], axis=1)
    >>> found = analysis.linear_operator(x, offset="none", dt=5.0, n_folds=2)
    >>> found["timescale"].values.round(1), found["frequency"].values.round(3)
    (array([200., 200.]), array([6.366, 6.366]))
    """
    how = settings(n_delays, delay_interval, ridge, offset)
    n_steps, lag = whole("n_steps", n_steps), whole("input_lag", input_lag, 0)
    series = read(activity, dt=dt, variable=variable)
    data = embedded(series, how, inputs, lag)
    fit = fitted(data, offset, most_of(data))
    most = int((fit.basis.size > 0).sum())
    rank = explained_rank(fit.basis) if rank is None else whole("rank", rank, 1, most)
    operator = operator_of(fit, rank, how.ridge)
    n_units = series.values.shape[2]
    pieces, folds = folds_of(data, series.order, n_folds, how.past)
    errors = held_out(pieces, folds, [rank], how, n_units, n_steps)[0]
    inside = errors_of(operator, data, n_units, n_steps)
    share = fit.basis.size**2 / (fit.basis.size**2).sum()
    found = _variables(series, how, operator, share[:rank], data)
    fraction, still = relative(errors)
    text = "error of held-out predictions, fraction of the variance"
    found["prediction_error"] = ("horizon", fraction, "1", text)
    found["persistence_error"] = ("horizon", still, "1", "error of predicting no change")
    found["aic"] = ("horizon", information(inside, operator), "1", "AIC per predicted value")
    coords = _coords(series, how) | horizons(n_steps, series.step, series.unit)
    if isinstance(inputs, xr.DataArray):
        coords |= coords_of(inputs, "input")
    about = {"rank": rank, **how._asdict(), "dt": series.step}
    # Without any error the information criterion has no lower bound.
    infinite = (*MAY_BE_INFINITE, "aic")
    return results(found, coords, dims=["delay", "mode"], infinite=infinite, **about)


def _variables(
    series: Series, how: Settings, operator: Operator, share: np.ndarray, data: Embedded
) -> dict[str, tuple]:
    n, basis = series.values.shape[2], operator.basis
    values = modes_of(operator.A.T[None], True).values[0]
    inward = np.divide(1, basis.size, np.zeros_like(basis.size), where=basis.size > 0)
    outward = (basis.axes * basis.size[:, None])[:, :n]
    transition = (basis.axes.T * inward) @ operator.A @ outward
    found = {
        "operator": (("origin", "component"), operator.A, "1", "operator in whitened coordinates"),
        **value_variables(values, series.step, series.unit, ("mode",)),
        "loadings": (
            ("delay", "unit", "component"),
            basis.axes.T.reshape(how.n_delays, n, -1),
            "1",
            "axes of the embedded samples",
        ),
        "explained": ("component", share, "1", "fraction of the variance"),
        "transition": (
            ("delay", "presynaptic", "unit"),
            transition.reshape(how.n_delays, n, n),
            "1",
            "effect of a past sample on the next",
        ),
    }
    if data.inputs is not None:
        long = "effect of an input"
        found["input_operator"] = (
            ("input", "component"),
            operator.B,
            "1",
            f"{long} on coordinates",
        )
        found["input_effect"] = (
            ("unit", "input"),
            (operator.B @ outward).T,
            "1",
            f"{long} on units",
        )
    return found


def _coords(series: Series, how: Settings) -> dict[str, Any]:
    units = coords_of(series.array, "unit")
    late = np.arange(how.n_delays) * how.delay_interval * series.step
    coords: dict[str, Any] = dict(units)
    if "unit" in units:
        coords["presynaptic"] = ("presynaptic", series.array["unit"].values)
    coords["delay"] = ("delay", late, series.unit, "time before the latest sample")
    return coords
