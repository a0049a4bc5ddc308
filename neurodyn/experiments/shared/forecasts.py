"""Labelled results of predictions by error regression, and their figures and numbers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels, plot
from neurodyn.common.intervals import t_interval


def observed(
    x: np.ndarray, long_name: str, source: str, *, dt: float | None = None, **coords: Any
) -> xr.Dataset:
    """Sequences (trial, time, output) that were predicted, labelled; without `dt` [ms] in steps."""
    found = labels.dataset(
        {"targets": (("trial", "time", "output"), x, "1", long_name, "target")},
        {"time": labels.time_axis(x.shape[1], dt or 1.0), **coords},
        source=source,
    )
    if dt is None:
        found["time"].attrs["units"] = "1"
    return found


def errors_by_horizon(
    errors: Mapping[str, np.ndarray], names: Mapping[str, str], dim: str
) -> xr.Dataset:
    """Errors of several predictors, labelled.

    Parameters
    ----------
    errors
        Errors (seed, dim, horizon) of each predictor. Predictors with a single row have no networks
        and get no dim `seed`.
    names
        Name of each predictor in figures.
    dim
        Name of the second dim, ``"trial"`` or ``"fold"``.
    """
    found: dict[str, Any] = {}
    for name, values in errors.items():
        several = len(values) > 1
        dims = ("seed", dim, "horizon") if several else (dim, "horizon")
        about = {"units": "1", "long_name": names[name]}
        found[name] = (dims, values if several else values[0], about)
    n = next(iter(errors.values())).shape[-1]
    horizon = ("horizon", np.arange(1, n + 1), {"units": "1", "long_name": "steps ahead"})
    return xr.Dataset(found, {"horizon": horizon}, {"source": "analysis"})


def forecast_figures(tree: xr.DataTree, **options: Any) -> dict[str, Any]:
    """Errors by horizon, and one sequence with its windows and predictions."""
    errors = tree["analysis/error"].to_dataset()
    return {
        "prediction_error": plot.prediction_error(errors, **options),
        "stream": plot.error_regression(tree["model"].to_dataset(), tree["recording"].to_dataset()),
    }


def by_horizon(
    curve: xr.DataArray, horizons: Iterable[int], form: str, label: Callable[[int], str] = str
) -> str:
    """Mean error at some horizons, plus or minus half of its 95 % interval, as text."""
    mean, half = t_interval(curve)
    text = []
    for h in sorted(set(horizons) - {0}):
        around = "" if half is None else f" ± {half[h - 1]:{form}}"
        text.append(f"{label(h)}: {mean[h - 1]:{form}}{around}")
    return ", ".join(text)
