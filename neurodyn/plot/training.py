"""Loss and measures over training."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.plot.style import BLUE, ORANGE, styled, subplots, whole_ticks

__all__ = ["history"]


@styled
def history(ds: xr.Dataset, *, measure: str = "validation_correct") -> Any:
    """Loss at every step, and a measure at every evaluation.

    Parameters
    ----------
    ds
        ``fit(...).history``, or what `fit` returned.
    measure
        Which evaluation to draw, where there is one.

    Returns
    -------
    matplotlib.figure.Figure
        One thin line per network, and their mean.
    """
    ds = getattr(ds, "history", ds)
    panels = ["loss"] + ([measure] if measure in ds else [])
    figure, axes = subplots(1, len(panels), size=(3.4, 2.5))
    for ax, name in zip(axes.flat, panels, strict=True):
        found = ds[name].transpose("seed", ..., missing_dims="ignore")
        dim, values = found.dims[-1], np.atleast_2d(found.values)
        colour = BLUE if name == "loss" else ORANGE
        if len(values) > 1:
            ax.plot(ds[dim], values.T, color=colour, lw=0.5, alpha=0.35)
        ax.plot(ds[dim], values.mean(0), color=colour)
        ax.set_xlabel("training step")
        whole_ticks(ax.xaxis)
        ax.set_title(ds[name].attrs.get("long_name", name))
    if np.nanmin(ds["loss"].values) > 0:
        axes[0, 0].set_yscale("log")
    return figure
