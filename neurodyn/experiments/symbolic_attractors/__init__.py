"""Symbolic codes: the smallest piecewise-linear networks that reproduce an attractor."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn import analysis, models
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, shared_key
from neurodyn.experiments.shared.attractor_data import AttractorData, attractor_data
from neurodyn.experiments.shared.attractor_training import free_run, train_ensemble
from neurodyn.experiments.shared.ensembles import stacked
from neurodyn.experiments.symbolic_attractors.figures import figures, summary
from neurodyn.experiments.symbolic_attractors.scores import score_ensemble
from neurodyn.experiments.symbolic_attractors.settings import PRESETS, Settings, check
from neurodyn.tasks import Windows
from neurodyn.training import Ensemble, SparseTeacherForcing

__all__ = ["EXPERIMENT"]

#: Number of samples of the trajectories in the result, for figures.
KEPT = 20_000


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train an ensemble, score its best and last checkpoints, and analyse the best network.

    Returns
    -------
    xr.DataTree
        ``/recording`` (training data), ``/model`` (free run and latent states of the best
        network), ``/model/training``; ``/analysis/scores`` of every network and checkpoint,
        ``/analysis/symbols``, ``/analysis/transitions`` and ``/analysis/fixed_points`` of the best
        network, and ``/analysis/sweep`` if asked for. If all networks diverged, ``/model`` holds
        the training alone.
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
        tree |= _analysed(data, best, int(np.nanargmin(divergence)), n, settings)
    if settings.sweep_to:
        tree["/analysis/sweep"] = sweep(settings, run, data)
    return result(tree, settings)


def train(
    settings: Settings, run: Run, data: AttractorData, name: str = "networks"
) -> tuple[Ensemble, Ensemble, xr.Dataset]:
    """Networks of the best evaluation and of the last step, and the history of the training."""
    task = Windows(
        data.train.astype(np.float32),
        length=settings.window,
        noise_std=settings.noise_std,
        dt=data.dt,
    )

    bins = settings.bins
    divergence = analysis.StateSpaceDivergence(bins) if bins else analysis.MixtureDivergence()

    def network(key):
        return models.ALRNN(0, settings.n_units, task.n_outputs, n_relu=settings.n_relu, key=key)

    return train_ensemble(
        network,
        task,
        data,
        settings,
        run,
        objective=SparseTeacherForcing(every=settings.forcing),
        divergence=divergence,
        how="vmap",
        name=name,
    )


def sweep(settings: Settings, run: Run, data: AttractorData) -> xr.Dataset:
    """Scores of smaller ensembles with 0 to ``settings.sweep_to`` rectifiers."""
    each = []
    numbers = range(settings.sweep_to + 1)
    for n_relu in numbers:
        changed = dataclasses.replace(
            settings, n_relu=n_relu, n_seeds=settings.sweep_seeds, epochs=settings.sweep_epochs
        )
        best, last, history = train(changed, run, data, name=f"sweep_{n_relu}")
        each.append(score_ensemble(changed, data, best, last, history))
    about = {"units": "1", "long_name": "number of rectifiers"}
    return stacked(each, "sweep").assign_coords(n_relu=("sweep", list(numbers), about))


def _analysed(
    data: AttractorData, best: Ensemble, chosen: int, n: int, settings: Settings
) -> dict[str, Any]:
    """Free run of the best network, its symbols and its fixed points."""
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


def _dataset(source: str, **variables: xr.DataArray) -> xr.Dataset:
    return xr.Dataset(variables, attrs={"source": source})


EXPERIMENT = Experiment(
    name="symbolic_attractors",
    title="How few linear pieces does it take to reproduce an attractor?",
    reference=("brenner2024", "eisenmann2023"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} piecewise-linear networks of {n_units} units, {n_relu} of them rectified, "
        "were trained on '{data}' by sparse teacher forcing, in {epochs} epochs of "
        "{epoch_size} updates. Their free runs were scored against the data, and the network "
        "with the smallest divergence was analysed by its linear pieces and their fixed points."
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
