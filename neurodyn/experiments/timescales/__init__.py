"""Emergent timescales: whether networks remember by slow units or by recurrence."""

import xarray as xr

from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.timescales.analyses import check_analyses, result
from neurodyn.experiments.timescales.figures import figures
from neurodyn.experiments.timescales.joined import joined
from neurodyn.experiments.timescales.networks import variants
from neurodyn.experiments.timescales.settings import PRESETS, AnalysisSettings
from neurodyn.experiments.timescales.summary import summary
from neurodyn.experiments.timescales.training import train

__all__ = ["EXPERIMENT", "check", "run"]


def check(settings: AnalysisSettings) -> None:
    """Refuse settings that contradict each other."""
    check_analyses(settings)
    variants(settings)


def run(settings: AnalysisSettings, run: Run) -> xr.DataTree:
    """Train and analyse, or join the results of earlier runs.

    Returns
    -------
    xr.DataTree
        As of :func:`~neurodyn.experiments.timescales.analyses.result`.
    """
    if settings.join:
        return joined(settings)
    return result(settings, train(settings, run), run)


EXPERIMENT = Experiment(
    name="timescales",
    title="Do networks get long memories from slow neurons or from recurrence?",
    reference=("khajehabdollahi2024",),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} networks of {n_units} units ('{cell}') for each curriculum ({curricula}) "
        "and treatment of the time constants ({taus}) learnt '{task}' with growing N, up to "
        "{n_last}. Timescales of their activity, and their accuracy without single units and "
        "under noise on parameters, were measured at some N."
    ),
    ranges="Values are means over networks; in brackets the smallest and the largest of them.",
    captions={
        "training": "Epochs until each N was solved.",
        "time_constants": (
            "Mean and spread of the trained time constants, and spectral radius of the "
            "recurrent weights, against N."
        ),
        "largest_n": "Largest solved N; triangles are unfinished networks, which may solve more.",
        "network_timescales": "Timescales of the activity of units against N.",
        "ablation": "Accuracy without one of the fastest or of the slowest units.",
        "perturbation": (
            "Accuracy, relative to the intact network, under noise on weights and on time "
            "constants."
        ),
        "hold": "Accuracy against the steps that a bit lasts.",
        "retraining": "Accuracy on larger N after further training.",
    },
    check=check,
    extends=(
        "n_seeds", "n_last", "epochs", "timescales_at", "ablate_at", "perturb_at", "retrain_to",
        "retrain_epochs",
    ),
)  # fmt: skip
