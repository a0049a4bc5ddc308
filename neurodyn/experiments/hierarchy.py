"""Hierarchy: does the slow layer of a PV-RNN learn the preference that rules fast reaches?"""

import dataclasses

import jax
import numpy as np
import optax

from neurodyn.experiments.experiment import Run
from neurodyn.models import PVRNN
from neurodyn.tasks import HomeReach, Sequences
from neurodyn.training import ELBO, Ensemble, Fit, Seeds, fit

__all__ = ["Settings", "train"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings.

    Attributes
    ----------
    seed
        Seed of everything.
    w
        Meta-priors, each the same in all layers.
    n_networks
        Networks trained with each of them.
    epochs, learning_rate
        Training, on the full batch, with Adam.
    repeats
        Training sequences of each of the nine probabilities of a left reach.
    n_phases
        Phases of a sequence, of 8 steps each.
    n_units, n_latents, tau
        Each layer of the network, the fastest first; tau in steps. Default: as in the public code
        of Soda et al. (2023).
    w_first
        Meta-prior of the first step.
    """

    seed: int = 0
    w: tuple[float, ...] = (0.003, 0.03)
    n_networks: int = 2
    epochs: int = 2000
    learning_rate: float = 1e-3
    repeats: int = 2
    n_phases: int = 32
    n_units: tuple[int, ...] = (20, 10, 10)
    n_latents: tuple[int, ...] = (2, 2, 2)
    tau: tuple[float, ...] = (2.0, 8.0, 32.0)
    w_first: float = 0.01


def source(settings: Settings) -> tuple[HomeReach, Sequences]:
    """The task, and the sequences to learn: every probability equally often."""
    task = HomeReach(n_phases=settings.n_phases)
    p_left = np.tile(np.asarray(task.p_left), settings.repeats)
    return task, task.sequences(_key(settings, 0), len(p_left), p_left=p_left)


def train(settings: Settings, run: Run) -> Fit:
    """All networks in one program."""
    task, sequences = source(settings)
    starts = _key(settings, 1)
    members = [
        PVRNN(
            task.n_outputs,
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


def _key(settings: Settings, part: int):
    return jax.random.fold_in(jax.random.key(settings.seed), part)
