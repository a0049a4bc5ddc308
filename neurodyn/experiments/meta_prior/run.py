"""Meta-prior: between deterministic chaos and a random process, in networks that learn a source."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import xarray as xr

from neurodyn.experiments.meta_prior.figures import figures, summary
from neurodyn.experiments.meta_prior.scores import examples, free_runs, reconstruction, true_floor
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.limits import Count, Limits, Whole
from neurodyn.experiments.shared.seeds import result, shared_key
from neurodyn.experiments.shared.sweep import RANGES, SweepSettings, train_all, unfold
from neurodyn.models import PVRNN
from neurodyn.tasks import Sequences, StateMachine
from neurodyn.training import Fit

__all__ = ["EXPERIMENT", "Settings", "run", "train"]

#: Points of the training curves that are kept.
_N_CURVE = 100


@dataclasses.dataclass(frozen=True)
class Settings(SweepSettings):
    """Settings; see :class:`SweepSettings` too.

    Attributes
    ----------
    w
        Meta-priors; those of the paper are not known to us, these span three decades.
    n_sequences
        Training sequences.
    n_steps
        Their length [steps].
    n_units
        Units of the network, which has one layer.
    n_latents
        Its latents.
    tau
        Its time constant [steps].
    w_first
        Meta-prior of the first step; None: that of the others. A small one for all lets networks
        with a large meta-prior store sequences in their first latent.
    word
        Symbols in the words that are compared.
    free_steps
        Steps of free generation that are scored.
    discard
        Steps of free generation before those.
    n_floor
        True sequences of the same length whose divergence is the floor.
    """

    n_sequences: Count = 20
    n_steps: Count = 24
    n_units: Count = 10
    n_latents: Count = 1
    tau: Annotated[float, Limits(1)] = 2.0
    word: Count = 12
    free_steps: Count = 5000
    discard: Whole = 1000
    n_floor: Count = 20


def check(settings: Settings) -> None:
    """Refuse settings that do not fit together."""
    if settings.word > settings.free_steps:
        raise ValueError(
            f"Setting 'word' ({settings.word} symbols) is at most 'free_steps' "
            f"({settings.free_steps})."
        )


def source(settings: Settings) -> tuple[StateMachine, Sequences]:
    """The machine, and the sequences that all networks learn."""
    machine = StateMachine(n_steps=settings.n_steps)
    return machine, machine.sequences(shared_key(0), settings.n_sequences)


def train(settings: Settings, run: Run) -> Fit:
    """All networks, every meta-prior and every start, in one program."""
    keys = shared_key(1), shared_key(2)
    return train_all(networks(settings), source(settings)[1], settings, run, key=keys)


def networks(settings: Settings) -> Callable[..., PVRNN]:
    """How a network is made, ``(w=, key=) -> PVRNN``."""
    machine, sequences = source(settings)

    def make(*, w: float, key: Any) -> PVRNN:
        return PVRNN(
            machine.n_outputs,
            settings.n_units,
            settings.n_latents,
            settings.tau,
            sequences=(sequences.n_items, sequences.n_steps),
            w=w,
            w_first=w if settings.w_first is None else float(settings.w_first),
            key=key,
        )

    return make


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train with every meta-prior, let the networks generate, and judge what they generate."""
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
    """Means over stretches that grow as training goes on, of all that was recorded."""
    n = history.sizes["step"]
    edges = np.unique(np.geomspace(1, n, _N_CURVE + 1).astype(int) - 1)
    edges[-1] = n
    names = [name for name in history.data_vars if "step" in history[name].dims]
    parts = [
        history[names].isel(step=slice(a, b)).mean("step", keep_attrs=True)
        for a, b in itertools.pairwise(edges)
    ]
    joined = xr.concat(parts, "step", coords="minimal", compat="override", join="exact")
    centre = (edges[:-1] + edges[1:] - 1) / 2
    at = ("step", centre, {"units": "1", "long_name": "training step"})
    return joined.transpose("seed", "step").assign_coords(step=at).assign_attrs(history.attrs)


EXPERIMENT = Experiment(
    name="meta_prior",
    title="Does a PV-RNN imitate randomness by chaos or by noise, and what decides between them?",
    reference=("ahmadi2019",),
    presets={
        "quick": Settings(),
        "paper": Settings(n_networks=8, epochs=100_000),
        "control": Settings(w=(0.01, 0.1, 1.0), w_first=None, epochs=20_000),
    },
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
            "Standard deviations of prior and posterior and their divergence against the meta- "
            "prior; points are networks."
        ),
        "lyapunov": "Largest Lyapunov exponent against the meta-prior, with noise and without.",
        "generalisation": (
            "Forbidden words, entropy rate and word divergence against the meta-prior; the "
            "line is what true sequences of this length reach."
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
