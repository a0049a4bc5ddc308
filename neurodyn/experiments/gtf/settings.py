"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Literal

from neurodyn.experiments.running.limits import Count, NotNegative, Positive
from neurodyn.experiments.shared.attractor_training import AttractorSettings, check_window
from neurodyn.training import GeneralisedTeacherForcing


@dataclasses.dataclass(frozen=True)
class Settings(AttractorSettings):
    """Settings, beside those of :class:`AttractorSettings`; as published for the Lorenz system.

    The published number of 365 parameters (3 units, 50 hidden ones) includes an affine observation;
    with the identity, the default here and in the published settings, there are 356.

    Attributes
    ----------
    data
        ``"lorenz63"``, ``"ecg"`` (700 Hz) or ``"eeg"`` (without test data, so that the scores
        compare with the training data).
    n_units
        Latent units.
    n_hidden
        Units of the hidden layer.
    observation
        ``"identity"`` or ``"affine"``.
    alpha
        Estimator of adaptive forcing, or a number (as text) for constant forcing.
    latent
        Weight of the penalty on parameters.
    observed
        Weight of the penalty on the condition number of an affine observation.
    n_samples
        Samples of the simulated system, in the training and in the test data each.
    evaluate_every
        Epochs between evaluations by a free run. The checkpoint with the smallest divergence from
        the training data is kept, and the last one.
    """

    data: Literal["lorenz63", "ecg", "eeg"] = "lorenz63"
    n_units: Count = 3
    n_hidden: Count = 50
    observation: Literal["identity", "affine"] = "identity"
    alpha: str = "product_upper_bound"
    latent: NotNegative = 1e-5
    observed: NotNegative = 0.0
    epochs: Count = 5000
    learning_rate: tuple[Positive, Positive] = (1e-3, 1e-6)


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    GeneralisedTeacherForcing(forcing_of(settings.alpha))
    check_window(settings)


def forcing_of(text: str) -> float | str:
    """The setting ``alpha`` as the objective takes it: a number if it is one."""
    try:
        return float(text)
    except ValueError:
        return text


_ECG = Settings(
    data="ecg", n_units=5, n_hidden=250, observation="affine", latent=1e-5, observed=1e-6
)


_EEG = Settings(
    data="eeg",
    n_units=16,
    n_hidden=512,
    observation="affine",
    alpha="arithmetic_mean",
    latent=1e-4,
    observed=1e-6,
    window=50,
)


PRESETS = {
    "quick": Settings(
        n_seeds=2, epochs=200, learning_rate=(2e-3, 1e-5), n_samples=20_000, evaluate_every=50
    ),
    "paper": Settings(n_seeds=20),
    "ecg": _ECG,
    "ecg_constant": dataclasses.replace(_ECG, alpha="0.3", latent=0.0, observed=1e-7),
    "eeg": _EEG,
    "eeg_constant": dataclasses.replace(_EEG, alpha="0.1"),
}
