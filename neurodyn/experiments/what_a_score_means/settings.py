"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Literal

from neurodyn.experiments.running.limits import Count, Fraction, Positive
from neurodyn.experiments.running.seeds import SeededSettings

#: Data sets that the experiment can read.
Recorded = Literal["mante2013", "decision_example"]
#: Measures whose scores lie between 0 and 1.
Measured = Literal["cka", "nbs", "ridge_r", "debiased_cka", "rbf_cka"]


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    seed
        Seed of all random numbers.
    recordings
        Names of data sets: ``mante2013`` and ``decision_example``.
    measures
        Measures that are climbed.
    bin_width
        Width of the bins in which spikes are counted [ms].
    n_draws
        Climbs from different noise.
    steps
        Steps of a climb.
    n_saved
        Times along a climb at which its data are looked at.
    region_steps
        Steps of the climbs in which a measure is held; at ten times the step size, because the
        boundary is far from noise.
    levels
        Values at which CKA and NBS are held while the other is made as large and as small as it
        can be.
    """

    recordings: tuple[Recorded, ...] = ("mante2013", "decision_example")
    measures: tuple[Measured, ...] = ("cka", "nbs", "ridge_r")
    bin_width: Positive = 50.0
    n_draws: Count = 2
    steps: Count = 1000
    n_saved: Count = 40
    region_steps: Count = 2000
    levels: tuple[Fraction, ...] = (0.5, 0.7, 0.9)


PRESETS = {
    "quick": Settings(n_draws=1, steps=500),
    "paper": Settings(
        n_draws=5, steps=2000, n_saved=80, levels=(0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    ),
}
