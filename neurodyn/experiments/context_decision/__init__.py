"""Context-dependent decision: networks against prefrontal units in the task of Mante et al."""

from neurodyn.experiments.context_decision.run import run
from neurodyn.experiments.context_decision.settings import PRESETS
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
    name="context_decision",
    title="Do networks that select evidence by context look like prefrontal cortex?",
    reference=("mante2013", *decision.MEASURED_BY),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of {n_units} units were trained for {steps} steps to decide by "
        "the motion or by the colour of a stimulus, as a context cue tells them, and ran through "
        "{repeats} trials of each condition of the recording '{recording}'. Means of correct "
        "trials, by motion, colour and context, were compared with those of the recording by "
        "four measures, with a null of {n_null} shuffled labels and the recording's own halves "
        "as the ceiling."
    ),
    ranges=RANGES,
    captions={
        **CAPTIONS,
        "psychometric_": (
            "Choices against the evidence named, in the context in which it is relevant, "
            "of the networks and of the animal."
        ),
        "psth_model": "Mean activity of the first network by motion and context.",
        "psth_recording": "Mean rates of the recording by motion and context.",
    },
    check=decision.check,
)
