"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated

from neurodyn.experiments.running.limits import Count, Limits, NotNegative, Positive, Whole
from neurodyn.experiments.running.seeds import SeededSettings


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings. Numbers of the paper are marked; all others are choices of neurodyn.

    Attributes
    ----------
    n_seeds
        Networks, each with trials of its own; 5 in the paper.
    n_units
        Neurons, four fifths of them excitatory; 1000 in the paper.
    n_levels
        Probabilities of event A from 0 to 1; 11 in the paper.
    n_trials
        Trials in a block; 100 in the paper.
    dt
        Time step of the simulation [ms].
    eta_what
        Share of the error of the expected event (what) that one trial corrects.
    eta_when
        Learning rate of the time course (when) [1/ms], for rates in spikes per ms.
    feedback
        Amplitude of the current that feeds back an expectation of 1 [mV/ms].
    cue
        Standard deviation over neurons of the current at the cue [mV/ms].
    event
        Standard deviation over neurons of the current at events [mV/ms]. By default 0, because
        currents at events would help the network in training, but are absent in tests.
    n_pulses
        Number of consecutive pulses from the cue to the end of the trial, each into neurons of its
        own, with the amplitude of the cue: the clock of Nicola & Clopath (2017). Without it, the
        activity of this reservoir says little about the time 200 ms after a cue.
    noise
        White noise on the potential [mV per square root of ms].
    bias
        Constant currents are uniform from 0 to this [mV/ms].
    excitation
        Largest weight of fast excitatory synapses [mV/ms].
    inhibition
        Largest weight of inhibitory synapses [mV/ms].
    slow
        Largest weight of slow excitatory synapses [mV/ms].
    alpha
        Initial inverse correlation of recursive least squares.
    every
        Interval of the updates of recursive least squares [ms].
    remembered
        Number of trials that recursive least squares with forgetting remembers.
    bound
        Largest mean of the eigenvalues of its inverse correlation P, by default the initial value
        `alpha`; 0: no bound. Without a bound, P grows and is no longer positive in single precision
        after about two blocks.
    """

    n_seeds: Count = 5
    n_units: Annotated[int, Limits(5)] = 1000
    n_levels: Annotated[int, Limits(2)] = 11
    n_trials: Count = 100
    dt: Positive = 1.0
    eta_what: NotNegative = 0.05
    eta_when: NotNegative = 0.3
    feedback: NotNegative = 1.0
    cue: NotNegative = 10.0
    event: NotNegative = 0.0
    n_pulses: Whole = 14
    noise: NotNegative = 0.3
    bias: NotNegative = 3.0
    excitation: NotNegative = 0.4
    inhibition: NotNegative = 1.2
    slow: NotNegative = 0.05
    alpha: Positive = 10.0
    every: Positive = 10.0
    remembered: Positive = 20.0
    bound: NotNegative = 10.0


PRESETS = {
    "quick": Settings(n_seeds=1, n_units=400, n_levels=5, n_trials=30),
    "paper": Settings(),
    "open_loop": Settings(feedback=0.0),
}
