"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated, Literal

from neurodyn.experiments.running.limits import Count, Fraction, Limits, Positive
from neurodyn.experiments.running.seeds import SeededSettings

#: Data sets that the experiment can read.
Recorded = Literal["zheng2022", "mante2013", "decision_example"]


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    seed
        Seed of all random numbers.
    recordings
        Names of data sets: ``zheng2022``, ``mante2013`` and ``decision_example``. For recordings of
        your own, use ``neurodyn.analysis.intrinsic_timescale``.
    bin_width
        Width of the bins in which spikes are counted [ms].
    window
        Length of the consecutive windows into which a session without trials is cut [ms]. The
        bootstrap draws runs of 30 s, because neighbouring windows are alike.
    silent
        Largest fraction of bins in which a unit may be silent in all trials. The published value is
        0, which would drop units with few trials at low rates; averages skip pairs with silent bins
        instead.
    n_draws
        Draws of the bootstrap.
    n_repeats
        Surrogate recordings for each of four known timescales, which show the bias.
    networks
        Folder of a run of the experiment ``timescales``; empty: only recordings.
    n
        N that its networks have solved.
    n_steps
        Steps of the simulations that measure the timescales of networks (ten trials).
    """

    recordings: tuple[Recorded, ...] = ("zheng2022", "mante2013")
    bin_width: Positive = 50.0
    window: Positive = 2000.0
    silent: Fraction = 0.25
    n_draws: Count = 200
    n_repeats: Count = 5
    networks: str = ""
    n: Annotated[int, Limits(2)] = 10
    n_steps: Count = 100_000


PRESETS = {
    "quick": Settings(recordings=("decision_example",), n_draws=50, n_repeats=2),
    "paper": Settings(n_draws=1000, n_repeats=20),
}
