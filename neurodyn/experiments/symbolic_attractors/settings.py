"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Literal

from neurodyn.experiments.running.limits import Count, NotNegative, Whole
from neurodyn.experiments.shared.attractor_training import AttractorSettings, check_window


@dataclasses.dataclass(frozen=True)
class Settings(AttractorSettings):
    """Settings, beside those of :class:`AttractorSettings`; as published for the Lorenz system.

    Attributes
    ----------
    data
        ``"lorenz63"``, ``"rossler"``, ``"ecg"`` or ``"fmri_tasks"``.
    n_units
        Number of units.
    n_relu
        Number of rectified units.
    forcing
        Steps between two forcings to the data.
    noise_std
        Standard deviation of the noise added to every window.
    free_run
        Length of the free runs of the final scores (at most that of the data) [steps].
    bins
        Bins per dimension of the state-space divergence; 0: Gaussian mixtures instead of bins.
    smoothing
        Smoothing of power spectra [bins].
    n_lyapunov
        Steps that Lyapunov exponents average.
    sweep_to
        Largest number of rectifiers in a sweep from 0 on; 0: no sweep.
    sweep_seeds
        Networks for each number of rectifiers in the sweep.
    sweep_epochs
        Epochs of training in the sweep.
    """

    data: Literal["lorenz63", "rossler", "ecg", "fmri_tasks"] = "lorenz63"
    n_seeds: Count = 10
    n_units: Count = 20
    n_relu: Whole = 2
    forcing: Count = 16
    noise_std: NotNegative = 0.05
    evaluate_every: Count = 25
    free_run: Count = 100_000
    bins: Whole = 30
    smoothing: NotNegative = 20.0
    n_lyapunov: Count = 20_000
    sweep_to: Whole = 0
    sweep_seeds: Count = 5
    sweep_epochs: Count = 500


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    for name in ("n_relu", "sweep_to"):
        if getattr(settings, name) > settings.n_units:
            raise ValueError(
                f"Setting {name!r} ({getattr(settings, name)}) must be at most the number of units "
                f"({settings.n_units})."
            )
    check_window(settings)


PRESETS = {
    "quick": Settings(
        n_seeds=3,
        epochs=240,
        learning_rate=(3e-3, 1e-4),
        n_samples=20_000,
        evaluate_every=10,
        evaluate_samples=10_000,
        n_lyapunov=5000,
    ),
    "paper": Settings(sweep_to=5),
    "rossler": Settings(
        data="rossler", n_relu=1, window=300, forcing=8, epochs=3000, learning_rate=(5e-3, 1e-5)
    ),
    "ecg": Settings(
        data="ecg",
        n_units=100,
        window=50,
        forcing=10,
        epochs=4000,
        learning_rate=(2e-3, 1e-5),
        noise_std=0.01,
        bins=8,
    ),
    "fmri": Settings(
        data="fmri_tasks",
        n_units=50,
        window=72,
        forcing=7,
        learning_rate=(5e-3, 1e-5),
        noise_std=0.0,
        bins=0,
        smoothing=1.0,
    ),
}
