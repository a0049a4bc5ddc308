"""Figures and summary of networks trained with generalised teacher forcing."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import analysis, plot

__all__ = ["figures", "summary"]


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Medians over networks, with the median absolute deviation, as published."""
    scores = tree["analysis/scores"].to_dataset()
    rows = {"protocol": str(scores.attrs["protocol"])}
    for checkpoint in scores["checkpoint"].values:
        one = scores.sel(checkpoint=checkpoint)
        ok = np.isfinite(one["d_stsp"].values)
        rows[f"{checkpoint} networks that did not diverge"] = f"{ok.sum()} of {ok.size}"
        for name in ("d_stsp", "d_h", "prediction_error"):
            values = one[name].values[np.isfinite(one[name].values)]
            if values.size:
                middle = np.median(values)
                spread = np.median(np.abs(values - middle))
                rows[f"{one[name].attrs['long_name']}, {checkpoint}"] = (
                    f"{middle:.3g} +- {spread:.2g} ({values.min():.3g} to {values.max():.3g})"
                )
    if "floor" in tree["analysis"].children:
        floor = tree["analysis/floor"].to_dataset()
        for name in ("d_stsp", "d_h"):
            rows[f"{scores[name].attrs['long_name']}, floor"] = f"{float(floor[name]):.3g}"
    return rows


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Training, and trajectory and spectrum of the median network beside the true ones."""
    recording, model = (tree[side].to_dataset()["value"] for side in ("recording", "model"))
    return {
        "training": plot.history(tree["model/training"].to_dataset()),
        "attractor": plot.projections(recording, model, channels=(0, 1, 2)),
        "spectra": plot.spectra(
            *(analysis.power_spectrum(x.isel(output=slice(6))) for x in (recording, model))
        ),
    }
