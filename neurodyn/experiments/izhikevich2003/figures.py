"""Figures and summary of the networks."""

from typing import Any

import xarray as xr

from neurodyn import analysis, plot
from neurodyn.experiments.shared.ensembles import spread

__all__ = ["figures", "summary"]


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Raster with rates, spectrum, intervals of the first network; spectra of all."""
    spikes, rate = tree["model"].to_dataset(), tree["model_rate"].to_dataset()
    spectrum = tree["analysis/spectrum"].to_dataset().transpose("seed", ...)
    return {
        "raster": plot.raster(spikes, by="population", rate=rate),
        "spectrum": plot.population_spectrum(spectrum),
        "intervals": plot.intervals(
            tree["analysis/intervals"].to_dataset(), tree["analysis/statistics"].to_dataset()
        ),
    }


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Means and ranges over networks."""
    networks = tree["analysis/networks"].to_dataset()
    spectrum = tree["analysis/spectrum"].to_dataset()
    rows = {"networks": f"{networks.sizes['seed']}"}
    for u, name in enumerate(networks["population"].values.ravel()[: networks.sizes["unit"]]):
        for what in ("rate", "cv", "lv", "chi", "correlation"):
            about = networks[what].attrs
            unit = "" if about["units"] == "1" else f" {about['units']}"
            text = spread(networks[what].isel(unit=u).values, ".3g", unit)
            rows[f"{about['long_name']}, {name}"] = text
        if "brian2" in tree["analysis"].children:
            theirs = tree["analysis/brian2"].to_dataset()["rate"].isel(unit=u).values
            rows[f"mean firing rate by Brian2, {name}"] = spread(theirs, ".3g", " Hz")
    rows["highest peak of the spectrum"] = spread(spectrum["peak_frequency"].values, ".3g", " Hz")
    for band in ("alpha", "beta", "gamma"):
        share = 100 * spectrum[band].values
        low, high = analysis.BANDS[band]
        rows[f"power in {low:g} to {high:g} Hz ({band})"] = spread(share, ".3g", " %")
    return rows
