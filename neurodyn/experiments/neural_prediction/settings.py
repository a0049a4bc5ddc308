"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated

from neurodyn.experiments.running.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.shared.forecasters import ForecastSettings
from neurodyn.experiments.shared.layers import Taus


@dataclasses.dataclass(frozen=True)
class Settings(ForecastSettings):
    """Settings, beside those of :class:`ForecastSettings`.

    Attributes
    ----------
    recording
        Name of a dataset, or a file, with ``rate`` ``(condition, time, unit)``.
    seed
        Seed of the first network of each fold; the following networks have the following seeds.
    n_networks
        Networks for each fold.
    n_folds
        Number of folds. Each fold holds out every ``n_folds``-th condition.
    n_components
        Principal components of the training conditions, which the networks learn.
    every
        Time bins averaged into one step.
    softening
        Rates are divided by their range in the training conditions plus this [Hz] (soft
        normalisation).
    w
        Meta-prior.
    learning_rate
        Step size of Adam.
    window
        Window of error regression [steps] (variant of Idei et al. 2022, which keeps posteriors
        with their steps).
    n_free
        Number of freely generated sequences.
    """

    recording: str = "hatsopoulos2007"
    n_folds: Annotated[int, Limits(2)] = 4
    n_components: Count = 6
    every: Count = 2
    softening: NotNegative = 5.0
    tau: Taus = (3.0, 12.0)
    w: Positive = 0.01
    epochs: Count = 4000
    learning_rate: Positive = 3e-3
    window: Count = 10
    iterations: Count = 30
    n_horizons: Count = 10
    n_free: Count = 32


PRESETS = {"quick": Settings(), "paper": Settings(n_networks=10, epochs=50_000, n_samples=64)}
