"""Perceptual decision: networks against a population that integrates evidence for two choices."""

from neurodyn.experiments.perceptual_decision.run import run
from neurodyn.experiments.perceptual_decision.settings import PRESETS, check
from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.shared import decision
from neurodyn.experiments.shared.decision_figures import (
    CAPTIONS,
    RANGES,
    figures,
    summary,
)

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="perceptual_decision",
    title="Do networks trained to decide between two alternatives look like a decision circuit?",
    reference=("roitman2002", "wang2002", "song2016", *decision.MEASURED_BY),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of {n_units} units were trained for {steps} steps to decide "
        "between two alternatives, and ran through {repeats} trials of each condition of the "
        "recording '{recording}'. Means of the conditions, by coherence and choice, were "
        "compared with those of the recording by four measures, with a null of {n_null} "
        "shuffled labels and the recording's own halves as the ceiling."
    ),
    ranges=RANGES,
    captions={
        **CAPTIONS,
        "psychometric": ("Choices against signed coherence, of the networks and of the recording."),
        "psth_model": "Mean activity of the first network by coherence and choice.",
        "psth_recording": "Mean rates of the recording by coherence and choice.",
    },
    check=check,
)
