"""FORCE in a network of Izhikevich neurons: a sine that it goes on to generate by itself."""

import dataclasses
from typing import Annotated, Any, Literal

import jax
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import aligned_correlation, main_frequency
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save, unpack_spikes
from neurodyn.experiments.force_sine.figures import figures, summary
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.limits import Count, Limits, NotNegative, Positive, Whole
from neurodyn.experiments.shared.resume import Resumed
from neurodyn.experiments.shared.seeds import SeededSettings, result, seeds_of
from neurodyn.models.spiking import DoubleExponential, Izhikevich2007, Network, Projection, Readout
from neurodyn.models.spiking.plasticity import RLS
from neurodyn.params import Fixed, resolve
from neurodyn.tasks import Sines

__all__ = ["EXPERIMENT", "Settings", "force_network", "run"]

#: Samples of the output that are kept, one every so many ms.
KEPT = 1.0


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings; defaults are those of the published script for the 5 Hz sine.

    Attributes
    ----------
    seed
        Seed of the first network of each size; the next ones count on.
    sizes
        Numbers of neurons; the published one is 2000.
    n_networks
        Networks of each size.
    gain
        Gain of recursive least squares, ``"published"`` or ``"textbook"``.
    frequency
        Frequency of the sine [Hz].
    dt
        Time step of the simulation [ms].
    before
        How long the network runs before learning [s].
    learn
        How long it learns [s].
    after
        How long it runs after learning [s].
    every
        Interval of the updates [ms].
    alpha
        Initial inverse correlation is this times the identity.
    p
        Probability of a connection.
    coupling
        Strength of the recurrent weights (G).
    feedback
        Strength of the feedback (Q).
    """

    sizes: tuple[Count, ...] = (1000, 2000)
    n_networks: Count = 5
    gain: Literal["published", "textbook"] = "published"
    frequency: Positive = 5.0
    dt: Positive = 0.04
    before: Whole = 5
    learn: Count = 5
    after: Annotated[int, Limits(2)] = 5
    every: Positive = 0.8
    alpha: Positive = 2.0
    p: Annotated[float, Limits(0, 1, above=True)] = 0.1
    coupling: NotNegative = 5e3
    feedback: NotNegative = 5e3


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


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Every network, one second after the other; a second that is done is not done again."""
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
    """One network: outputs, rates, and scores."""
    seconds = settings.before + settings.learn + settings.after
    steps = round(1000.0 / settings.dt)
    task = Sines(settings.dt, frequencies=settings.frequency, duration=1000.0 * seconds)
    target = task.batch(0, 1, start=0.0).targets[0]
    network = force_network(settings, n, (0, n, seed))
    like = jax.eval_shape(lambda: resolve(network).initial_state(dt=settings.dt))
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
    return _scored(settings, results["output"].ravel(), np.asarray(target[:, 0]), results["rate"])


def _scored(settings: Settings, z: np.ndarray, target: np.ndarray, rate: np.ndarray) -> xr.Dataset:
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
    values["frequency"] = float(main_frequency(z[alone:], dt=dt))
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
    title="Can a network of Izhikevich neurons learn to generate a sine, and go on by itself?",
    reference=("nicola2017", "sussillo2009", "izhikevich2007"),
    presets={
        "quick": Settings(sizes=(1000,), n_networks=1),
        "paper": Settings(),
        "textbook": Settings(gain="textbook"),
    },
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of each of the sizes {sizes} learnt by recursive least squares "
        "to generate a sine of {frequency} Hz, which their output feeds back to all neurons. "
        "They learnt for {learn} s after {before} s of activity, and then ran for {after} s by "
        "themselves."
    ),
    ranges=(
        "Values are means over networks; in brackets their bootstrap interval of 95 %, from "
        "five networks on, followed by their range."
    ),
    captions={
        "output_": (
            "Output of the first network of this size and the sine: where learning begins, "
            "where it ends, and at the end."
        ),
        "scores": (
            "Scores of every network against its number of neurons; lines are what a good "
            "network reaches."
        ),
    },
)
