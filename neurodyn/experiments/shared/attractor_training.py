"""Training and free runs of networks that reconstruct an attractor."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Literal

import equinox as eqx
import jax
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.limits import Count, Limits, Positive
from neurodyn.experiments.running.seeds import SeededSettings, seeds_of, shared_key
from neurodyn.experiments.shared.attractor_data import AttractorData
from neurodyn.io.files import load, save
from neurodyn.params import whole_model
from neurodyn.tasks import Windows
from neurodyn.training import Ensemble, FreeRun, Seeds, fit, radam


@dataclasses.dataclass(frozen=True)
class AttractorSettings(SeededSettings):
    """Settings of data and training.

    Attributes
    ----------
    n_seeds
        Networks, trained as one ensemble.
    window
        Length of training windows [steps].
    epochs
        Epochs of training.
    epoch_size
        Updates of an epoch.
    batch_size
        Windows of an update.
    learning_rate
        Learning rate at the start and at the end; it falls exponentially from epoch to epoch.
    n_samples
        Samples of simulated systems.
    evaluate_every
        Epochs between evaluations of a free run. The checkpoint with the smallest divergence from
        the training data is kept.
    evaluate_samples
        Length of that free run [steps].
    """

    n_seeds: Count = 5
    window: Annotated[int, Limits(2)] = 200
    epochs: Count = 2000
    epoch_size: Count = 50
    batch_size: Count = 16
    learning_rate: tuple[Positive, Positive] = (1e-3, 1e-5)
    n_samples: Count = 100_000
    evaluate_every: Count = 100
    evaluate_samples: Count = 25_000


def check_window(settings: AttractorSettings) -> None:
    """Refuse windows that are longer than the data.

    Raises
    ------
    ValueError
        If they are.
    """
    if settings.window >= settings.n_samples:
        raise ValueError(
            f"Setting 'window' ({settings.window}) must be shorter than the data "
            f"('n_samples', {settings.n_samples})."
        )


def train_ensemble(
    network: Callable[[Any], Any],
    task: Windows,
    data: AttractorData,
    settings: AttractorSettings,
    run: Run,
    *,
    objective: Any,
    divergence: Any,
    how: Literal["map", "vmap"],
    name: str = "networks",
) -> tuple[Ensemble, Ensemble, xr.Dataset]:
    """Train networks; keep those of the best evaluation and those of the last step.

    Parameters
    ----------
    network
        Function of a key that makes a network.
    task, data
        Windows of the training data, and the data.
    settings, run
        Settings, and the folder for checkpoints.
    objective
        Objective of the training.
    divergence
        Divergence of a free run from the training data; the smallest chooses the best evaluation.
    how
        How the members of the ensemble run, as in :class:`~neurodyn.training.Seeds`.
    name
        Name of the checkpoints.

    Returns
    -------
    best, last
        Networks at their best evaluation, and after the last step.
    history
        History of the training.
    """
    steps = settings.epochs * settings.epoch_size
    keep = _KeepLast(steps, run, name)
    trained = fit(
        network,
        task,
        objective=objective,
        optimizer=radam(
            *settings.learning_rate, epochs=settings.epochs, steps_per_epoch=settings.epoch_size
        ),
        steps=steps,
        batch_size=settings.batch_size,
        evaluate=FreeRun(
            divergence,
            data.train,
            name="training data",
            n_steps=min(settings.evaluate_samples, len(data.train)),
        ),
        evaluate_every=min(settings.evaluate_every * settings.epoch_size, steps),
        select="min:validation_d_stsp",
        ensemble=Seeds(settings.n_seeds, how=how, seeds=seeds_of(settings, settings.n_seeds)),
        callbacks=keep,
        key=shared_key(1),
        **run.training(name),
    )
    return trained.model, keep.model(), trained.history


class _KeepLast:
    """Callback of `fit` that keeps the models of the last step, in a file for resumed runs."""

    def __init__(self, steps: int, run: Run, name: str):
        self._path = None if run.folder is None else run.folder / f"{name}_last.nd"
        self._steps, self._writes, self._model = steps, run.writes, None

    def __call__(self, snapshot: Any) -> None:
        if snapshot.step == self._steps:
            self._model = snapshot.model
            if self._path is not None and self._writes:
                save(self._path, self._model, overwrite=True)

    def model(self) -> Any:
        return load(self._path) if self._model is None else self._model


@eqx.filter_jit
def free_run(
    model: Any, start: Float[Array, " output"], n_steps: int
) -> tuple[Float[Array, "time unit"], Float[Array, "time output"]]:
    """Run a model of the PLRNN family without data, from the state of one observation.

    Parameters
    ----------
    model
        The model.
    start
        One observation, from which the model infers its initial state.
    n_steps
        Number of steps.

    Returns
    -------
    states, outputs
        Latent states and outputs after each step.

    Raises
    ------
    ValueError
        If the model has inputs, or separate parameters for each subject.
    """
    if model.n_inputs:
        raise ValueError(
            f"A free run takes a model without inputs; this {type(model).__name__} has "
            f"{model.n_inputs} inputs."
        )
    model = whole_model(model)

    def step(z, _):
        z = model.step(z)
        return z, z

    _, states = jax.lax.scan(step, model.infer(start), length=n_steps)
    return states, jax.vmap(model.observation.readout)(states)
