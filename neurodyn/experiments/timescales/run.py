"""Emergent timescales: train every curriculum, then ask where the memory sits."""

import xarray as xr

from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.timescales import analyses
from neurodyn.experiments.timescales.figures import figures
from neurodyn.experiments.timescales.joined import joined
from neurodyn.experiments.timescales.networks import variants
from neurodyn.experiments.timescales.results import result
from neurodyn.experiments.timescales.settings import AnalysisSettings
from neurodyn.experiments.timescales.summary import summary
from neurodyn.experiments.timescales.training import train

__all__ = ["EXPERIMENT", "run"]


def check(settings: AnalysisSettings) -> None:
    """Refuse settings that do not fit together."""
    analyses.check(settings)
    variants(settings)


def run(settings: AnalysisSettings, run: Run) -> xr.DataTree:
    """Train, then analyse; or put side by side what was trained before."""
    check(settings)
    if settings.join:
        return joined(settings)
    return result(settings, train(settings, run), run)


EXPERIMENT = Experiment(
    name="timescales",
    title="Do networks get long memories from slow neurons or from recurrence?",
    reference=("khajehabdollahi2024",),
    presets={
        "quick": AnalysisSettings(
            n_last=5, timescales_at=(2, 5), n_steps=5000, ablate_at=(5,), perturb_at=(5,),
            n_ablated=5, n_scored=400, n_repeats=4,
        ),
        "paper": AnalysisSettings(
            n_seeds=4, n_last=101, curricula=("single", "cumulative", "sliding"),
            taus=("trained", "1", "2", "3", "4"),
            retrain_epochs=20,
        ),
    },
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} networks of {n_units} units ('{cell}') for each curriculum ({curricula}) "
        "and treatment of the time constants ({taus}) learnt '{task}' with growing N, up to "
        "{n_last}. Timescales of their activity, and what is left of their accuracy without "
        "single units and under noise on parameters, were measured at the N that were asked "
        "for."
    ),
    ranges="Values are means over networks; in brackets the smallest and the largest of them.",
    captions={
        "training": "Epochs until each N was solved.",
        "time_constants": (
            "Mean and spread of the trained time constants, and spectral radius of the "
            "recurrent weights, against N."
        ),
        "largest_n": "The largest N that was solved; triangles: at least.",
        "network_timescales": "Timescales of the activity of units against N.",
        "ablation": "Accuracy without one of the fastest or of the slowest units.",
        "perturbation": (
            "Accuracy, relative to the intact network, under noise on weights and on time "
            "constants."
        ),
        "hold": "Accuracy against the steps that a bit lasts.",
        "retraining": "Accuracy on further N after training on from one that was solved.",
    },
    check=check,
    extends=(
        "n_seeds", "n_last", "epochs", "timescales_at", "ablate_at", "perturb_at", "retrain_to",
        "retrain_epochs",
    ),
)  # fmt: skip
