"""Hierarchy: whether a slow layer learns the hidden preference behind fast reaches."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.analysis import latent_summary
from neurodyn.experiments.hierarchy.scores import decoded, planes, preference_kept, sequence_table
from neurodyn.experiments.hierarchy.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, shared_key
from neurodyn.experiments.shared.layers import check_layers, pvrnn
from neurodyn.experiments.shared.meta_priors import RANGES, by_meta_prior, train_all, unfold
from neurodyn.models import PVRNN
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import HomeReach, Sequences
from neurodyn.training import Ensemble, Fit

__all__ = ["EXPERIMENT", "source"]

LATENT = ("d", "mean", "sigma", "prior_mean", "prior_sigma", "kl")
DECODED = {
    "r2_p_left": "probability of left (r2)",
    "r2_fraction_left": "fraction of left (r2)",
    "r2_side_ahead": "side of the next reach (r2)",
}


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


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    scores = tree["analysis/decoding"].to_dataset()
    latents = tree["model/latents"].to_dataset()
    example = tree["model/example"].to_dataset()
    one_each = [
        int(np.flatnonzero(example["latent_layer"].values == k)[0]) for k in example["layer"].values
    ]
    planes = {
        f"layer {name}": node.to_dataset()["scores"]
        for name, node in tree["analysis/plane"].children.items()
    }
    return {
        "decoding": plot.meta_prior({title: scores[n] for n, title in DECODED.items()}),
        "latents": plot.meta_prior(
            {"sigma of the prior": latents["sigma_p"], "KL per step (nat)": latents["kl"]}
        ),
        "latent_space": plot.latent_space(planes, by="p_left"),
        "bands": plot.latent_bands(example.isel(latent=one_each, time=slice(128))),
    }


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    scores = tree["analysis/decoding"].to_dataset()
    truth = tree["analysis/sequences"].to_dataset()
    w, n = scores["meta_prior"].values, scores.sizes["seed"]
    rows = {
        "networks": f"{n} for each of {len(w)} meta-priors",
        "sequences": f"{truth.sizes['trial']}",
        "squared error of reconstruction": by_meta_prior(scores["error"]),
        "r2 of the probability from the fraction": f"{float(truth['ceiling']):.2f}",
    }
    for name in DECODED:
        for k in scores["layer"].values:
            what = scores[name].attrs["long_name"].removeprefix("held-out r2 of the ")
            rows[f"r2, layer {int(k)}: {what}"] = by_meta_prior(scores[name].sel(layer=k))
    rows["preference kept in generation (r)"] = by_meta_prior(scores["kept"])
    rows["generated reaches at a goal"] = by_meta_prior(scores["reached"])
    return rows


EXPERIMENT = Experiment(
    name="hierarchy",
    title="Does the slow layer of a PV-RNN learn the hidden preference, the fast one the reaches?",
    reference=("soda2023", "ahmadi2019"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} PV-RNNs for each meta-prior w of {w} learnt reaches to the left or right "
        "whose probability differs between sequences, in {epochs} updates. The probability and "
        "the side of the next reach were decoded from each layer on held-out sequences, and "
        "each sequence was continued {n_generated} times without its posterior."
    ),
    ranges=RANGES,
    captions={
        "decoding": (
            "Held-out r2 of the decoded labels against the meta-prior; a colour for each layer, "
            "points are networks."
        ),
        "latents": "Standard deviation of the prior and divergence from it, by layer.",
        "latent_space": (
            "Units of each layer of the first network at home, on their first principal "
            "components; colours are probabilities of a left reach."
        ),
        "bands": (
            "Prior and posterior of one latent of each layer along the first training sequences."
        ),
    },
    check=check_layers,
)
