"""Events, their times and probabilities, learnt by a spiking reservoir that adapts."""

from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, seeds_of
from neurodyn.experiments.what_when.figures import figures, summary
from neurodyn.experiments.what_when.models import METHODS, learnt_weights, model
from neurodyn.experiments.what_when.scores import angles, by_trial, joined, probed
from neurodyn.experiments.what_when.session import plan, run_session
from neurodyn.experiments.what_when.settings import PRESETS, Settings
from neurodyn.tasks import PredictionObject

__all__ = ["EXPERIMENT", "SWITCHES"]

#: Blocks of the session with switches: the probability, then the timing, then both.
SWITCHES = (
    {"probability": 0.8},
    {"probability": 0.2},
    {"latency_a": 300.0, "latency_b": 500.0},
    {"probability": 0.8, "latency_a": 200.0, "latency_b": 400.0},
)


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train every network at all probabilities, then with every method in a session with switches.

    Returns
    -------
    xr.DataTree
        On `seed`: ``/model/sweep`` and ``/model/switches`` (scores and outputs of the tests), and
        ``/analysis/angles``.
    """
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
    """One block at every probability, and the weights at its end."""
    levels = np.linspace(0, 1, settings.n_levels)
    blocks = [({"probability": float(p)},) for p in levels]
    made = plan(task, blocks, settings.n_trials, key=jax.random.fold_in(key, 0))
    outputs, state = run_session(
        model("local", settings, seed, made),
        made,
        settings,
        run,
        f"sweep_{seed}",
        key=jax.random.fold_in(key, 1),
    )
    ds = by_trial(task, probed(task, made, outputs), made, {"probability": levels})
    return ds, learnt_weights(state, levels)


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
    title="Can a spiking reservoir learn events, their times and probabilities, and adapt?",
    reference=("yamada2026", "izhikevich2003", "sussillo2009"),
    presets=PRESETS,
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
            "Principal angles between the weights of events (what) and of times (when), beside "
            "those of shuffled units and of random spans."
        ),
    },
)
