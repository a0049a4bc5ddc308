"""What, when, and how probable: a spiking reservoir that learns to expect, and adapts."""

import dataclasses
from typing import Annotated, Any

import jax
import numpy as np
import xarray as xr

from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.limits import Count, Limits, NotNegative, Positive, Whole
from neurodyn.experiments.shared.seeds import SeededSettings, result, seeds_of
from neurodyn.experiments.what_when.figures import figures, summary
from neurodyn.experiments.what_when.models import METHODS, model
from neurodyn.experiments.what_when.scores import angles, by_trial, joined, probed
from neurodyn.experiments.what_when.session import plan, run_session
from neurodyn.tasks import PredictionObject

__all__ = ["EXPERIMENT", "Settings", "run"]

#: Blocks of the session with switches: the probability, then the timing, then both.
SWITCHES = (
    {"probability": 0.8},
    {"probability": 0.2},
    {"latency_a": 300.0, "latency_b": 500.0},
    {"probability": 0.8, "latency_a": 200.0, "latency_b": 400.0},
)


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings; what the paper says is said to be so, all other numbers are ours.

    Attributes
    ----------
    n_seeds
        Networks, each with trials of its own; the paper has 5.
    n_units
        Neurons, four fifths of them excitatory; 1000 in the paper.
    n_levels
        Probabilities of event A from 0 to 1; 11 in the paper.
    n_trials
        Trials in a block; 100 in the paper.
    dt
        Time step of the simulation [ms].
    eta_what
        Share of the error in what comes that one trial corrects.
    eta_when
        Learning rate of when, per ms, for rates in spikes per ms.
    feedback
        Amplitude of the current that feeds back an expectation of 1 [mV/ms].
    cue
        Standard deviation over neurons of the current that the cue brings [mV/ms].
    event
        The same of the events. By default events only teach: currents at events would give away in
        training what has to come from the cue alone in a test [mV/ms].
    n_pulses
        Pulses that follow the cue one after the other up to the end of the trial, each into neurons
        of its own, with the amplitude of the cue: the clock of Nicola & Clopath (2017), started by
        the cue. Without it activity of our reservoir says little about the time 200 ms after a cue.
    noise
        White noise on the potential [mV per square root of ms].
    bias
        Constant currents are uniform from 0 to this [mV/ms].
    excitation
        Largest weight of fast excitatory synapses [mV/ms].
    inhibition
        Largest weight of inhibitory synapses [mV/ms].
    slow
        Largest weight of slow excitatory synapses [mV/ms].
    alpha
        Initial inverse correlation of recursive least squares.
    every
        Interval of its updates [ms].
    remembered
        Trials that recursive least squares with forgetting remembers.
    bound
        Largest mean of the eigenvalues of its P, by default its first value, `alpha`; 0: none, with
        which P winds up and is no longer positive in single precision after two blocks or so.
    """

    n_seeds: Count = 5
    n_units: Annotated[int, Limits(5)] = 1000
    n_levels: Annotated[int, Limits(2)] = 11
    n_trials: Count = 100
    dt: Positive = 1.0
    eta_what: NotNegative = 0.05
    eta_when: NotNegative = 0.3
    feedback: NotNegative = 1.0
    cue: NotNegative = 10.0
    event: NotNegative = 0.0
    n_pulses: Whole = 14
    noise: NotNegative = 0.3
    bias: NotNegative = 3.0
    excitation: NotNegative = 0.4
    inhibition: NotNegative = 1.2
    slow: NotNegative = 0.05
    alpha: Positive = 10.0
    every: Positive = 10.0
    remembered: Positive = 20.0
    bound: NotNegative = 10.0


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Every seed: the sweep over probabilities, then the switches with every method."""
    task = PredictionObject(settings.dt)
    sweeps, switches, weights = [], [], []
    for seed in seeds_of(settings, settings.n_seeds):
        key = jax.random.fold_in(jax.random.key(0), seed)
        sweep, W = _sweep(settings, run, task, seed, key)
        sweeps.append(sweep)
        weights.append(W)
        switches.append(_switches(settings, run, task, seed, key))
    sweep, switched = joined(sweeps), joined(switches)
    tree = {
        "/model/sweep": sweep,
        "/model/switches": switched,
        "/analysis/angles": angles(joined(weights), seeds_of(settings, settings.n_seeds)),
    }
    return result(tree, settings)


def _sweep(settings: Settings, run: Run, task: PredictionObject, seed: int, key: Any):
    """One block with every probability, and the weights at its end."""
    levels = np.linspace(0, 1, settings.n_levels)
    blocks = [({"probability": float(p)},) for p in levels]
    made = plan(task, blocks, settings.n_trials, key=jax.random.fold_in(key, 0))
    reservoir = model("local", settings, seed, made)
    outputs, state = run_session(
        reservoir, made, settings, run, f"sweep_{seed}", key=jax.random.fold_in(key, 1)
    )
    ds = by_trial(task, probed(task, made, outputs), made, {"probability": levels})
    return ds, reservoir.weights(state, levels)


def _switches(settings: Settings, run: Run, task: PredictionObject, seed: int, key: Any):
    """The session with switches, once with every method."""
    made = plan(task, [SWITCHES], settings.n_trials, key=jax.random.fold_in(key, 2))
    parts = []
    for method in METHODS:
        outputs, _ = run_session(
            model(method, settings, seed, made),
            made,
            settings,
            run,
            f"switches_{method}_{seed}",
            key=jax.random.fold_in(key, 3),
        )
        parts.append(by_trial(task, probed(task, made, outputs), made, {}).isel(sweep=0))
    ds = xr.concat(parts, "rule", join="exact", combine_attrs="drop_conflicts")
    return ds.assign_coords(rule=list(METHODS))


EXPERIMENT = Experiment(
    name="what_when",
    title="Can a spiking reservoir learn what comes, when and how probably, and adapt to switches?",
    reference=("yamada2026", "izhikevich2003", "sussillo2009"),
    presets={
        "quick": Settings(n_seeds=1, n_units=400, n_levels=5, n_trials=30),
        "paper": Settings(),
        "open_loop": Settings(feedback=0.0),
    },
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} spiking reservoirs of {n_units} neurons learnt by local rules which of two "
        "events follows a cue, when, and how probably, in blocks of {n_trials} trials at "
        "{n_levels} probabilities. In a session with switches of probability and timing they "
        "were compared with three kinds of recursive least squares."
    ),
    ranges=(
        "Values are means over networks; in brackets their bootstrap interval of 95 %, from "
        "three networks on."
    ),
    captions={
        "outputs": (
            "Outputs after the cue alone at the end of training, by probability, beside the "
            "expectation."
        ),
        "amplitude": "Height of the output at an event against its probability.",
        "learning": "Error over trials, mean over probabilities.",
        "switches": "Error over trials of each method; lines mark the switches.",
        "outputs_switches": "Outputs of the local rules at the end of each block.",
        "angles": (
            "Principal angles between the weights of what and of when, beside those of "
            "shuffled units and of random spans."
        ),
    },
)
