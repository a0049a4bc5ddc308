"""An Izhikevich neuron fitted to what a recorded cell does under injected currents."""

import dataclasses
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, datasets, labels
from neurodyn.common.progress import bar
from neurodyn.experiments.fit_izhikevich.figures import fit_figures, fit_summary
from neurodyn.experiments.fit_izhikevich.search import (
    BOUNDS,
    Protocol,
    Response,
    cell,
    response,
    search,
)
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.shared.seeds import SeededSettings, result, seeds_of
from neurodyn.experiments.shared.values import spelled
from neurodyn.labels.convention import SPIKE_COLUMNS
from neurodyn.models import spiking

__all__ = ["EXPERIMENT", "Settings", "run"]

#: When the current steps of the default recording flow [ms], and what comes before.
WINDOW, BEFORE = (1646.8, 2146.8), 150.0
#: Length of the end of a step over which potentials are averaged [ms].
LATE = 100.0
#: What errors are measured in: Hz, mV, and the logarithm of a latency.
SCALE = {"rate": 5.0, "potential": 5.0, "latency": 0.2}


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    recording
        Name of a data set, or a file: ``v`` [mV] and ``i`` [pA] on (sweep, time), and the label
        ``step`` [pA] of sweeps.
    window
        When the steps begin and end [ms].
    seed
        Seed of the first search; the next ones count on.
    n_seeds
        Searches.
    generations
        Generations of each search.
    candidates
        Cells of a generation, brought to the next power of two.
    dt
        Step of the simulation [ms].
    hold_out
        Every so many of the sweeps in which the cell fires is left out of the fit.
    latency
        Weight of the latency of the first spike in the loss; the firing rate has 1.
    potential
        Weight of potentials of sweeps without spikes in the loss.
    hyperpolarised
        Sweeps with currents below this [pA] do not count in the fit: far below rest the quadratic
        current of the model is not that of a cell.
    """

    recording: str = "fsi_steps"
    window: tuple[NotNegative, NotNegative] = WINDOW
    n_seeds: Count = 5
    generations: Count = 300
    candidates: Annotated[int, Limits(4)] = 128
    dt: Positive = 0.1
    hold_out: Annotated[int, Limits(2)] = 2
    latency: NotNegative = 0.2
    potential: NotNegative = 0.2
    hyperpolarised: float = -50.0


def check(settings: Settings) -> None:
    """Refuse settings that do not fit together."""
    start, stop = settings.window
    if not stop - start >= LATE:
        raise ValueError(
            f"Setting 'window' is when the steps begin and end [ms], at least {LATE:g} ms apart, "
            f"got {spelled(settings.window)}."
        )


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Search for the cell, several times, and score it on the steps that were left out.

    Returns
    -------
    xr.DataTree
        ``/recording`` (potentials, currents and spikes), ``/recording/fi``; ``/model``, the run of
        the best cell, and ``/model/fi``; ``/analysis/cells``: parameters and errors of the best
        cell of each search; ``/analysis/responses``: what each does in every sweep.
    """
    recorded = _load(settings.recording)
    spikes = analysis.detect_spikes(recorded)
    wanted = analysis.fi_curve(spikes, window=settings.window).isel(unit=0, drop=True)
    order = np.argsort(recorded["step"].values, kind="stable")
    recorded = recorded.isel(sweep=order)
    protocol = _protocol(recorded, settings)
    target = _target(recorded, wanted, settings)
    peak = _peak(recorded, settings)

    def loss(found: Response) -> np.ndarray:
        return _loss(found, target, settings)

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
        "/analysis/cells": _cells(cells, losses, found, target, histories, best),
        "/analysis/responses": _responses(found, target, settings),
    }
    return result(tree, settings)


def _load(recording: str) -> xr.Dataset:
    loaded = datasets.open(recording)
    needed = {"v", "i", "step"}
    missing = needed - set(loaded.variables) if isinstance(loaded, xr.Dataset) else needed
    if missing:
        raise ValueError(
            f"{recording}: a fit needs potentials 'v' and currents 'i' on (sweep, time) and the "
            f"height 'step' of each sweep's current; {', '.join(sorted(missing))} is missing. "
            "Axon files read by neurodyn.io.read have 'v' and 'i_command': rename them, and give "
            "'step' with .assign_coords."
        )
    return loaded


def _protocol(recorded: xr.Dataset, settings: Settings) -> Protocol:
    """The currents of all sweeps at the step of the simulation, from a little before the steps."""
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


@dataclasses.dataclass(frozen=True)
class _Target:
    """What the recorded cell does in each sweep, and in which sweeps the fit looks at it."""

    current: np.ndarray
    rate: np.ndarray
    latency: np.ndarray
    potential: np.ndarray
    fires: np.ndarray
    fitted: np.ndarray
    seconds: float


def _target(recorded: xr.Dataset, wanted: xr.Dataset, settings: Settings) -> _Target:
    step = recorded["step"].values
    if len(np.unique(step)) != len(step):
        raise ValueError(f"each sweep needs a current of its own, got {step.tolist()} pA.")
    rate = wanted["rate"].values
    fires = rate > 0
    if fires.sum() < 3:
        raise ValueError(f"the cell fires in {fires.sum()} sweeps; an f-I curve needs three.")
    held = np.zeros(len(step), bool)
    held[np.flatnonzero(fires)[settings.hold_out - 1 :: settings.hold_out]] = True
    stop = settings.window[1]
    late = labels.between(recorded["v"], (stop - LATE, stop)).mean("time").values
    return _Target(
        current=step,
        rate=rate,
        latency=wanted["latency"].values,
        potential=late,
        fires=fires,
        fitted=~held & (step >= settings.hyperpolarised),
        seconds=(stop - settings.window[0]) / 1e3,
    )


def _loss(found: Response, target: _Target, settings: Settings) -> np.ndarray:
    """Mean squared errors of rate, latency and potential, each in units of its scale."""
    here = target.fitted
    rate = (found.count / target.seconds - target.rate[:, None]) / SCALE["rate"]
    total = (rate[here] ** 2).mean(0)
    some = here & target.fires
    longest = np.minimum(found.latency[some], 1e3 * target.seconds)
    latency = np.log(longest / target.latency[some, None]) / SCALE["latency"]
    total = total + settings.latency * (latency**2).mean(0)
    quiet = here & ~target.fires
    potential = (found.potential[quiet] - target.potential[quiet, None]) / SCALE["potential"]
    return total + settings.potential * (potential**2).mean(0) if quiet.any() else total


def _peak(recorded: xr.Dataset, settings: Settings) -> float:
    """Median peak of the recorded spikes [mV]."""
    v = labels.between(recorded["v"], settings.window).transpose("sweep", "time").values
    rises = (v[:, 1:] >= 0) & (v[:, :-1] < 0)
    peaks = [v[s, k : k + 40].max() for s, k in zip(*np.nonzero(rises), strict=True)]
    return float(np.median(peaks))


def _simulate(
    best: Any, recorded: xr.Dataset, settings: Settings, protocol: Protocol
) -> xr.Dataset:
    """A labelled run of one cell under all currents."""
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
    """Potentials, a fifth of the samples, and spikes, sweeps as trials in the same order."""
    one = recorded[["v", "i"]].isel(time=slice(None, None, 5)).rename(sweep="trial")
    one = one.drop_vars("start_time", errors="ignore").assign_coords(trial=np.arange(len(order)))
    spikes = nd.spikes.relabel(spikes.isel(trial=order), trial=np.arange(len(order)), unit=[0])
    table = {name: spikes[name].variable for name in SPIKE_COLUMNS if name in spikes}
    return one.assign_coords(table | {"unit": [0]})


def _cells(cells, losses, found, target: _Target, histories, best: int) -> xr.Dataset:
    """Parameters and errors of the best cell of each search."""
    error = np.asarray(found.count).T / target.seconds - target.rate[None, :]

    def rmse(which: np.ndarray) -> np.ndarray:
        return np.sqrt((error[:, which] ** 2).mean(1))

    variables: dict[str, tuple] = {
        name: ("seed", np.asarray(getattr(cells, name).value()), bound.units, bound.long_name)
        for name, bound in BOUNDS.items()
    }
    fitted, held = target.fitted & target.fires, ~target.fitted & target.fires
    variables |= {
        "loss": ("seed", losses, "1", "loss"),
        "error_fitted": ("seed", rmse(fitted), "Hz", "rate error, fitted steps"),
        "error_held_out": ("seed", rmse(held), "Hz", "rate error, held-out steps"),
        "history": (("seed", "iteration"), np.stack(histories), "1", "best loss so far"),
    }
    return labels.dataset(
        variables,
        {},
        source="analysis",
        kind="statistic",
        attrs={"best": best, "vpeak": float(np.asarray(cells.vpeak.value())[0])},
    )


def _responses(found: Response, target: _Target, settings: Settings) -> xr.Dataset:
    """What every cell does in every sweep, beside what was recorded."""
    count, latency, _, potential = (np.asarray(x).T for x in found)
    latency = np.where(np.isfinite(latency), latency, np.nan)
    dims = ("seed", "sweep")
    variables = {
        "rate": (dims, count / target.seconds, "Hz", "firing rate"),
        "latency": (dims, latency, "ms", "latency of the first spike"),
        "potential": (dims, potential, "mV", "mean potential late in the step"),
        "recorded_rate": ("sweep", target.rate, "Hz", "recorded firing rate"),
        "recorded_latency": ("sweep", target.latency, "ms", "recorded latency"),
        "recorded_potential": ("sweep", target.potential, "mV", "recorded mean potential"),
        "fitted": ("sweep", target.fitted.astype(int), "1", "whether the fit looked at it"),
    }
    coords = {"current": ("sweep", target.current, "pA", "injected current")}
    return labels.dataset(variables, coords, source="analysis", kind="statistic", values=False)


EXPERIMENT = Experiment(
    name="fit_izhikevich",
    title="Which Izhikevich neuron fires like a recorded fast-spiking interneuron?",
    reference=("izhikevich2007", "storn1997"),
    presets={
        "quick": Settings(n_seeds=3, generations=100),
        "paper": Settings(),
    },
    run=run,
    figures=fit_figures,
    summary=fit_summary,
    method=(
        "{n_seeds} searches of {generations} generations by differential evolution looked for "
        "the Izhikevich neuron that fires like the cell in '{recording}' under steps of "
        "current. Every {hold_out}th of the steps at which the cell fires was left out of the "
        "fit and tells how well it predicts."
    ),
    ranges=(
        "First the value of the best cell; in brackets the smallest and the largest over searches."
    ),
    captions={
        "curves": (
            "Firing rate, latency of the first spike and potential late in the step against "
            "the current, of the recorded cell and of the fitted ones; hollow marks were left "
            "out of the fit."
        ),
        "potentials_": "Recorded potentials and those of the best cell under one current.",
    },
    check=check,
)
