"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated, Literal

from neurodyn.experiments.running.limits import Count, Fraction, Limits, Positive
from neurodyn.experiments.running.seeds import SeededSettings


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    source
        Kind of hidden Markov model: a line of states, all states connected, or a circle.
    n_states
        Number of its hidden states.
    stay
        Probability of staying in a state.
    n_networks
        Networks, with different initial weights.
    n_units
        Units of a network.
    n_noise
        Channels of its white input.
    n_steps
        Length of training sequences [steps].
    steps
        Updates of the training.
    batch_size
        Sequences of an update.
    learning_rate
        Learning rate of Adam.
    blur
        Blur of the Sinkhorn divergence.
    run_steps
        Length of the scored runs [steps].
    n_trials
        Number of scored runs.
    horizon
        Steps after which a push is judged.
    push
        Size of the push, relative to the root mean square activity of the network.
    n_pushed
        States of activity from which each unit is pushed, of each hidden state.
    n_kick
        Kick units of each hidden state that are silenced together.
    n_random
        Draws of equally many other units, silenced for comparison.
    """

    source: Literal["chain", "full", "cycle"] = "chain"
    n_states: Annotated[int, Limits(2, 20)] = 2
    stay: Fraction = 0.95
    n_networks: Count = 1
    n_units: Count = 64
    n_noise: Count = 20
    n_steps: Annotated[int, Limits(2)] = 30
    steps: Count = 3000
    batch_size: Annotated[int, Limits(2)] = 256
    learning_rate: Positive = 1e-3
    blur: Positive = 0.2
    run_steps: Annotated[int, Limits(50)] = 500
    n_trials: Annotated[int, Limits(2)] = 64
    horizon: Count = 3
    push: Positive = 4.0
    n_pushed: Count = 400
    n_kick: Count = 3
    n_random: Count = 10


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    wanted = settings.n_states * settings.n_kick
    if 2 * wanted > settings.n_units:
        raise ValueError(
            f"Setting 'n_units' ({settings.n_units}) must be at least twice the number of kick "
            f"units ('n_kick' for each of 'n_states', {wanted} in all)."
        )
    if settings.stay >= 1:
        raise ValueError("Setting 'stay' must be below 1: else the source never moves.")


PRESETS = {
    "quick": Settings(),
    "paper": Settings(
        n_networks=3,
        n_units=150,
        n_noise=100,
        n_steps=100,
        steps=1500,
        batch_size=4096,
        n_random=50,
    ),
}
