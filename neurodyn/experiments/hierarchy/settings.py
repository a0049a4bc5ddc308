"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated

from neurodyn.experiments.running.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.shared.layers import LayerSettings, Sizes, Taus
from neurodyn.experiments.shared.meta_priors import MetaPriorSettings


@dataclasses.dataclass(frozen=True)
class Settings(LayerSettings, MetaPriorSettings):
    """Settings, beside those of :class:`LayerSettings` and :class:`MetaPriorSettings`.

    Attributes
    ----------
    w
        Meta-priors, each the same in all layers.
    repeats
        Training sequences of each of the nine probabilities of a left reach.
    n_phases
        Phases of a sequence, of 8 steps each.
    n_units
        Units of each layer, the fastest layer first; by default as in the public code of Soda et
        al. (2023).
    n_generated
        Number of continuations of each sequence without its posterior.
    """

    w: tuple[Positive, ...] = (0.003, 0.03)
    n_networks: Count = 2
    epochs: Count = 1000
    repeats: Count = 2
    n_phases: Annotated[int, Limits(4)] = 32
    n_units: Sizes = (20, 10, 10)
    n_latents: Sizes = (2, 2, 2)
    tau: Taus = (2.0, 8.0, 32.0)
    w_first: NotNegative = 0.01
    n_generated: Count = 10


PRESETS = {"quick": Settings(), "paper": Settings(epochs=6000)}
