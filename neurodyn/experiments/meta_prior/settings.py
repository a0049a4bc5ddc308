"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated

from neurodyn.experiments.running.limits import Count, Limits, Whole
from neurodyn.experiments.shared.meta_priors import MetaPriorSettings


@dataclasses.dataclass(frozen=True)
class Settings(MetaPriorSettings):
    """Settings, beside those of :class:`MetaPriorSettings`.

    Attributes
    ----------
    w
        Meta-priors. The paper does not say its values; these span three decades.
    n_sequences
        Training sequences.
    n_steps
        Length of the training sequences [steps].
    n_units
        Units of the network, which has one layer.
    n_latents
        Latents of the network.
    tau
        Time constant of the network [steps].
    w_first
        Meta-prior of the first step; None: the same as of the other steps. A small value lets
        networks with a large meta-prior store sequences in their first latent.
    word
        Number of symbols in the compared words.
    free_steps
        Scored steps of free generation.
    discard
        Steps of free generation that are dropped before the scored ones.
    n_floor
        Number of true sequences of the same length, whose divergence is the floor.
    """

    n_sequences: Count = 20
    n_steps: Count = 24
    n_units: Count = 10
    n_latents: Count = 1
    tau: Annotated[float, Limits(1)] = 2.0
    word: Count = 12
    free_steps: Count = 5000
    discard: Whole = 1000
    n_floor: Count = 20


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    if settings.word > settings.free_steps:
        raise ValueError(
            f"Setting 'word' ({settings.word} symbols) must be at most 'free_steps' "
            f"({settings.free_steps})."
        )


PRESETS = {
    "quick": Settings(),
    "paper": Settings(n_networks=8, epochs=100_000),
    "control": Settings(w=(0.01, 0.1, 1.0), w_first=None, epochs=20_000),
}
