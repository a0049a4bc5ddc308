"""Events, their times and probabilities, learnt by a spiking reservoir that adapts."""

from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.what_when.figures import figures, summary
from neurodyn.experiments.what_when.run import run
from neurodyn.experiments.what_when.settings import PRESETS

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="what_when",
    title="Can a spiking reservoir learn events, their times and probabilities, and adapt?",
    reference=("yamada2026", "izhikevich2003", "sussillo2009"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} spiking reservoirs of {n_units} neurons learnt by local rules which of two "
        "events follows a cue, when, and how probably, in blocks of {n_trials} trials at "
        "{n_levels} probabilities. In a session with switches of probability and timing they "
        "were compared with three kinds of recursive least squares."
    ),
    ranges=(
        "Values are means over networks; in brackets their bootstrap interval of 95 %, from "
        "three networks on."
    ),
    captions={
        "outputs": (
            "Outputs after the cue alone at the end of training, by probability, beside the "
            "expectation."
        ),
        "amplitude": "Height of the output at an event against its probability.",
        "learning": "Error over trials, mean over probabilities.",
        "switches": "Error over trials of each method; lines mark the switches.",
        "outputs_switches": "Outputs of the local rules at the end of each block.",
        "angles": (
            "Principal angles between the weights of events (what) and of times (when), beside "
            "those of shuffled units and of random spans."
        ),
    },
)
