"""Train, reconstruct, and decode preference and side from each layer."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.analysis import latent_summary
from neurodyn.experiments.hierarchy.scores import decoded, planes, preference_kept, sequence_table
from neurodyn.experiments.hierarchy.settings import Settings
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.seeds import result, shared_key
from neurodyn.experiments.shared.layers import pvrnn
from neurodyn.experiments.shared.meta_priors import train_all, unfold
from neurodyn.models import PVRNN
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import HomeReach, Sequences
from neurodyn.training import Ensemble, Fit

__all__ = ["LATENT", "run", "source", "train"]

LATENT = ("d", "mean", "sigma", "prior_mean", "prior_sigma", "kl")


def source(settings: Settings) -> tuple[HomeReach, Sequences]:
    """The task, and training sequences with every probability equally often."""
    task = HomeReach(n_phases=settings.n_phases)
    p_left = np.tile(np.asarray(task.p_left), settings.repeats)
    return task, task.sequences(shared_key(0), len(p_left), p_left=p_left)


def train(settings: Settings, run: Run) -> Fit:
    """Train all networks in one program."""
    sequences = source(settings)[1]

    def make(*, w: float, key: Any) -> PVRNN:
        return pvrnn(settings, sequences, w=w, w_first=settings.w_first, key=key)

    keys = shared_key(1), shared_key(2)
    return train_all(make, sequences, settings, run, key=keys)


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train, reconstruct, and decode preference and side from each layer.

    Returns
    -------
    xr.DataTree
        ``/model/latents``, ``/model/example``, ``/analysis/decoding`` on (meta_prior, seed),
        ``/analysis/sequences`` (labels of the sequences) and ``/analysis/plane/LAYER``.
    """
    task, sequences = source(settings)
    models = list(train(settings, run).model)
    posterior = simulate(
        Ensemble(models),
        sequences.validation(),
        dt=sequences.dt,
        key=shared_key(3),
        save=LATENT,
        progress=False,
    )
    kept = preference_kept(models, task, sequences, settings.n_generated, key=shared_key(4))
    errors = ((posterior["outputs"] - np.asarray(sequences.data)) ** 2).mean(
        ("trial", "time", "output")
    )
    scores = decoded(posterior, task, sequences).merge(kept, join="exact")
    scores = scores.assign(error=errors.assign_attrs(units="1", long_name="squared error"))
    tree = {
        "/model/latents": unfold(latent_summary(posterior), settings),
        "/model/example": posterior.isel(seed=0, trial=slice(3), drop=True),
        "/analysis/decoding": unfold(scores, settings),
        "/analysis/sequences": sequence_table(task, sequences),
    }
    tree |= planes(posterior, sequences, task)
    return result(tree, settings)
