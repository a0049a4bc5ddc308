"""Figures and summary of the comparison of predictors."""

import json
from typing import Any

import xarray as xr

from neurodyn.experiments.error_regression.scores import NAMES
from neurodyn.experiments.shared.forecasts import by_horizon, forecast_figures

__all__ = ["figures", "summary"]


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Errors by horizon, and one sequence with windows and predictions."""
    return forecast_figures(tree, reference=("ridge", "ideal"))


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Errors with intervals, and the chosen candidates."""
    chosen, rows = json.loads(tree.attrs["chosen"]), {}
    for name, curve in tree["analysis/error"].to_dataset().data_vars.items():
        n = curve.sizes["horizon"]
        shown = (1, n // 3, 2 * n // 3, n)
        rows[f"error of {NAMES[str(name)]}, steps ahead"] = by_horizon(curve, shown, ".4f")
    for name in ("pvrnn", "vrnn", "lstm"):
        rows[NAMES[name]] = f"{chosen[f'{name}_parameters']} parameters; {chosen[name]}"
    return rows
