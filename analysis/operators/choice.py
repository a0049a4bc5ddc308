"""Delays and rank of a linear operator, by how well it predicts held-out activity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from neurodyn.analysis.operators.fit import Embedded, errors_of, fitted, operator_of
from neurodyn.analysis.operators.prepared import (
    embedded,
    folds_of,
    held_out,
    information,
    most_of,
    relative,
    settings,
    without,
)
from neurodyn.analysis.operators.series import read
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import whole
from neurodyn.labels import horizons


def choose_delays(
    activity: xr.Dataset | xr.DataArray | ArrayLike,
    n_delays: Sequence[int] = (1, 2, 4, 8),
    ranks: Sequence[int] = (2, 4, 8, 16, 32),
    delay_interval: int = 1,
    *,
    ridge: float = 0.0,
    inputs: xr.DataArray | ArrayLike | None = None,
    input_lag: int = 0,
    offset: str = "mean",
    n_steps: int = 10,
    n_folds: int = 5,
    dt: float | None = None,
    variable: str | None = None,
) -> xr.Dataset:
    """Error of linear operators on held-out trials, for each number of delays and each rank.

    All are fitted to the same samples, those with enough past for the most delays, and predict the
    same ones, so that their errors compare. One step ahead is easy to predict if activity is
    smooth; whether an operator holds the dynamics shows several steps ahead.

    Parameters
    ----------
    activity, delay_interval, ridge, inputs, input_lag, offset, n_steps, n_folds, dt, variable
        As of :func:`linear_operator`.
    n_delays
        Numbers of delays to try.
    ranks
        Ranks to try. Those above the dimensions or steps that data allow are NaN.

    Returns
    -------
    Dataset with

    ``prediction_error`` (delays, rank, horizon), ``persistence_error`` (horizon)
        Squared error of held-out trials, 1 to `n_steps` steps ahead, as a fraction of their
        variance; and that of predicting no change.
    ``aic`` (delays, rank, horizon)
        Akaike's criterion per predicted value, of all trials (:func:`linear_operator`).
    ``mean_error`` (delays, rank)
        Mean of ``prediction_error`` over horizons.
    ``best_n_delays``, ``best_rank``
        The pair with the smallest mean error, of equal ones the smallest.

    The coordinate ``window`` (delays) is the time that the samples put together span [ms].

    Raises
    ------
    LabelError, ValueError
        As of :func:`linear_operator`, and if no rank is possible.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> t, start = np.arange(80) / 4, np.arange(6.0)
    >>> seen = np.cos(t + start[:, None])[..., None]  # one coordinate of a rotation
    >>> found = analysis.choose_delays(seen, [1, 2], [1, 2])
    >>> int(found["best_n_delays"]), int(found["best_rank"])
    (2, 2)
    """
    counts, ranks = _grid("n_delays", n_delays), _grid("ranks", ranks)
    n_steps, lag = whole("n_steps", n_steps), whole("input_lag", input_lag, 0)
    how = settings(counts[-1], delay_interval, ridge, offset)
    series = read(activity, dt=dt, variable=variable)
    longest = embedded(series, how, inputs, lag)
    shape = len(counts), len(ranks), n_steps
    error, aic = np.full(shape, np.nan), np.full(shape, np.nan)
    for i, count in enumerate(counts):
        one = how._replace(n_delays=count)
        data = _trimmed(embedded(series, one, inputs, lag), longest)
        pieces, folds = folds_of(data, series.order, n_folds, how.past)
        most = min(most_of(data), *(most_of(without(pieces, fold)) for fold in folds))
        possible = [rank for rank in ranks if rank <= most]
        if not possible:
            continue
        tested = held_out(pieces, folds, possible, one, series.values.shape[2], n_steps)
        fit = fitted(data, offset, max(possible))
        for j, errors in enumerate(tested):
            error[i, j], still = relative(errors)
            operator = operator_of(fit, ranks[j], one.ridge)
            aic[i, j] = information(
                errors_of(operator, data, series.values.shape[2], n_steps), operator
            )
    mean = error.mean(-1)
    if not np.isfinite(mean).any():
        raise ValueError(
            f"no rank of {ranks} can be fitted and tested {n_steps} steps ahead: data have too few "
            "dimensions or samples."
        )
    best = np.unravel_index(np.nanargmin(np.round(mean, 12)), mean.shape)
    found = _variables(error, still, aic, mean)
    found["best_n_delays"] = ((), counts[best[0]], "1", "number of delays with the least error")
    found["best_rank"] = ((), ranks[best[1]], "1", "rank with the least error")
    window = (np.array(counts) - 1) * how.delay_interval * series.step
    coords: dict[str, Any] = {
        "delays": ("delays", counts, "1", "number of samples put together"),
        "window": ("delays", window, series.unit, "time that they span"),
        "rank": ("rank", ranks, "1", "rank"),
        **horizons(n_steps, series.step, series.unit),
    }
    about: dict[str, Any] = {
        "delay_interval": how.delay_interval,
        "ridge": how.ridge,
        "offset": offset,
    }
    return results(found, coords, dims=["delays", "rank"], **about)


def _variables(error: Any, still: Any, aic: Any, mean: Any) -> dict[str, tuple]:
    dims = ("delays", "rank")
    text = "error of held-out predictions, fraction of the variance"
    return {
        "prediction_error": ((*dims, "horizon"), error, "1", text),
        "persistence_error": ("horizon", still, "1", "error of predicting no change"),
        "aic": ((*dims, "horizon"), aic, "1", "AIC per predicted value"),
        "mean_error": (dims, mean, "1", f"mean {text}"),
    }


def _grid(name: str, values: Sequence[int]) -> list[int]:
    found = sorted({whole(name, value) for value in np.ravel(np.asarray(values)).tolist()})
    if not found:
        raise ValueError(f"`{name}` holds no numbers to try.")
    return found


def _trimmed(data: Embedded, longest: Embedded) -> Embedded:
    """The samples that are also complete with the most delays."""
    late = data.samples.shape[1] - longest.samples.shape[1]
    u = None if data.inputs is None else data.inputs[:, late:]
    return Embedded(data.samples[:, late:], data.complete[:, late:] & longest.complete, u)
