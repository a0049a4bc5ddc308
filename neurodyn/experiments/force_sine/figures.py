"""Figures and summary of the FORCE experiment."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.analysis import bootstrap
from neurodyn.experiments.running.experiment import settings_in
from neurodyn.experiments.shared.ensembles import FEW


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    settings = settings_in(tree)
    output, scores = tree["model/output"].to_dataset(), tree["analysis/scores"].to_dataset()
    stop = 1000.0 * (settings["before"] + settings["learn"])
    end = stop + 1000.0 * settings["after"]
    learn = 1000.0 * settings["before"]
    windows = {
        "learning begins": (learn - 100.0, learn + 500.0),
        "learning ends": (stop - 500.0, stop + 500.0),
        "at the end": (end - 1000.0, end),
    }
    drawn = {}
    for i, n in enumerate(output["n_neurons"].values):
        one = output.isel(sweep=i, seed=0)
        drawn[f"output_{n}"] = plot.tracking(one["output"], one["target"], windows)
    drawn["scores"] = plot.members(
        {
            "training RMSE": scores["training_rmse"],
            "aligned correlation": scores["correlation_last"],
            "frequency (Hz)": scores["frequency"],
            "shift (ms)": scores["shift_last"],
        },
        by="n_neurons",
        bars={
            "training RMSE": 0.03,
            "aligned correlation": 0.99,
            "frequency (Hz)": settings["frequency"],
        },
    )
    return drawn


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    scores, rate = tree["analysis/scores"].to_dataset(), tree["model/rate/rate"]
    settings = settings_in(tree)
    rows = {}
    off = 100 * (scores["frequency"] / settings["frequency"] - 1)
    table = {
        "training RMSE": scores["training_rmse"],
        "correlation in the first second alone": scores["correlation_first"],
        "aligned correlation in the last second": scores["correlation_last"],
        "RMSE in the last second": scores["rmse_last"],
        "gain in the last second": scores["gain_last"],
        "shift in the last second (ms)": scores["shift_last"],
        "frequency off by (%)": off,
    }
    for i, n in enumerate(scores["n_neurons"].values):
        rows[f"{n} neurons"] = f"{scores.sizes['seed']} networks"
        for name, values in table.items():
            rows[f"{name}, {n} neurons"] = _spread(values.isel(sweep=i))
        mean = rate.isel(sweep=i).mean("seed").to_numpy()
        a, b = settings["before"], settings["before"] + settings["learn"]
        rows[f"rate before, during and after learning (Hz), {n} neurons"] = ", ".join(
            f"{np.mean(part):.1f}" for part in (mean[:a], mean[a:b], mean[b:])
        )
    return rows


def _spread(values: xr.DataArray) -> str:
    """Mean with the bootstrap interval of at least five networks, and the range."""
    if values.sizes["seed"] == 1:
        return f"{float(values[0]):.4g}"
    text = f"{float(values.mean()):.4g}"
    if values.sizes["seed"] >= FEW:
        interval = bootstrap(values)
        text += f" ({float(interval['low']):.4g} to {float(interval['high']):.4g})"
    return text + f", range {float(values.min()):.4g} to {float(values.max()):.4g}"
