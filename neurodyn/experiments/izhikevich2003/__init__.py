"""The network of Izhikevich (2003): a thousand randomly coupled neurons and their rhythms."""

from typing import Any

import numpy as np
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, io, labels, plot
from neurodyn.common.progress import bar
from neurodyn.experiments.izhikevich2003.settings import PRESETS, Settings, check
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, seeds_of
from neurodyn.experiments.shared.ensembles import spread, stacked
from neurodyn.models import spiking

__all__ = ["EXPERIMENT"]

#: Width of the bins of population rates [ms].
BIN = 1.0


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Run the networks and measure rates, irregularity, synchrony and rhythms.

    Returns
    -------
    xr.DataTree
        ``/model``: spikes of the first network; ``/model_rate``: rates of its populations;
        ``/analysis/networks``: scores of each network and population; ``/analysis/spectrum``;
        ``/analysis/intervals`` and ``/analysis/statistics`` of the first network;
        ``/analysis/brian2``: rates of Brian2, if asked for.
    """
    window = (settings.settle, settings.duration)
    rows, spectra, theirs, first = [], [], [], None
    with bar("networks", settings.n_seeds, show=run.progress) as advance:
        for seed in seeds_of(settings, settings.n_seeds):
            network = _network(settings, seed)
            spikes = _simulate(network, settings, seed)
            first = spikes if first is None else first
            rows.append(numbers(spikes, window))
            spectra.append(spectrum(spikes, window, settings))
            if settings.brian2:
                theirs.append(numbers(_by_brian2(network, settings, seed), window)[["rate"]])
            advance()
    tree = {
        "/model": first,
        "/model_rate": analysis.population_rate(first, bin_width=BIN, by="population"),
        "/analysis/networks": stacked(rows),
        "/analysis/spectrum": stacked(spectra),
        "/analysis/intervals": analysis.spike_intervals(late(first, window)),
        "/analysis/statistics": analysis.interval_statistics(late(first, window)),
    }
    if theirs:
        tree["/analysis/brian2"] = stacked(theirs)
    return result(tree, settings)


def _network(settings: Settings, seed: int) -> Any:
    return spiking.izhikevich2003_network(
        settings.n_excitatory, settings.n_inhibitory, published=settings.published, key=seed
    )


def _simulate(network: Any, settings: Settings, seed: int) -> xr.Dataset:
    n_steps = round(settings.duration / settings.dt)
    return nd.simulate(
        network,
        dt=settings.dt,
        n_steps=n_steps,
        n_trials=1,
        save=nd.Save((), outputs=None),
        key=seed,
        progress=False,
    )


def _by_brian2(network: Any, settings: Settings, seed: int) -> xr.Dataset:
    """The same network with other noise, simulated by Brian2."""
    net = io.to_brian2(network, dt=settings.dt, key=seed)
    import brian2

    brian2.seed(seed)
    net.run(settings.duration * brian2.ms, namespace={})
    return io.from_brian2(net["spikes"], coords=network.unit_coords())


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


EXPERIMENT = Experiment(
    name="izhikevich2003",
    title="Do a thousand randomly coupled cortical neurons make the published rhythms?",
    reference=("izhikevich2003",),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} networks of {n_excitatory} excitatory and {n_inhibitory} inhibitory "
        "neurons, coupled at random, ran for {duration} ms in steps of {dt} ms. Rates, "
        "irregularity, synchrony and spectra were measured after the first {settle} ms."
    ),
    ranges="Values are means over networks; in brackets the smallest and the largest of them.",
    captions={
        "raster": "Spikes of the first network, and the rates of its populations.",
        "spectrum": (
            "Power spectrum of the rate of all neurons, a thin line for each network "
            "and a thick one for their mean."
        ),
        "intervals": (
            "Intervals between spikes in the first network, and the coefficients of variation "
            "of its neurons."
        ),
    },
    check=check,
)
