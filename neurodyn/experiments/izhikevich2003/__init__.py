"""The network of Izhikevich (2003): a thousand randomly coupled neurons and their rhythms."""

from typing import Any

import xarray as xr

import neurodyn as nd
from neurodyn import analysis, io
from neurodyn.common.progress import bar
from neurodyn.experiments.izhikevich2003.figures import figures, summary
from neurodyn.experiments.izhikevich2003.scores import BIN, late, numbers, spectrum
from neurodyn.experiments.izhikevich2003.settings import PRESETS, Settings, check
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, seeds_of
from neurodyn.experiments.shared.ensembles import stacked
from neurodyn.models import spiking

__all__ = ["EXPERIMENT"]


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
