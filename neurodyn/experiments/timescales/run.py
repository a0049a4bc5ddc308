"""Train every curriculum and analyse the networks, or join the results of earlier runs."""

import xarray as xr

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.timescales.analyses import check_analyses
from neurodyn.experiments.timescales.joined import joined
from neurodyn.experiments.timescales.networks import variants
from neurodyn.experiments.timescales.results import result
from neurodyn.experiments.timescales.settings import AnalysisSettings
from neurodyn.experiments.timescales.training import train

__all__ = ["check", "run"]


def check(settings: AnalysisSettings) -> None:
    """Refuse settings that contradict each other."""
    check_analyses(settings)
    variants(settings)


def run(settings: AnalysisSettings, run: Run) -> xr.DataTree:
    """Train and analyse, or join the results of earlier runs.

    Returns
    -------
    xr.DataTree
        As of :func:`~neurodyn.experiments.timescales.results.result`.
    """
    if settings.join:
        return joined(settings)
    return result(settings, train(settings, run), run)
