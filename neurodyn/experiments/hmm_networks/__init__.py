"""Networks that emulate hidden Markov models: how they make random moves out of noise."""

from typing import Any

import jax
import optax
import xarray as xr

from neurodyn import analysis, labels
from neurodyn.experiments.hmm_networks.driven import drive
from neurodyn.experiments.hmm_networks.emitted import emissions
from neurodyn.experiments.hmm_networks.figures import figures, summary
from neurodyn.experiments.hmm_networks.scores import kicks, orbit, still
from neurodyn.experiments.hmm_networks.settings import PRESETS, Settings, check
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, seeds_of, shared_key
from neurodyn.experiments.shared.ensembles import stacked
from neurodyn.models import LeakyRNN
from neurodyn.params import Fixed, Normal
from neurodyn.tasks import HiddenMarkov
from neurodyn.training import Fit, MatchDistribution, Seeds, fit

__all__ = ["EXPERIMENT", "network", "source", "train"]


def source(settings: Settings) -> HiddenMarkov:
    """The hidden Markov model, with the noise that drives the networks."""
    make = getattr(HiddenMarkov, settings.source)
    return make(
        settings.n_states, stay=settings.stay, n_noise=settings.n_noise, n_steps=settings.n_steps
    )


def network(settings: Settings, key: Any) -> LeakyRNN:
    """Rectified units without leak and bias, whose outputs are logits of symbols."""
    task, bound = source(settings), settings.n_units**-0.5

    def weights(key, shape, dtype):
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return LeakyRNN(
        settings.n_noise,
        settings.n_units,
        task.n_outputs,
        tau=1.0,
        activation="relu",
        W=weights,
        U=weights,
        W_out=weights,
        b=Fixed(0.0),
        b_in=Fixed(0.0),
        b_out=Fixed(0.0),
        initial=Normal(0.0, 1.0),
        key=key,
    )


def train(settings: Settings, run: Run) -> Fit:
    """Train all networks on new sequences and noise at every step."""
    return fit(
        lambda key: network(settings, key),
        source(settings),
        objective=MatchDistribution(blur=settings.blur),
        optimizer=optax.chain(
            optax.clip_by_global_norm(0.9), optax.adam(settings.learning_rate, b1=0.9, b2=0.9)
        ),
        steps=settings.steps,
        batch_size=settings.batch_size,
        ensemble=Seeds(
            settings.n_networks, how="map", seeds=seeds_of(settings, settings.n_networks)
        ),
        key=shared_key(0),
        **run.training(),
    )


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train networks, and look at what they emit and how.

    Returns
    -------
    xr.DataTree
        On `seed`: ``/model/training``, ``/analysis/scores``, ``/analysis/emissions``,
        ``/analysis/orbit`` and ``/analysis/kicks``; and ``/analysis/fixed_points`` of the first
        network without noise, with its linear dynamics.
    """
    task, trained = source(settings), train(settings, run)
    parts: dict[str, list[xr.Dataset]] = {n: [] for n in ("scores", "emissions", "orbit", "kicks")}
    points = None
    for model in trained.model:
        driven = drive(model, task, settings.run_steps, settings.n_trials, shared_key(1))
        emitted, scores = emissions(settings, task, driven, shared_key(2))
        around, more = orbit(driven)
        pushes, last = kicks(settings, task, model, driven, shared_key(3))
        scores |= more | still(model, driven) | last
        found = labels.dataset(scores, {}, source="analysis", kind="statistic", values=False)
        for name, ds in zip(parts, (found, emitted, around, pushes), strict=True):
            parts[name].append(ds)
        if points is None:
            seen = driven.rate.reshape(-1, settings.n_units)
            starts = seen[:: max(1, len(seen) // 1000)]
            points = analysis.fixed_points(model, starts=starts, n_starts=256, progress=False)
    tree = {"/model/training": trained.history}
    tree |= {f"/analysis/{name}": stacked(each) for name, each in parts.items()}
    return result(tree | {"/analysis/fixed_points": points}, settings)


EXPERIMENT = Experiment(
    name="hmm_networks",
    title="How do networks that are driven by noise emulate hidden Markov models?",
    reference=("torre2025", "feydy2019", "jang2017"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of {n_units} rectified units without bias, driven by {n_noise} "
        "channels of white noise, emitted one symbol a step, and were trained for {steps} updates "
        "so that batches of {batch_size} emitted sequences had the distribution of those of a "
        "hidden Markov model ('{source}', {n_states} states, probability of staying {stay}). "
        "Regions of activity are named by the hidden state whose emissions they share. Each unit "
        "was pushed within each region to see whether the region is left sooner."
    ),
    ranges="Values are means over networks; in brackets the smallest and the largest of them.",
    captions={
        "training": (
            "Sinkhorn divergence between emitted and true sequences at the evaluations, and "
            "between two batches of true ones."
        ),
        "emissions": (
            "Probabilities of the next symbol and of the next decoded state, of the first network, "
            "of a sample of the source, and exact."
        ),
        "orbit": (
            "Activity of the first network in the plane of largest circulation, driven by noise, "
            "coloured by region, with the fixed points without noise."
        ),
        "kicks": (
            "Effect of a push of each unit of the first network on the chance of leaving a "
            "region, in order; clear effects are filled."
        ),
        "transitions": (
            "Changes of region per step: of the whole network, without its kick units, and "
            "without as many other units."
        ),
    },
    check=check,
)
