"""Meta-prior: between deterministic chaos and a random process, in networks that learn a source."""

import dataclasses

import jax
import optax

from neurodyn.experiments.experiment import Run
from neurodyn.models import PVRNN
from neurodyn.tasks import Sequences, StateMachine
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


def _key(settings: Settings, part: int):
    return jax.random.fold_in(jax.random.key(settings.seed), part)
