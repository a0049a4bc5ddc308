"""Rates, irregularity, synchrony and spectrum of a network."""

import numpy as np
import xarray as xr

from neurodyn import analysis, labels
from neurodyn.experiments.izhikevich2003.settings import Settings

__all__ = ["BIN", "late", "numbers", "spectrum"]

#: Width of the bins of population rates [ms].
BIN = 1.0


def late(spikes: xr.Dataset, window: tuple[float, float]) -> xr.Dataset:
    """Spikes in a window."""
    time = spikes["spike_time"].values
    inside = np.flatnonzero((time > window[0]) & (time <= window[1]))
    return spikes.isel(spike=inside).assign_attrs(window=list(window))


def numbers(spikes: xr.Dataset, window: tuple[float, float]) -> xr.Dataset:
    """Rates, irregularity and synchrony of each population."""
    chosen = late(spikes, window)
    statistics = analysis.interval_statistics(chosen)
    rate = analysis.firing_rate(spikes, window=window)
    names = list(dict.fromkeys(spikes["population"].values.tolist()))
    columns: dict[str, list] = {"rate": [], "cv": [], "lv": [], "chi": [], "correlation": []}
    for name in names:
        mine = spikes["population"].values == name
        columns["rate"].append(rate.values[mine].mean())
        columns["cv"].append(_mean(statistics["cv"].values[mine]))
        columns["lv"].append(_mean(statistics["lv"].values[mine]))
        together = analysis.synchrony(chosen.isel(unit=np.flatnonzero(mine)), bin_width=5.0)
        for what in ("chi", "correlation"):
            columns[what].append(float(together[what].values.mean()))
    about = {
        "rate": ("Hz", "mean firing rate"),
        "cv": ("1", "mean CV of intervals"),
        "lv": ("1", "mean LV of intervals"),
        "chi": ("1", "synchrony index, bins of 5 ms"),
        "correlation": ("1", "mean pairwise correlation, bins of 5 ms"),
    }
    variables = {n: ("unit", np.array(v), *about[n]) for n, v in columns.items()}
    variables["n_spikes"] = (
        (),
        np.array(spikes.sizes["spike"]),
        "count",
        "spikes of the whole run",
    )
    coords = {"population": ("unit", np.array(names))}
    return labels.dataset(variables, coords, source="analysis", kind="statistic", values=False)


def _mean(values: np.ndarray) -> float:
    """Mean of the finite values; NaN without any."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else np.nan


def spectrum(spikes: xr.Dataset, window: tuple[float, float], settings: Settings) -> xr.Dataset:
    """Power spectrum of the rate of the whole network."""
    return analysis.population_spectrum(
        spikes, bin_width=max(BIN, settings.dt), segment=settings.segment, window=window
    )
