"""Scores of the output: error while learning, and correlation with the sine afterwards."""

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import aligned_correlation, main_frequency
from neurodyn.experiments.force_sine.settings import Settings

__all__ = ["scored"]

#: Interval of the output samples in the result [ms].
KEPT = 1.0


def scored(settings: Settings, z: np.ndarray, target: np.ndarray, rate: np.ndarray) -> xr.Dataset:
    """Output, target, rate and scores of one network, labelled."""
    dt, steps = settings.dt, round(1000.0 / settings.dt)
    trained = slice((settings.before + settings.learn - 1) * steps, None)
    error = (z - target)[trained][:steps]
    alone = trained.start + steps
    early, late = slice(alone, alone + steps), slice(len(z) - steps, None)
    half = 500.0 / settings.frequency
    ends = {
        name: aligned_correlation(z[s], target[s], longest=half, dt=dt)
        for name, s in (("first", early), ("last", late))
    }
    every = max(1, round(KEPT / dt))
    scores = {"training_rmse": ("root mean squared error, last second of learning", "1")}
    values = {"training_rmse": np.sqrt(np.mean(error**2))}
    for name, ds in ends.items():
        for what in ("correlation", "shift", "gain", "rmse"):
            values[f"{what}_{name}"] = float(ds[what])
            scores[f"{what}_{name}"] = (
                f"{ds[what].attrs['long_name']}, {name} second after learning",
                ds[what].attrs["units"],
            )
    values["frequency"] = main_frequency(z[alone:], dt=dt)
    scores["frequency"] = ("frequency after learning", "Hz")
    return labels.dataset(
        {
            "output": (("time",), z[every - 1 :: every], "1", "output", "output"),
            "target": (("time",), target[every - 1 :: every], "1", "target", "target"),
            "rate": (("epoch",), rate, "Hz", "firing rate, mean over neurons", "rate"),
            **{k: ((), float(values[k]), units, name) for k, (name, units) in scores.items()},
        },
        {
            "time": labels.time_axis(len(z) // every, every * dt),
            "epoch": ("epoch", np.arange(len(rate)) + 1.0, "s", "end of the second"),
        },
        source="model",
        attrs={"experiment": "force_sine"},
    )
