"""Settings of the experiment, and its presets."""

import dataclasses

from neurodyn.experiments.running.limits import Count, Positive
from neurodyn.experiments.shared.decision import DecisionSettings


@dataclasses.dataclass(frozen=True)
class Settings(DecisionSettings):
    """Settings, beside those of :class:`~neurodyn.experiments.shared.decision.DecisionSettings`.

    Attributes
    ----------
    recording
        Name of the dataset: 20 prefrontal units of Mante et al. (2013).
    bin_width
        Width of the time bins in which rates are compared [ms].
    """

    recording: str = "mante2013"
    bin_width: Positive = 50.0
    n_units: Count = 100
    n_networks: Count = 3
    steps: Count = 3000
    repeats: Count = 20


PRESETS = {
    "quick": Settings(),
    "paper": Settings(n_networks=10, n_units=200, steps=20_000, repeats=100, n_null=1000),
}
