"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated, Literal

from neurodyn.experiments.running.limits import Count, Limits, NotNegative, Positive, Whole
from neurodyn.experiments.running.seeds import SeededSettings


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings; defaults are those of the published script for the 5 Hz sine.

    Attributes
    ----------
    seed
        Seed of the first network of each size; the following networks have the following seeds.
    sizes
        Numbers of neurons; the published one is 2000.
    n_networks
        Networks of each size.
    gain
        Gain of recursive least squares, ``"published"`` or ``"textbook"``.
    frequency
        Frequency of the sine [Hz].
    dt
        Time step of the simulation [ms].
    before
        Duration of the run before learning [s].
    learn
        Duration of learning [s].
    after
        Duration of the run after learning [s].
    every
        Interval of the updates [ms].
    alpha
        Factor of the identity in the initial inverse correlation.
    p
        Probability of a connection.
    coupling
        Strength of the recurrent weights (G).
    feedback
        Strength of the feedback (Q).
    """

    sizes: tuple[Count, ...] = (1000, 2000)
    n_networks: Count = 5
    gain: Literal["published", "textbook"] = "published"
    frequency: Positive = 5.0
    dt: Positive = 0.04
    before: Whole = 5
    learn: Count = 5
    after: Annotated[int, Limits(2)] = 5
    every: Positive = 0.8
    alpha: Positive = 2.0
    p: Annotated[float, Limits(0, 1, above=True)] = 0.1
    coupling: NotNegative = 5e3
    feedback: NotNegative = 5e3


PRESETS = {
    "quick": Settings(sizes=(1000,), n_networks=1),
    "paper": Settings(),
    "textbook": Settings(gain="textbook"),
}
