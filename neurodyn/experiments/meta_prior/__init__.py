"""Meta-prior: between deterministic chaos and a random process, in networks that learn a source."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.experiments.meta_prior.figures import figures, summary
from neurodyn.experiments.meta_prior.scores import examples, free_runs, reconstruction, true_floor
from neurodyn.experiments.meta_prior.settings import PRESETS, Settings, check
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, shared_key
from neurodyn.experiments.shared.ensembles import stacked
from neurodyn.experiments.shared.layers import pvrnn
from neurodyn.experiments.shared.meta_priors import RANGES, train_all, unfold
from neurodyn.models import PVRNN
from neurodyn.tasks import Sequences, StateMachine
from neurodyn.training import Fit

__all__ = ["EXPERIMENT", "networks", "train"]

#: Number of points of the training curves in the result.
_N_CURVE = 100


def source(settings: Settings) -> tuple[StateMachine, Sequences]:
    """The state machine, and the training sequences of all networks."""
    machine = StateMachine(n_steps=settings.n_steps)
    return machine, machine.sequences(shared_key(0), settings.n_sequences)


def train(settings: Settings, run: Run) -> Fit:
    """Train networks for every meta-prior and seed, in one program."""
    keys = shared_key(1), shared_key(2)
    return train_all(networks(settings), source(settings)[1], settings, run, key=keys)


def networks(settings: Settings) -> Callable[..., PVRNN]:
    """Function ``(w=, key=) -> PVRNN`` that makes a network."""
    sequences = source(settings)[1]

    def make(*, w: float, key: Any) -> PVRNN:
        first = w if settings.w_first is None else float(settings.w_first)
        return pvrnn(settings, sequences, w=w, w_first=first, key=key)

    return make


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train with every meta-prior, let the networks generate, and score the generated sequences.

    Returns
    -------
    xr.DataTree
        On (meta_prior, seed): ``/model/training``, ``/model/latents`` and ``/model/errors`` of
        reconstruction, ``/analysis/free/noisy`` and ``/analysis/free/noise_free`` of generation;
        ``/analysis/floor``: divergence of true sequences; ``/analysis/words``, ``/analysis/plane``
        and ``/model/example`` of a few networks.
    """
    machine, sequences = source(settings)
    trained = train(settings, run)
    models = list(trained.model)
    posterior = reconstruction(models, sequences, key=shared_key(3))
    free = free_runs(
        models,
        machine,
        word=settings.word,
        n_steps=settings.free_steps,
        discard=settings.discard,
        key=shared_key(4),
    )
    floor = true_floor(
        machine,
        word=settings.word,
        n_steps=settings.free_steps,
        n=settings.n_floor,
        key=shared_key(5),
    )
    tree = {
        "/model/training": _curves(trained.history),
        "/model/latents": posterior["latents"],
        "/model/errors": posterior["errors"],
        "/analysis/free/noisy": free["noisy"],
        "/analysis/free/noise_free": free["noise_free"],
    }
    tree = {name: unfold(ds, settings) for name, ds in tree.items()}
    tree |= {
        "/analysis/floor": floor,
        "/analysis/words/true": free["true_words"],
        **examples(models, sequences, machine, settings, free["runs"], key=shared_key(6)),
    }
    return result(tree, settings)


def _curves(history: xr.Dataset) -> xr.Dataset:
    """Training curves, averaged over stretches of steps that grow with the step."""
    n = history.sizes["step"]
    edges = np.unique(np.geomspace(1, n, _N_CURVE + 1).astype(int) - 1)
    edges[-1] = n
    names = [name for name in history.data_vars if "step" in history[name].dims]
    parts = [
        history[names].isel(step=slice(a, b)).mean("step", keep_attrs=True)
        for a, b in itertools.pairwise(edges)
    ]
    joined = stacked(parts, "step")
    centre = (edges[:-1] + edges[1:] - 1) / 2
    at = ("step", centre, {"units": "1", "long_name": "training step"})
    return joined.transpose("seed", "step").assign_coords(step=at).assign_attrs(history.attrs)


EXPERIMENT = Experiment(
    name="meta_prior",
    title="Does a PV-RNN imitate randomness by chaos or by noise, and what decides between them?",
    reference=("ahmadi2019",),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} PV-RNNs for each meta-prior w of {w} learnt {n_sequences} sequences of "
        "{n_steps} symbols from a probabilistic state machine, in {epochs} updates. Each then "
        "generated {free_steps} steps by itself, with noise and without, which were compared "
        "with the machine by the frequencies of words of {word} symbols and by the largest "
        "Lyapunov exponent."
    ),
    ranges=RANGES,
    captions={
        "latents": (
            "Standard deviations of prior and posterior and their divergence against the "
            "meta-prior; points are networks."
        ),
        "lyapunov": "Largest Lyapunov exponent against the meta-prior, with noise and without.",
        "generalisation": (
            "Forbidden words, entropy rate and word divergence against the meta-prior; the "
            "line is the score of true sequences of this length."
        ),
        "errors": (
            "Squared error of reconstruction, of generation from the first latents, and of "
            "free generation."
        ),
        "bands_": "Prior and posterior of one network along three training sequences.",
        "words_": "Frequencies of words of the source and of one network.",
        "free_run_without_noise": (
            "Units in free generation without noise, on the principal components of generation "
            "with noise; colours are symbols."
        ),
    },
    check=check,
)
