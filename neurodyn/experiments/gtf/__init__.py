"""Generalised teacher forcing: shallow piecewise-linear networks on chaotic and real data."""

from neurodyn.experiments.gtf.figures import figures, summary
from neurodyn.experiments.gtf.run import run
from neurodyn.experiments.gtf.settings import PRESETS, check
from neurodyn.experiments.running.experiment import Experiment

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="gtf",
    title="Does generalised teacher forcing reconstruct chaotic attractors from time series?",
    reference=("hess2023",),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} shallow piecewise-linear networks of {n_units} latent units and {n_hidden} "
        "hidden ones were trained on '{data}' by generalised teacher forcing, in {epochs} "
        "epochs of {epoch_size} updates. Free runs of the last networks and of those with the "
        "best evaluation were scored by the published protocol."
    ),
    ranges=(
        "Values are medians over networks +- their median absolute deviation; in brackets the "
        "smallest and the largest."
    ),
    captions={
        "training": "Loss and evaluations over training, a line for each network.",
        "attractor": "The data, and the free run of the median network.",
        "spectra": "Power spectra of the data and of that free run.",
    },
    check=check,
)
