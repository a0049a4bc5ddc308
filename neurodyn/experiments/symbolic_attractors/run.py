"""Symbolic codes: the smallest piecewise-linear networks that reproduce an attractor."""

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn import analysis, models
from neurodyn.experiments.shared.attractor_data import AttractorData, attractor_data
from neurodyn.experiments.shared.attractor_training import (
    AttractorSettings,
    check_window,
    train_ensemble,
)
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.free_run import free_run
from neurodyn.experiments.shared.limits import Count, NotNegative, Whole
from neurodyn.experiments.shared.seeds import result, shared_key
from neurodyn.experiments.symbolic_attractors.figures import symbolic_figures, symbolic_summary
from neurodyn.experiments.symbolic_attractors.scores import score_ensemble
from neurodyn.tasks import Windows
from neurodyn.training import Ensemble, SparseTeacherForcing

__all__ = ["EXPERIMENT", "Settings", "run"]

#: Samples of the trajectories that the result keeps, for figures.
KEPT = 20_000


@dataclasses.dataclass(frozen=True)
class Settings(AttractorSettings):
    """Settings, with those of :class:`AttractorSettings`; as published for the Lorenz system.

    Attributes
    ----------
    data
        ``"lorenz63"``, ``"rossler"``, ``"ecg"`` or ``"fmri_tasks"``.
    n_units
        Units.
    n_relu
        How many of them are rectified.
    forcing
        Steps between two forcings to the data.
    noise
        Standard deviation of the noise added to every window.
    free_run
        Length of the free runs that are scored in the end (at most that of the data).
    bins
        Bins per dimension of the state-space divergence; 0: Gaussian mixtures.
    smoothing
        Smoothing of power spectra [bins].
    n_lyapunov
        Steps over which Lyapunov exponents are averaged.
    sweep_to
        Also trains networks with 0, 1, ... so many rectifiers; 0: no sweep.
    sweep_seeds
        Networks for each number of rectifiers.
    sweep_epochs
        Epochs of their training.
    """

    data: Literal["lorenz63", "rossler", "ecg", "fmri_tasks"] = "lorenz63"
    n_seeds: Count = 10
    n_units: Count = 20
    n_relu: Whole = 2
    forcing: Count = 16
    noise: NotNegative = 0.05
    evaluate_every: Count = 25
    free_run: Count = 100_000
    bins: Whole = 30
    smoothing: NotNegative = 20.0
    n_lyapunov: Count = 20_000
    sweep_to: Whole = 0
    sweep_seeds: Count = 5
    sweep_epochs: Count = 500


def check(settings: Settings) -> None:
    """Refuse settings that do not fit together."""
    for name in ("n_relu", "sweep_to"):
        if getattr(settings, name) > settings.n_units:
            raise ValueError(
                f"Setting {name!r} ({getattr(settings, name)}) is at most the number of units "
                f"({settings.n_units})."
            )
    check_window(settings)


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train an ensemble, score its best and last checkpoints, and take the best network apart.

    Parameters
    ----------
    settings, run
        What to do, and where.

    Returns
    -------
    xr.DataTree
        ``/recording`` (training data), ``/model`` (free run and latent states of the best
        network), ``/model/training``; ``/analysis/scores`` of every network and checkpoint,
        ``/analysis/symbols``, ``/analysis/transitions`` and ``/analysis/fixed_points`` of the best
        network, and ``/analysis/sweep`` where there is one. Where all networks diverged there is
        nothing to take apart: ``/model`` holds the training alone.
    """
    data = attractor_data(settings.data, n_samples=settings.n_samples, key=shared_key(0))
    best, last, history = train(settings, run, data)
    history["validation_d_stsp"].attrs["long_name"] = "state-space divergence of a free run"
    scores = score_ensemble(settings, data, best, last, history)
    n = min(KEPT, len(data.train))
    tree = {
        "/recording": _dataset("recording", value=data.labelled(data.train[:n])),
        "/model/training": history,
        "/analysis/scores": scores,
    }
    divergence = scores["d_stsp_train"].sel(checkpoint="best").values
    if np.isfinite(divergence).any():
        tree |= _taken_apart(data, best, int(np.nanargmin(divergence)), n, settings)
    if settings.sweep_to:
        tree["/analysis/sweep"] = sweep(settings, run, data)
    return result(tree, settings)


def train(
    settings: Settings, run: Run, data: AttractorData, name: str = "networks"
) -> tuple[Ensemble, Ensemble, xr.Dataset]:
    """The networks at their best evaluation and at the end, and the history of training."""
    task = Windows(
        data.train.astype(np.float32), length=settings.window, noise_std=settings.noise, dt=data.dt
    )

    def network(key):
        return models.ALRNN(0, settings.n_units, task.n_outputs, n_relu=settings.n_relu, key=key)

    return train_ensemble(
        network,
        task,
        data,
        settings,
        run,
        objective=SparseTeacherForcing(every=settings.forcing),
        divergence=_divergence(settings.bins),
        how="vmap",
        name=name,
    )


def sweep(settings: Settings, run: Run, data: AttractorData) -> xr.Dataset:
    """Train smaller ensembles with fewer and with more rectifiers."""
    each = []
    numbers = range(settings.sweep_to + 1)
    for n_relu in numbers:
        changed = dataclasses.replace(
            settings,
            n_relu=n_relu,
            n_seeds=settings.sweep_seeds,
            epochs=settings.sweep_epochs,
        )
        best, last, history = train(changed, run, data, name=f"sweep_{n_relu}")
        each.append(score_ensemble(changed, data, best, last, history))
    joined = xr.concat(each, "sweep", coords="minimal", compat="override", join="exact")
    about = {"units": "1", "long_name": "number of rectifiers"}
    return joined.assign_coords(n_relu=("sweep", list(numbers), about))


def _taken_apart(
    data: AttractorData, best: Ensemble, chosen: int, n: int, settings: Settings
) -> dict[str, Any]:
    """What the best network does by itself, its symbols and its fixed points."""
    model = best[chosen]
    states, outputs = free_run(model, jnp.asarray(data.train[0], jnp.result_type(float)), n)
    coded = analysis.symbols(model, data.labelled_states(states))
    return {
        "/model": _dataset(
            "model", value=data.labelled(outputs), state=data.labelled_states(states)
        ).assign_attrs(seed=settings.seed + chosen),
        "/analysis/symbols": coded,
        "/analysis/transitions": analysis.transitions(coded),
        "/analysis/fixed_points": analysis.fixed_points(model, states=states, key=0),
    }


def _divergence(bins: int) -> Any:
    """What checkpoints are chosen by."""
    return analysis.StateSpaceDivergence(bins) if bins else analysis.MixtureDivergence()


def _dataset(source: str, **variables: xr.DataArray) -> xr.Dataset:
    return xr.Dataset(variables, attrs={"source": source})


_ECG = Settings(
    data="ecg",
    n_units=100,
    window=50,
    forcing=10,
    epochs=4000,
    learning_rate=(2e-3, 1e-5),
    noise=0.01,
    bins=8,
)
_FMRI = Settings(
    data="fmri_tasks",
    n_units=50,
    window=72,
    forcing=7,
    learning_rate=(5e-3, 1e-5),
    noise=0.0,
    bins=0,
    smoothing=1.0,
)

EXPERIMENT = Experiment(
    name="symbolic_attractors",
    title="How few linear pieces does it take to reproduce an attractor?",
    reference=("brenner2024", "eisenmann2023"),
    presets={
        "quick": Settings(
            n_seeds=3,
            epochs=240,
            learning_rate=(3e-3, 1e-4),
            n_samples=20_000,
            evaluate_every=10,
            evaluate_samples=10_000,
            n_lyapunov=5000,
        ),
        "paper": Settings(sweep_to=5),
        "rossler": Settings(
            data="rossler",
            n_relu=1,
            window=300,
            forcing=8,
            epochs=3000,
            learning_rate=(5e-3, 1e-5),
        ),
        "ecg": _ECG,
        "fmri": _FMRI,
    },
    run=run,
    figures=symbolic_figures,
    summary=symbolic_summary,
    method=(
        "{n_seeds} piecewise-linear networks of {n_units} units, {n_relu} of them rectified, "
        "were trained on '{data}' by sparse teacher forcing, in {epochs} epochs of "
        "{epoch_size} updates. Their free runs were scored against the data, and the network "
        "with the smallest divergence was taken apart into linear pieces and their fixed "
        "points."
    ),
    ranges="Values are medians over networks; in brackets the smallest and the largest of them.",
    captions={
        "divergence": (
            "State-space divergence of free runs from the data over training, a line for each "
            "network."
        ),
        "elbow": "Scores against the number of rectified units.",
        "attractor": (
            "Free run of the best network, coloured by its linear pieces, with their fixed points."
        ),
        "attractor_data": "The data, in the same view.",
        "symbol_graph": "Transitions between the linear pieces of the best network.",
        "geometric_graph": "The same transitions, each piece drawn where it lies.",
        "spectra": "Power spectra of the data and of the free run.",
    },
    check=check,
)
