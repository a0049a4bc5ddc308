"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Literal

from neurodyn.experiments.running.limits import Count, Fraction, Positive
from neurodyn.experiments.running.seeds import SeededSettings
from neurodyn.tasks.multitask.rules import RULES

Activation = Literal["softplus", "relu", "tanh", "retanh"]


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    activations
        Nonlinearities of the networks, each with networks of its own.
    rules
        Rules in use, by their published names; ``all``: all twenty.
    n_units
        Units of each network.
    n_networks
        Networks of each nonlinearity.
    criterion
        Fraction of correct trials of the worst rule at which training ends.
    steps
        Updates of training at most.
    evaluate_every
        Updates between evaluations.
    batch_size
        Trials of each update, which share rule, durations and modality.
    learning_rate
        Step size of Adam.
    noise_std
        Noise of the units, inside the nonlinearity.
    dt, tau
        Time step and time constant of the units [ms].
    n_directions
        Directions of stimuli in the trials whose variance is measured.
    most_clusters
        Largest number of clusters that is tried.
    n_trials
        Trials of each rule in the test, and of each mixture of rule inputs.
    """

    activations: tuple[Activation, ...] = ("softplus",)
    rules: tuple[str, ...] = ("fdgo", "delaygo", "fdanti", "delayanti")
    n_units: Count = 64
    n_networks: Count = 1
    criterion: Fraction = 0.9
    steps: Count = 3000
    evaluate_every: Count = 250
    batch_size: Count = 64
    learning_rate: Positive = 1e-3
    noise_std: Positive = 0.05
    dt: Positive = 20.0
    tau: Positive = 100.0
    n_directions: Count = 20
    most_clusters: Count = 10
    n_trials: Count = 500

    def rules_in_use(self) -> tuple[str, ...]:
        """Names of the rules."""
        return tuple(RULES) if self.rules == ("all",) else self.rules


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other.

    Raises
    ------
    ValueError
        For unknown or repeated rules, or a time constant shorter than the step.
    """
    rules = settings.rules_in_use()
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown or len(set(rules)) < len(rules) or not rules:
        raise ValueError(
            f"Setting 'rules' takes 'all' or different names of {', '.join(RULES)}, got "
            f"{', '.join(rules) or 'none'}."
        )
    if settings.tau < settings.dt:
        raise ValueError(
            f"Setting 'tau' must be at least 'dt' ({settings.dt:g} ms), got {settings.tau:g}."
        )


PRESETS = {
    "quick": Settings(),
    "full": Settings(
        activations=("softplus", "relu", "tanh"),
        rules=("all",),
        n_units=256,
        n_networks=3,
        steps=156_250,
        evaluate_every=500,
        most_clusters=29,
        n_trials=1000,
    ),
}
