"""Intrinsic timescales of recorded units, beside those of trained networks."""

from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import analysis
from neurodyn.analysis.timescales.recovery import rate_modulation
from neurodyn.experiments.brain_timescales.figures import figures, summary
from neurodyn.experiments.brain_timescales.recordings import LOAD, Counted
from neurodyn.experiments.brain_timescales.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result
from neurodyn.experiments.timescales.networks import raw_tau
from neurodyn.experiments.timescales.trained import load_network

__all__ = ["EXPERIMENT"]

#: True timescales of the surrogate recordings [ms].
KNOWN = (50.0, 100.0, 200.0, 400.0)


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Measure the timescales of recordings and networks.

    Returns
    -------
    xr.DataTree
        ``/recording/AREA`` and ``/model/CURRICULUM``: timescales of units and of the population;
        ``/analysis/recovery/AREA``: timescales recovered from surrogate recordings.
    """
    del run
    key = jax.random.key(settings.seed)
    tree: dict[str, xr.Dataset] = {}
    if settings.networks:
        for curriculum in ("single", "cumulative"):
            own = jax.random.fold_in(key, 1000)
            tree[f"/model/{curriculum}"] = _network(settings, curriculum, own)
    for i, name in enumerate(settings.recordings):
        for j, (area, counted) in enumerate(LOAD[name](settings).items()):
            own = jax.random.fold_in(jax.random.fold_in(key, i), j)
            found = _intrinsic(settings, counted, own, name)
            tree[f"/recording/{area}"] = found
            tree[f"/analysis/recovery/{area}"] = _recovery(settings, counted, found, own)
    return result(tree, settings)


def _intrinsic(settings: Settings, counted: Counted, key: Any, name: str) -> xr.Dataset:
    data = counted.fluctuations
    options: dict[str, Any] = {"n_draws": settings.n_draws, "silent": settings.silent, "key": key}
    found = analysis.intrinsic_timescale(data, block=counted.block, **options)
    units = analysis.intrinsic_timescale(data, over="unit", **options)
    for end in ("low", "high"):
        about = {"long_name": f"{end} end of the interval over units, mean of units"}
        found[f"population_{end}_units"] = units[f"population_{end}"].assign_attrs(about)
    return found.assign_attrs(source="recording", dataset=name, bin_width=settings.bin_width)


def _recovery(settings: Settings, counted: Counted, found: xr.Dataset, key: Any) -> xr.Dataset:
    """Known timescales, estimated from surrogates of the same rates and numbers of trials."""
    modulation = 1.0  # as an exponential law, because a flat autocorrelation shows no modulation
    if str(found["population_status"].values) == "ok":
        mean = np.nanmean(counted.counts.values, axis=0)
        modulation = rate_modulation(found, counted.fluctuations.values, mean)
    return analysis.timescale_recovery(
        counted.counts,
        KNOWN,
        modulation=modulation,
        n_repeats=settings.n_repeats,
        silent=settings.silent,
        key=key,
    )


def _network(settings: Settings, curriculum: str, key) -> xr.Dataset:
    network = load_network(settings.networks, curriculum, settings.n, seed=settings.seed)
    found = analysis.network_timescale(network, n_steps=settings.n_steps, key=key)
    tau = raw_tau(network)
    about = {"units": "1", "long_name": "time constant as trained"}
    found["trained_tau"] = ("unit", np.asarray(tau), about)
    return found.drop_vars("own_tau", errors="ignore").assign_attrs(source="model", n=settings.n)


EXPERIMENT = Experiment(
    name="brain_timescales",
    title="How long do recorded units remember, compared with trained networks?",
    reference=("murray2014", "zheng2022", "mante2013", "khajehabdollahi2024"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "Spikes of {recordings} were counted in bins of {bin_width} ms, and exponentials were "
        "fitted to the autocorrelations of areas and of single units around the means of their "
        "conditions. Surrogate recordings of the same size with known timescales show how well "
        "these are recovered."
    ),
    ranges="In brackets the bootstrap interval of 95 % over trials and over units.",
    captions={
        "intrinsic_timescales": (
            "Autocorrelations of areas with fitted exponentials; timescales with their "
            "intervals; ratio of recovered to true timescales in surrogates; and spreads "
            "beside those of networks, if given."
        )
    },
)
