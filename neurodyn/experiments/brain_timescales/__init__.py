"""Intrinsic timescales of recorded units, beside those of trained networks."""

from neurodyn.experiments.brain_timescales.figures import figures, summary
from neurodyn.experiments.brain_timescales.run import run
from neurodyn.experiments.brain_timescales.settings import PRESETS
from neurodyn.experiments.running.experiment import Experiment

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="brain_timescales",
    title="How long do recorded units remember, compared with trained networks?",
    reference=("murray2014", "zheng2022", "mante2013", "khajehabdollahi2024"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "Spikes of {recordings} were counted in bins of {bin_width} ms, and exponentials were "
        "fitted to the autocorrelations of areas and of single units around the means of their "
        "conditions. Surrogate recordings of the same size with known timescales show how well "
        "these are recovered."
    ),
    ranges="In brackets the bootstrap interval of 95 % over trials and over units.",
    captions={
        "intrinsic_timescales": (
            "Autocorrelations of areas with fitted exponentials; timescales with their "
            "intervals; ratio of recovered to true timescales in surrogates; and spreads "
            "beside those of networks, if given."
        ),
    },
)
