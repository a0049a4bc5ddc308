"""Settings of the experiment, and its presets."""

import dataclasses

from neurodyn.experiments.running.limits import Count, Positive
from neurodyn.experiments.shared import decision
from neurodyn.experiments.shared.decision import DecisionSettings


@dataclasses.dataclass(frozen=True)
class Settings(DecisionSettings):
    """Settings, beside those of :class:`~neurodyn.experiments.shared.decision.DecisionSettings`.

    Attributes
    ----------
    recording
        Name of a dataset, or a file; by default the bundled, simulated decision network.
    bin_width
        Width of the time bins in which rates are compared [ms].
    stimulus
        Duration of the evidence in the model, which is also the time that is compared [ms].
    min_trials
        Conditions with fewer trials, in the model or in the recording, are left out.
    """

    recording: str = "decision_example"
    bin_width: Positive = 50.0
    stimulus: Positive = 800.0
    min_trials: Count = 5


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    decision.check(settings)
    if settings.stimulus < max(settings.bin_width, settings.dt):
        raise ValueError(
            f"Setting 'stimulus' ({settings.stimulus:g} ms) must last at least one step `dt` "
            f"({settings.dt:g} ms) and one bin `bin_width` ({settings.bin_width:g} ms)."
        )


PRESETS = {
    "quick": Settings(),
    "paper": Settings(n_networks=10, n_units=128, steps=5000, repeats=200, n_null=1000),
}
