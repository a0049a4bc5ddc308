"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated, Literal

from neurodyn.experiments.running.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.running.seeds import SeededSettings

Variant = Literal["untrained", "ctrnn", "penalised", "noisy", "gru", "spiking"]
#: Time from the onset of the movement [ms].
Time = Annotated[float, Limits(-10_000.0, 10_000.0)]


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    recording
        Name of a dataset, or a file, with ``rate`` ``(condition, time, unit)``, ``direction`` and
        the hand's velocity ``hand_vx``, ``hand_vy``.
    variants
        Networks: ``ctrnn`` (continuous time, tanh); the same ``untrained``, ``penalised`` (rates
        and weights) and ``noisy``; ``gru``; ``spiking`` (leaky integrate-and-fire units).
    n_units, n_spiking
        Units of each network, and of each spiking network.
    n_networks
        Networks of each variant.
    steps, steps_spiking
        Updates of training.
    batch_size
        Trials of each update.
    learning_rate, learning_rate_spiking
        Step size of Adam.
    dt, dt_spiking
        Time step of the simulation [ms].
    tau
        Time constant of the continuous networks [ms].
    rate_penalty, weight_penalty
        Weights of the penalties of ``penalised`` (:class:`neurodyn.training.Supervised`).
    noise_std
        Standard deviation of the noise in each unit of ``noisy``.
    delay
        Shortest and longest time from the target to the go cue in training [ms]; the middle is
        simulated afterwards.
    reaction, movement
        Time from the go cue to the start of the movement, and its duration [ms].
    repeats
        Simulated trials of each direction.
    sigma
        Standard deviation of the Gaussian that smooths the activity of networks [ms]; that of the
        recording is smoothed already.
    soft
        Softening of the recorded rates [Hz]; that of networks has the same ratio to the mean range
        of units.
    n_components
        Principal components in which rotations are searched.
    rotation_window
        Times in which rotations are searched, from the onset of the recorded movement [ms].
    window
        Times in which dynamics and geometry are compared [ms].
    n_null
        Surrogates of the rotations, and shuffles of the geometry.
    n_halves
        Random halves of the recorded units, compared for reference.
    """

    recording: str = "hatsopoulos2007"
    variants: tuple[Variant, ...] = ("untrained", "ctrnn", "penalised", "noisy", "gru")
    n_units: Count = 64
    n_spiking: Count = 100
    n_networks: Count = 2
    steps: Count = 300
    steps_spiking: Count = 400
    batch_size: Count = 32
    learning_rate: Positive = 3e-3
    learning_rate_spiking: Positive = 5e-3
    dt: Positive = 10.0
    dt_spiking: Positive = 5.0
    tau: Positive = 50.0
    rate_penalty: NotNegative = 0.1
    weight_penalty: NotNegative = 0.1
    noise_std: NotNegative = 0.1
    delay: tuple[Positive, Positive] = (200.0, 600.0)
    reaction: Positive = 200.0
    movement: Positive = 500.0
    repeats: Count = 8
    sigma: Positive = 25.0
    soft: Positive = 5.0
    n_components: Annotated[int, Limits(2)] = 6
    rotation_window: tuple[Time, Time] = (-50.0, 160.0)
    window: tuple[Time, Time] = (-250.0, 350.0)
    n_null: Count = 40
    n_halves: Count = 5


PRESETS = {
    "quick": Settings(),
    "paper": Settings(
        variants=("untrained", "ctrnn", "penalised", "noisy", "gru", "spiking"),
        n_units=200,
        n_spiking=200,
        n_networks=5,
        steps=5000,
        steps_spiking=4000,
        batch_size=64,
        learning_rate=1e-3,
        learning_rate_spiking=2e-3,
        repeats=20,
        n_null=1000,
        n_halves=20,
    ),
}
