"""Meta-prior: between deterministic chaos and a random process, in networks that learn a source."""

import dataclasses
import itertools
from typing import Any

import jax
import numpy as np
import optax
import xarray as xr

from neurodyn.experiments.experiment import Experiment, Run
from neurodyn.experiments.meta_prior_report import figures, summary
from neurodyn.experiments.meta_prior_scores import examples, free_runs, reconstruction, true_floor
from neurodyn.labels import encode_attrs
from neurodyn.models import PVRNN
from neurodyn.tasks import Sequences, StateMachine
from neurodyn.training import ELBO, Ensemble, Fit, Seeds, fit

__all__ = ["EXPERIMENT", "Settings", "run", "train"]

#: Points of the training curves that are kept.
_N_CURVE = 100


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings.

    Attributes
    ----------
    seed
        Seed of everything.
    w
        Meta-priors; those of the paper are not known to us, these span three decades.
    n_networks
        Networks trained with each of them, from starts that are the same for every meta-prior.
    epochs, learning_rate
        Training, on the full batch, with Adam.
    n_sequences, n_steps
        Training sequences and their length.
    n_units, n_latents, tau
        The network: one layer; tau in steps.
    w_first
        Meta-prior of the first step.
    word
        Symbols in the words that are compared.
    free_steps, discard
        Steps of free generation that are scored, and steps before.
    n_floor
        True sequences of the same length whose divergence is the floor.
    """

    seed: int = 0
    w: tuple[float, ...] = (0.001, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0)
    n_networks: int = 5
    epochs: int = 5000
    learning_rate: float = 1e-3
    n_sequences: int = 20
    n_steps: int = 24
    n_units: int = 10
    n_latents: int = 1
    tau: float = 2.0
    w_first: float = 0.01
    word: int = 12
    free_steps: int = 5000
    discard: int = 1000
    n_floor: int = 20


def source(settings: Settings) -> tuple[StateMachine, Sequences]:
    """The machine, and the sequences that all networks learn."""
    machine = StateMachine(n_steps=settings.n_steps)
    return machine, machine.sequences(_key(settings, 0), settings.n_sequences)


def train(settings: Settings, run: Run) -> Fit:
    """All networks, every meta-prior and every start, in one program."""
    machine, sequences = source(settings)
    starts = _key(settings, 1)
    members = [
        PVRNN(
            machine.n_outputs,
            settings.n_units,
            settings.n_latents,
            settings.tau,
            sequences=(sequences.n_items, sequences.n_steps),
            w=w,
            w_first=settings.w_first,
            key=jax.random.fold_in(starts, i),
        )
        for w in settings.w
        for i in range(settings.n_networks)
    ]
    return fit(
        Ensemble(members),
        sequences,
        objective=ELBO(),
        optimizer=optax.adam(settings.learning_rate),
        sampler="full",
        steps=settings.epochs,
        evaluate=False,
        ensemble=Seeds(len(members), how="vmap"),
        checkpoint=None if run.folder is None else run.folder / "networks.ckpt",
        checkpoint_every=None if run.folder is None else max(1, settings.epochs // 10),
        resume=run.resume,
        progress=run.progress,
        key=_key(settings, 2),
    )


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train with every meta-prior, let the networks generate, and judge what they generate."""
    machine, sequences = source(settings)
    trained = train(settings, run)
    models = list(trained.model)
    posterior = reconstruction(models, sequences, key=_key(settings, 3))
    free = free_runs(
        models,
        machine,
        word=settings.word,
        n_steps=settings.free_steps,
        discard=settings.discard,
        key=_key(settings, 4),
    )
    floor = true_floor(
        machine,
        word=settings.word,
        n_steps=settings.free_steps,
        n=settings.n_floor,
        key=_key(settings, 5),
    )
    tree = {
        "/model/training": _curves(trained.history),
        "/model/latents": posterior["latents"],
        "/model/errors": posterior["errors"],
        "/analysis/free/noisy": free["noisy"],
        "/analysis/free/noise_free": free["noise_free"],
    }
    tree = {name: _unfold(ds, settings) for name, ds in tree.items()}
    tree |= {
        "/analysis/floor": floor,
        "/analysis/words/true": free["true_words"],
        **examples(models, sequences, machine, settings, free["runs"], key=_key(settings, 6)),
    }
    tree = xr.DataTree.from_dict(tree)
    tree.attrs |= encode_attrs({"settings": dataclasses.asdict(settings)})
    return tree


def _unfold(ds: xr.Dataset, settings: Settings) -> xr.Dataset:
    """Members of the one ensemble as (meta_prior, seed)."""
    w, n = np.asarray(settings.w, np.float64), settings.n_networks
    order = [
        ds.isel(seed=slice(i * n, (i + 1) * n)).assign_coords(seed=np.arange(n))
        for i in range(len(w))
    ]
    joined = xr.concat(
        order, "meta_prior", data_vars="all", coords="minimal", compat="override", join="exact"
    )
    named = ("meta_prior", w, {"units": "1", "long_name": "meta-prior w"})
    return joined.assign_coords(meta_prior=named)


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


def _key(settings: Settings, part: int) -> Any:
    return jax.random.fold_in(jax.random.key(settings.seed), part)


EXPERIMENT = Experiment(
    name="meta_prior",
    title="Does a PV-RNN imitate randomness by chaos or by noise, and what decides between them?",
    reference=("ahmadi2019",),
    presets={
        "quick": Settings(),
        "paper": Settings(n_networks=8, epochs=100_000),
    },
    run=run,
    figures=figures,
    summary=summary,
)
