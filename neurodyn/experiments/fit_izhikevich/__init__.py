"""An Izhikevich neuron fitted to the responses of a recorded cell to injected currents."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, datasets, labels
from neurodyn.common.progress import bar
from neurodyn.experiments.fit_izhikevich.figures import figures, summary
from neurodyn.experiments.fit_izhikevich.scores import cell_table, responses, target_of, total_loss
from neurodyn.experiments.fit_izhikevich.search import (
    BOUNDS,
    Protocol,
    Response,
    cell,
    response,
    search,
)
from neurodyn.experiments.fit_izhikevich.settings import BEFORE, LATE, PRESETS, Settings, check
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, seeds_of
from neurodyn.labels.convention import SPIKE_COLUMNS
from neurodyn.models import spiking

__all__ = ["EXPERIMENT"]


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Search for the neuron several times, and score the best on the held-out current steps.

    Returns
    -------
    xr.DataTree
        ``/recording`` (potentials, currents and spikes) and ``/recording/fi``; ``/model`` (run of
        the best neuron) and ``/model/fi``; ``/analysis/cells``: parameters and errors of the best
        neuron of each search; ``/analysis/responses``: their responses in every sweep.
    """
    recorded = _load(settings.recording)
    spikes = analysis.detect_spikes(recorded)
    wanted = analysis.fi_curve(spikes, window=settings.window).isel(unit=0, drop=True)
    order = np.argsort(recorded["step"].values, kind="stable")
    recorded = recorded.isel(sweep=order)
    protocol = _protocol(recorded, settings)
    target = target_of(recorded, wanted, settings)
    peak = _peak(recorded, settings)

    def loss(found: Response) -> np.ndarray:
        return total_loss(found, target, settings)

    bests, histories = [], []
    total = settings.n_seeds * settings.generations
    with bar("search", total, show=run.progress) as advance:
        for seed in seeds_of(settings, settings.n_seeds):
            theta, history = search(
                loss,
                protocol,
                vpeak=peak,
                generations=settings.generations,
                candidates=settings.candidates,
                seed=seed,
                advance=advance,
            )
            bests.append(theta)
            histories.append(history)
    cells = cell(np.stack(bests, axis=1), peak)
    found = response(cells, protocol)
    losses = loss(jax.tree.map(np.asarray, found))
    chosen = int(np.argmin(losses))
    model = _simulate(cell(bests[chosen][:, None], peak), recorded, settings, protocol)
    best = settings.seed + chosen
    tree = {
        "/recording": _thinned(recorded, spikes, order),
        "/recording/fi": wanted,
        "/model": model,
        "/model/fi": analysis.fi_curve(model, window=settings.window).isel(unit=0, drop=True),
        "/analysis/cells": cell_table(cells, losses, found, target, histories, best),
        "/analysis/responses": responses(found, target, settings),
    }
    return result(tree, settings)


def _load(recording: str) -> xr.Dataset:
    loaded = datasets.open(recording)
    needed = {"v", "i", "step"}
    missing = needed - set(loaded.variables) if isinstance(loaded, xr.Dataset) else needed
    if missing:
        raise ValueError(
            f"{recording}: a fit needs potentials 'v' and currents 'i' on (sweep, time) and the "
            f"height 'step' of the current in each sweep; {', '.join(sorted(missing))} is missing. "
            "Axon files read by neurodyn.io.read have 'v' and 'i_command': rename them, and give "
            "'step' with .assign_coords."
        )
    return loaded


def _protocol(recorded: xr.Dataset, settings: Settings) -> Protocol:
    """Currents of all sweeps at the time step of the simulation, with `BEFORE` ms of rest."""
    start, stop = settings.window
    first = start - BEFORE
    n_before, n = round(BEFORE / settings.dt), round((stop - start) / settings.dt)
    times = first + (np.arange(n_before + n) + 0.5) * settings.dt
    current = recorded["i"].transpose("time", "sweep").sel(time=times, method="nearest").values
    before = labels.between(recorded["v"], (first, start - 1.0))
    dtype = jnp.result_type(float)
    return Protocol(
        jnp.asarray(current, dtype),
        jnp.asarray(settings.dt, dtype),
        n_before,
        n_before + n,
        n_before + n - round(LATE / settings.dt),
        jnp.asarray(float(before.median()), dtype),
    )


def _peak(recorded: xr.Dataset, settings: Settings) -> float:
    """Median peak of the recorded spikes [mV]."""
    v = labels.between(recorded["v"], settings.window).transpose("sweep", "time").values
    rises = (v[:, 1:] >= 0) & (v[:, :-1] < 0)
    peaks = [v[s, k : k + 40].max() for s, k in zip(*np.nonzero(rises), strict=True)]
    return float(np.median(peaks))


def _simulate(
    best: Any, recorded: xr.Dataset, settings: Settings, protocol: Protocol
) -> xr.Dataset:
    """Labelled run of one neuron under all currents."""
    values = {name: np.asarray(getattr(best, name).value()) for name in (*BOUNDS, "vpeak")}
    v0 = float(protocol.v0)
    neuron = spiking.Izhikevich2007(1, "RS", **values, v0=v0, u0=values["b"] * (v0 - values["vr"]))
    network = spiking.Network(
        {"cell": neuron}, inputs={"current": spiking.CurrentInput(1, to="cell", W=np.ones((1, 1)))}
    )
    model = nd.simulate(network, protocol.current[:, :, None], dt=settings.dt, save=("v",))
    first = settings.window[0] - BEFORE
    shifted = model.assign_coords(time=labels.clock(model).time + first)
    shifted["time"].attrs = model["time"].attrs
    shifted["spike_time"] = model["spike_time"].copy(data=model["spike_time"].values + first)
    shifted.attrs["window"] = [edge + first for edge in model.attrs["window"]]
    about = {"units": "pA", "long_name": "height of the current step"}
    return shifted.assign_coords(step=("trial", recorded["step"].values, about))


def _thinned(recorded: xr.Dataset, spikes: xr.Dataset, order: np.ndarray) -> xr.Dataset:
    """Every fifth sample of the potentials, and spikes, with sweeps as trials in the same order."""
    one = recorded[["v", "i"]].isel(time=slice(None, None, 5)).rename(sweep="trial")
    one = one.drop_vars("start_time", errors="ignore").assign_coords(trial=np.arange(len(order)))
    spikes = nd.spikes.relabel(spikes.isel(trial=order), trial=np.arange(len(order)), unit=[0])
    table = {name: spikes[name].variable for name in SPIKE_COLUMNS if name in spikes}
    return one.assign_coords(table | {"unit": [0]})


EXPERIMENT = Experiment(
    name="fit_izhikevich",
    title="Which Izhikevich neuron fires like a recorded fast-spiking interneuron?",
    reference=("izhikevich2007", "storn1997"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} searches of {generations} generations by differential evolution looked for "
        "the Izhikevich neuron that fires like the cell in '{recording}' under steps of "
        "current. Every {hold_out}th of the steps at which the cell fires was held out of the fit "
        "and shows how well the neuron predicts."
    ),
    ranges=(
        "First the value of the best cell; in brackets the smallest and the largest over searches."
    ),
    captions={
        "curves": (
            "Firing rate, latency of the first spike and potential late in the step against "
            "the current, of the recorded cell and of the fitted neurons; hollow marks were held "
            "out of the fit."
        ),
        "potentials_": "Recorded potentials and those of the best cell under one current.",
    },
    check=check,
)
