"""Settings of the experiment, and its presets."""

import dataclasses

from neurodyn.experiments.running.limits import Count, NotNegative, Positive
from neurodyn.experiments.running.seeds import SeededSettings


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings; the defaults are those of the published program.

    Attributes
    ----------
    n_seeds
        Number of networks, each with weights, parameters and noise of its own.
    n_excitatory
        Excitatory neurons.
    n_inhibitory
        Inhibitory neurons.
    published
        Whether to run the published program, with steps of 1 ms; otherwise its equivalent for any
        step, with white noise and spikes that change potentials at once.
    dt
        Step [ms]; 1 in the published program.
    duration
        Length of the run [ms]; 1000 in the published program.
    settle
        Time that rates and spectra leave out [ms], because the onset depends on the initial state.
    segment
        Length of the segments that spectra average [ms].
    brian2
        Whether Brian2 also simulates the same networks, with noise of its own.
    """

    n_seeds: Count = 5
    n_excitatory: Count = 800
    n_inhibitory: Count = 200
    published: bool = True
    dt: Positive = 1.0
    duration: Positive = 1000.0
    settle: NotNegative = 200.0
    segment: Positive = 400.0
    brian2: bool = False


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    if settings.published and settings.dt != 1.0:
        raise ValueError(
            f"The published program has steps of 1 ms, got dt={settings.dt}; for other steps set "
            "published=false."
        )
    if settings.settle >= settings.duration:
        raise ValueError(
            f"settle ({settings.settle} ms) must be shorter than the run ({settings.duration} ms)."
        )
    if settings.segment > settings.duration - settings.settle:
        raise ValueError(
            f"segment ({settings.segment} ms) must fit into the time after settle "
            f"({settings.duration - settings.settle} ms)."
        )


PRESETS = {
    "quick": Settings(),
    "paper": Settings(n_seeds=20, duration=5000.0, segment=500.0),
    "white_noise": Settings(published=False, dt=0.1, n_seeds=10, duration=2000.0),
}
