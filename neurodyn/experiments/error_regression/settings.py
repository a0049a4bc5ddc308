"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated

from neurodyn.experiments.running.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.shared.forecasters import ForecastSettings


@dataclasses.dataclass(frozen=True)
class Settings(ForecastSettings):
    """Settings, beside those of :class:`ForecastSettings`.

    Attributes
    ----------
    seed
        Seed of the first network of each kind; the following networks have the following seeds.
    n_networks
        Networks of each kind and candidate.
    period
        Length of a curve [steps].
    n_curves
        Curves of a sequence.
    noise_std
        Standard deviation of the noise on the outputs.
    n_train
        Training sequences.
    n_validate
        Validation sequences, which choose the best candidate.
    n_test
        Test sequences, which the result reports.
    n_units
        Units of each layer of the PV-RNN, the fastest layer first. The other networks get the
        same number of parameters.
    epochs
        Updates on all training sequences, the same number for every network.
    learning_rates
        Learning rates of the PV-RNN that are tried, at the middle `w`.
    w
        Meta-priors that are tried, at the middle learning rate.
    reading_rates
        Learning rates of the VRNN and the LSTM that are tried.
    input_noise
        Standard deviations of the noise on the inputs of the LSTM that are tried.
    min_std
        Smallest standard deviations of the decoder of the VRNN that are tried.
    """

    period: Annotated[int, Limits(2)] = 12
    n_curves: Count = 6
    noise_std: NotNegative = 0.02
    n_train: Count = 24
    n_validate: Count = 12
    n_test: Count = 12
    learning_rates: tuple[Positive, ...] = (1e-3, 3e-3, 1e-2)
    w: tuple[Positive, ...] = (0.0005, 0.005, 0.05)
    reading_rates: tuple[Positive, ...] = (3e-3, 1e-2, 3e-2)
    input_noise: tuple[NotNegative, ...] = (0.02, 0.05, 0.1)
    min_std: tuple[Positive, ...] = (0.05, 0.1, 0.2)


PRESETS = {
    "quick": Settings(),
    "paper": Settings(n_networks=10, epochs=50_000, n_test=24, n_samples=32),
}
