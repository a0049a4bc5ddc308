"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated

from neurodyn.experiments.running.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.running.seeds import SeededSettings
from neurodyn.experiments.running.values import spelled

#: Begin and end of the current steps of the default recording [ms].
WINDOW = (1646.8, 2146.8)
#: Simulated time before a step [ms].
BEFORE = 150.0
#: Length of the end of a step over which potentials are averaged [ms].
LATE = 100.0


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    recording
        Name of a dataset, or a file: ``v`` [mV] and ``i`` [pA] on (sweep, time), and the label
        ``step`` [pA] of sweeps.
    window
        Begin and end of the current steps [ms].
    seed
        Seed of the first search; the following searches have the following seeds.
    n_seeds
        Number of searches.
    generations
        Generations of each search.
    candidates
        Cells in a generation, rounded up to a power of two.
    dt
        Step of the simulation [ms].
    hold_out
        Every ``hold_out``-th sweep in which the cell fires is held out of the fit.
    latency
        Weight of the latency of the first spike in the loss; the weight of the firing rate is 1.
    potential
        Weight of the potentials of sweeps without spikes in the loss.
    hyperpolarised
        Sweeps with currents below this [pA] do not count in the fit, because the quadratic current
        of the model is wrong far below rest.
    """

    recording: str = "fsi_steps"
    window: tuple[NotNegative, NotNegative] = WINDOW
    n_seeds: Count = 5
    generations: Count = 300
    candidates: Annotated[int, Limits(4)] = 128
    dt: Positive = 0.1
    hold_out: Annotated[int, Limits(2)] = 2
    latency: NotNegative = 0.2
    potential: NotNegative = 0.2
    hyperpolarised: float = -50.0


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    start, stop = settings.window
    if not stop - start >= LATE:
        raise ValueError(
            f"Setting 'window' is the begin and end of the current steps [ms], at least {LATE:g} "
            f"ms apart, got {spelled(settings.window)}."
        )


PRESETS = {"quick": Settings(n_seeds=3, generations=100), "paper": Settings()}
