"""Emergent timescales: train every curriculum, then ask where the memory sits."""

import xarray as xr

from neurodyn.experiments.experiment import Experiment, Run
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
    check=check,
    extends=(
        "n_seeds", "n_last", "epochs", "timescales_at", "ablate_at", "perturb_at", "retrain_to",
        "retrain_epochs",
    ),
)  # fmt: skip
