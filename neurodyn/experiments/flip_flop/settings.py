"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Literal

from neurodyn.experiments.running.limits import Count, Positive
from neurodyn.experiments.running.seeds import SeededSettings

Architecture = Literal["ctrnn", "gru", "lstm"]


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    architectures
        Kinds of networks: ``ctrnn`` (continuous time, tanh), ``gru``, ``lstm``.
    n_bits
        Bits to remember, each with channels of its own.
    n_units
        Units of each network.
    n_networks
        Networks of each kind.
    steps
        Updates of training.
    batch_size
        Trials of each update.
    learning_rate
        Step size of Adam.
    dt
        Time step of the simulation [ms].
    tau
        Time constant of the continuous networks [ms].
    n_trials
        Simulated trials, from whose states the searches start.
    n_starts
        Searches for fixed points in each network.
    """

    architectures: tuple[Architecture, ...] = ("ctrnn", "gru", "lstm")
    n_bits: Count = 3
    n_units: Count = 64
    n_networks: Count = 2
    steps: Count = 1500
    batch_size: Count = 64
    learning_rate: Positive = 2e-3
    dt: Positive = 20.0
    tau: Positive = 100.0
    n_trials: Count = 64
    n_starts: Count = 1024


PRESETS = {
    "quick": Settings(),
    "paper": Settings(n_units=128, n_networks=10, steps=3000, n_starts=4096),
}
