"""Named, reproducible experiments, from settings to figures: those of neurodyn and your own."""

from neurodyn.experiments.running.catalogue import EXPERIMENTS
from neurodyn.experiments.running.experiment import Experiment, Run, configure, settings_in
from neurodyn.experiments.running.limits import (
    Count,
    Fraction,
    Limits,
    NotNegative,
    Positive,
    Seed,
    Whole,
)
from neurodyn.experiments.running.resume import Resumed
from neurodyn.experiments.running.runner import Finished, run
from neurodyn.experiments.running.seeds import SeededSettings, result, seeds_of, shared_key

__all__ = [
    "EXPERIMENTS",
    "Count",
    "Experiment",
    "Finished",
    "Fraction",
    "Limits",
    "NotNegative",
    "Positive",
    "Resumed",
    "Run",
    "Seed",
    "SeededSettings",
    "Whole",
    "configure",
    "result",
    "run",
    "seeds_of",
    "settings_in",
    "shared_key",
]
