"""Ridge autoregression: the linear baseline of forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.reconstructions.forecast import as_sequences
from neurodyn.common.checks import check_whole

#: Penalties that are tried, relative to the mean variance of the predictors.
PENALTIES = np.logspace(-6, 2, 17)


def ridge_forecast(
    train: Any,
    observed: Any,
    *,
    n_horizons: int,
    n_lags: int = 10,
    penalty: float | None = None,
    dt: float | None = None,
) -> xr.Dataset:
    """Predict by linear regression on the last samples, one regression for each horizon.

    Parameters
    ----------
    train
        Sequences to learn from, ``(trial, time, output)``: an array, a labelled array with the dims
        `trial`, `time` and one more in any order, or a Dataset with ``targets``.
    observed
        Sequences to predict, given in the same ways; their labels are kept. Outputs of `train` are
        matched by their labels.
    n_horizons
        How many steps ahead.
    n_lags
        Samples that are used; before the start of a sequence its first sample is repeated.
    penalty
        Ridge penalty, relative to the mean variance of the predictors; None: for each horizon that
        with the smallest error when each training sequence is predicted from the others (with a
        single one: the first half from the second and the other way round).
    dt
        Step [ms]; None: that of `time`, 1 where there are no labels.

    Returns
    -------
    xr.Dataset
        ``prediction`` ``(trial, time, horizon, output)``, as of :func:`forecast`, and ``penalty``
        ``(horizon,)``.

    Raises
    ------
    ValueError
        If sequences do not fit each other, or are too short for the horizons.
    """
    known, seen = as_sequences(train, dt, name="train"), as_sequences(observed, dt)
    n, m = known.values.shape[2], seen.values.shape[2]
    if n != m:
        raise ValueError(f"`train` has {n} outputs, `observed` has {m}.")
    of, own, what = _by_output(seen), _by_output(known), ("observed", "train")
    own = labels.pair_channels(of, own, "output", "output", positions=True, what=what)
    x, new = (np.asarray(a.values, np.float64) for a in (own, seen))
    # Compare the clocks only where both sides are labelled.
    clocks = all(isinstance(data, (xr.DataArray, xr.Dataset)) for data in (train, observed))
    if clocks and (known.unit != seen.unit or not np.isclose(known.dt, seen.dt, rtol=1e-6)):
        raise ValueError(
            f"`train` has steps of {known.dt:g} {known.unit}, `observed` of {seen.dt:g} "
            f"{seen.unit} (1: steps without physical time)."
        )
    check_whole(1, n_horizons=n_horizons, n_lags=n_lags)
    if penalty is not None and not float(penalty) >= 0:
        raise ValueError(f"`penalty` must be a number >= 0, got {penalty!r}.")
    if x.shape[1] <= n_horizons + 1:
        raise ValueError(
            f"Sequences of {x.shape[1]} steps are too short for a horizon of {n_horizons}."
        )
    x = x[_by_label(known)]
    past, ahead = _lagged(x, n_lags), _lagged(new, n_lags)
    predictions, chosen = [], []
    for h in range(1, n_horizons + 1):
        A, B = past[:, :-h], x[:, h:]
        best = _choose(A, B) if penalty is None else float(penalty)
        weights, means = _ridge(A.reshape(-1, A.shape[2]), B.reshape(-1, B.shape[2]), best)
        predictions.append((ahead - means[0]) @ weights + means[1])
        chosen.append(best)
    return labels.dataset(
        {
            "prediction": (
                ("trial", "time", "horizon", "output"),
                np.stack(predictions, 2),
                "1",
                "predicted observation",
                "output",
            ),
            "penalty": (("horizon",), np.array(chosen), "1", "ridge penalty"),
        },
        {**seen.coords, "time": seen.axis, **labels.horizons(n_horizons, seen.dt, seen.unit)},
        source="model",
        attrs={"model": "ridge autoregression", "dt": seen.dt, "n_lags": n_lags},
    )


def _by_output(seen: labels.Observed) -> xr.DataArray:
    """The labelled sequences; outputs without labels are in the order of the other side."""
    array = seen.labelled()
    return array if "output" in seen.coords else array.drop_vars("output")


def _by_label(seen: labels.Observed) -> np.ndarray:
    """The order of trials by label, so that folds do not depend on their arrangement."""
    trial = seen.coords.get("trial")
    if trial is None:
        return np.arange(len(seen.values))
    return np.argsort(np.asarray(getattr(trial, "values", trial)), kind="stable")


def _lagged(x: np.ndarray, n_lags: int) -> np.ndarray:
    """``(trial, time, lag * output)``: each sample with those before it."""
    index = np.maximum(np.arange(x.shape[1])[:, None] - np.arange(n_lags)[None], 0)
    return x[:, index].reshape(*x.shape[:2], -1)


def _ridge(A: np.ndarray, B: np.ndarray, penalty: float):
    # From the first sample, because the rounded mean of a constant would not leave 0.
    means = A[0] + (A - A[0]).mean(0), B[0] + (B - B[0]).mean(0)
    A, B = A - means[0], B - means[1]
    size = np.abs(A).max() or 1.0
    A = A / size
    gram = A.T @ A
    # A floor keeps predictors solvable that are exactly collinear, or constant.
    load = max(penalty, 1e-12) * (np.trace(gram) / len(gram) or 1.0)
    return np.linalg.solve(gram + load * np.eye(len(gram)), A.T @ B) / size, means


def _choose(A: np.ndarray, B: np.ndarray) -> float:
    if len(A) == 1:
        half = A.shape[1] // 2
        A = np.stack([A[0, :half], A[0, half : 2 * half]])
        B = np.stack([B[0, :half], B[0, half : 2 * half]])
    folds = np.arange(len(A)) % min(len(A), 8)
    total = np.zeros(len(PENALTIES))
    for fold in np.unique(folds):
        held = folds == fold
        inputs, outputs = (a[~held].reshape(-1, a.shape[2]) for a in (A, B))
        for i, penalty in enumerate(PENALTIES):
            weights, means = _ridge(inputs, outputs, penalty)
            total[i] += (((A[held] - means[0]) @ weights + means[1] - B[held]) ** 2).sum()
    return float(PENALTIES[total.argmin()])
