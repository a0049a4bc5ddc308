"""FORCE in networks of Izhikevich neurons, which learn to generate a sine by themselves."""

from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import aligned_correlation, main_frequency
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save, unpack_spikes
from neurodyn.experiments.force_sine.figures import figures, summary
from neurodyn.experiments.force_sine.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.resume import Resumed
from neurodyn.experiments.running.seeds import result, seeds_of
from neurodyn.models.spiking import DoubleExponential, Izhikevich2007, Network, Projection, Readout
from neurodyn.models.spiking.plasticity import RLS
from neurodyn.params import Fixed, with_values
from neurodyn.tasks import Sines

__all__ = ["EXPERIMENT", "force_network"]

#: Interval of the output samples in the result [ms].
KEPT = 1.0


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Simulate every network second by second; a resumed run keeps its finished seconds.

    Returns
    -------
    xr.DataTree
        On (sweep, seed), where `sweep` is the size: ``/model/output``, ``/model/rate`` and
        ``/analysis/scores``.
    """
    parts = []
    for n in settings.sizes:
        seeds = seeds_of(settings, settings.n_networks)
        members = [_one(settings, n, seed, run) for seed in seeds]
        parts.append(xr.concat(members, "seed", join="exact", combine_attrs="drop_conflicts"))
    ds = xr.concat(parts, "sweep", join="exact", combine_attrs="drop_conflicts")
    units = {"units": "1", "long_name": "number of neurons"}
    ds = ds.assign_coords(n_neurons=("sweep", np.asarray(settings.sizes), units))
    traces = ("output", "target", "rate")
    tree = {
        "/model/output": ds[["output", "target"]],
        "/model/rate": ds[["rate"]],
        "/analysis/scores": ds[[name for name in ds.data_vars if name not in traces]],
    }
    return result(tree, settings)


def _one(settings: Settings, n: int, seed: int, run: Run) -> xr.Dataset:
    """Output, rate and scores of one network."""
    seconds = settings.before + settings.learn + settings.after
    steps = round(1000.0 / settings.dt)
    task = Sines(settings.dt, frequencies=settings.frequency, duration=1000.0 * seconds)
    target = task.batch(0, 1, start=0.0).targets[0]
    network = force_network(settings, n, (0, n, seed))
    like = jax.eval_shape(lambda: with_values(network).initial_state(dt=settings.dt))
    done = Resumed(run, f"n{n}_{seed}", settings)
    results, state = done.load(like)
    z, rate = (list(results.get(name, ())) for name in ("output", "rate"))
    for second in range(len(rate), seconds):
        here = slice(second * steps, (second + 1) * steps)
        part = integrate(
            network,
            Drive(target=target[here]),
            dt=settings.dt,
            state=state,
            start=second * steps,
            save=Save(spikes="packed"),
        )
        state = part.final_state
        z.append(np.asarray(part.outputs[:, 0], np.float64))
        units = unpack_spikes(np.asarray(part.spikes)[:, None], n)[2]
        rate.append(len(units) / n)
        results = {"output": np.stack(z), "rate": np.array(rate)}
        done.save(results, state if second + 1 < seconds else None)
    return scored(settings, results["output"].ravel(), np.asarray(target[:, 0]), results["rate"])


def force_network(settings: Settings, n: int, seed: Any) -> Network:
    """The network of Nicola & Clopath (2017) for the sine, with ``n`` neurons.

    Weights are drawn with NumPy: recurrent ``G N(0, 1) Bernoulli(p) / (p sqrt(n))``, feedback
    ``Q U(-1, 1)``, potentials ``U(vr, vpeak)``.
    """
    rng = np.random.default_rng(seed)
    scale = settings.coupling / (settings.p * np.sqrt(n))
    W = scale * rng.standard_normal((n, n)) * (rng.random((n, n)) < settings.p)
    feedback = settings.feedback * (2 * rng.random((1, n)) - 1)
    v0 = -60.0 + 90.0 * rng.random(n)
    cells = Izhikevich2007(
        n,
        "RS",
        C=250.0,
        k=2.5,
        vr=-60.0,
        vt=-19.2,
        vpeak=30.0,
        a=0.01,
        b=-2.0,
        c=-65.0,
        d=200.0,
        v0=v0,
    )
    start = 1000.0 * settings.before
    rule = RLS(
        settings.alpha,
        every=settings.every,
        start=start,
        stop=start + 1000.0 * settings.learn,
        gain=settings.gain,
    )
    return Network(
        {"cells": cells},
        synapses={"current": DoubleExponential(2.0, 20.0, exact=True)},
        projections={"recurrent": Projection("cells", "cells", "current", W=Fixed(W))},
        readout=Readout(
            1, filter=DoubleExponential(2.0, 20.0, exact=True), feedback=feedback, rule=rule
        ),
        bias=1000.0,
        key=0,
    )


def scored(settings: Settings, z: np.ndarray, target: np.ndarray, rate: np.ndarray) -> xr.Dataset:
    """Output, target, rate and scores of one network, labelled."""
    dt, steps = settings.dt, round(1000.0 / settings.dt)
    trained = slice((settings.before + settings.learn - 1) * steps, None)
    error = (z - target)[trained][:steps]
    alone = trained.start + steps
    early, late = slice(alone, alone + steps), slice(len(z) - steps, None)
    half = 500.0 / settings.frequency
    ends = {
        name: aligned_correlation(z[s], target[s], longest=half, dt=dt)
        for name, s in (("first", early), ("last", late))
    }
    every = max(1, round(KEPT / dt))
    scores = {"training_rmse": ("root mean squared error, last second of learning", "1")}
    values = {"training_rmse": np.sqrt(np.mean(error**2))}
    for name, ds in ends.items():
        for what in ("correlation", "shift", "gain", "rmse"):
            values[f"{what}_{name}"] = float(ds[what])
            scores[f"{what}_{name}"] = (
                f"{ds[what].attrs['long_name']}, {name} second after learning",
                ds[what].attrs["units"],
            )
    values["frequency"] = main_frequency(z[alone:], dt=dt)
    scores["frequency"] = ("frequency after learning", "Hz")
    return labels.dataset(
        {
            "output": (("time",), z[every - 1 :: every], "1", "output", "output"),
            "target": (("time",), target[every - 1 :: every], "1", "target", "target"),
            "rate": (("epoch",), rate, "Hz", "firing rate, mean over neurons", "rate"),
            **{k: ((), float(values[k]), units, name) for k, (name, units) in scores.items()},
        },
        {
            "time": labels.time_axis(len(z) // every, every * dt),
            "epoch": ("epoch", np.arange(len(rate)) + 1.0, "s", "end of the second"),
        },
        source="model",
        attrs={"experiment": "force_sine"},
    )


EXPERIMENT = Experiment(
    name="force_sine",
    title="Can a network of Izhikevich neurons learn to generate a sine by itself?",
    reference=("nicola2017", "sussillo2009", "izhikevich2007"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of each of the sizes {sizes} learnt by recursive least squares "
        "to generate a sine of {frequency} Hz, which their output feeds back to all neurons. "
        "They learnt for {learn} s after {before} s of activity, and then ran for {after} s "
        "without the sine."
    ),
    ranges=(
        "Values are means over networks; in brackets their bootstrap interval of 95 %, from "
        "five networks on, followed by their range."
    ),
    captions={
        "output_": (
            "Output of the first network of this size and the sine: when learning begins, when it "
            "ends, and at the end of the run."
        ),
        "scores": (
            "Scores of every network against its number of neurons; lines mark the scores of a "
            "good network."
        ),
    },
)
