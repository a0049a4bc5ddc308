"""Labelled results of error regression."""

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import Observed
from neurodyn.models.pvrnn.inference.settings import ErrorRegression
from neurodyn.models.pvrnn.inference.streams import latent_coords
from neurodyn.models.pvrnn.model import PVRNN

__all__ = ["label"]


def label(
    model: PVRNN,
    out: dict[str, np.ndarray],
    method: ErrorRegression,
    seen: Observed,
    n_samples: int,
) -> xr.Dataset:
    """The labelled result of error regression."""
    # Arrays come (time, [horizon | iteration | lag,] trial, ...).
    of_latents = ("trial", "time", "latent")
    about = {
        "prediction": ((2, 0, 1, 3), ("trial", "time", "horizon", "output"), "prediction"),
        "prediction_std": (
            (2, 0, 1, 3),
            ("trial", "time", "horizon", "output"),
            "spread of the predictions",
        ),
        "reconstruction": (
            (1, 0, 2),
            ("trial", "time", "output"),
            "the newest observation as the network explains it",
        ),
        "z": ((1, 0, 2), of_latents, "latents of the newest step"),
        "mean": ((1, 0, 2), of_latents, "mean of the posterior"),
        "sigma": ((1, 0, 2), of_latents, "standard deviation of the posterior"),
        "prior_mean": ((1, 0, 2), of_latents, "mean of the prior"),
        "prior_sigma": ((1, 0, 2), of_latents, "standard deviation of the prior"),
        "loss": ((2, 0, 1), ("trial", "time", "iteration"), "negative lower bound of the window"),
        "postdiction": (
            (2, 1, 0, 3),
            ("trial", "lag", "time", "output"),
            "the window as the network explains it",
        ),
    }
    variables = {
        name: (dims, out[name].transpose(order), "1", long_name)
        for name, (order, dims, long_name) in about.items()
        if name in out
    }
    coords = {
        **seen.coords,
        "time": seen.axis,
        **labels.horizons(out["prediction"].shape[1], seen.dt, seen.unit),
        **latent_coords(model),
    }
    if "postdiction" in out:
        coords["lag"] = ("lag", -seen.dt * np.arange(method.window), seen.unit)
    attrs = {
        "model": type(model).__name__,
        "dt": seen.dt,
        "window": method.window,
        "iterations": method.iterations,
        "n_samples": n_samples,
        "warm_start": method.warm_start,
        "new_entry": method.new_entry,
        "edge_prior": method.edge_prior,
    }
    return labels.dataset(variables, coords, source="model", attrs=attrs, values=False)
