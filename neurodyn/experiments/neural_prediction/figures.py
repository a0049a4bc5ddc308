"""Figures and summary of predictions of recorded conditions."""

from typing import Any

import xarray as xr

from neurodyn.experiments.shared.ensembles import spread
from neurodyn.experiments.shared.forecasts import by_horizon, forecast_figures

__all__ = ["figures", "summary"]


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Errors by horizon, and one held-out condition with windows and predictions."""
    what = "error relative to the variance"
    return forecast_figures(tree, reference=("ridge", "persistence"), what=what)


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Errors relative to the variance, with intervals over networks."""
    step, rows = float(tree.attrs["step"]), {}
    for curve in tree["analysis/error"].to_dataset().data_vars.values():
        n = curve.sizes["horizon"]
        rows[f"relative error of {curve.attrs['long_name']}"] = by_horizon(
            curve, (1, max(n // 2, 1), n), ".3f", lambda h: f"{h * step:g} ms"
        )
    for curve in tree["analysis/generation"].to_dataset().data_vars.values():
        each = curve.mean([d for d in curve.dims if d != "seed"]).values
        rows[curve.attrs["long_name"]] = spread(each, ".3f")
    return rows
