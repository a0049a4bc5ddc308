"""Settings of the emergent timescales."""

import dataclasses
from typing import Annotated, Literal

from neurodyn.experiments.shared.limits import Count, Fraction, Limits, Whole
from neurodyn.experiments.shared.seeds import SeededSettings

__all__ = ["AnalysisSettings", "Settings"]

#: How N grows.
Curriculum = Literal["single", "cumulative", "sliding", "no_curriculum"]
#: Some N, or none.
Ns = tuple[Annotated[int, Limits(2)], ...] | tuple[()]


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings of training; the defaults are those published, but for how far N goes.

    Attributes
    ----------
    seed
        Seed of the first network.
    n_seeds
        Networks for each curriculum and tau treatment.
    task
        ``"n_parity"`` or ``"n_dms"``.
    curricula
        Names: ``"single"``, ``"cumulative"``, ``"sliding"`` (a window of ten,
        moved by five) and ``"no_curriculum"`` (on ``n_last`` alone).
    taus
        Time constants: ``"trained"``, or a number of steps at which those of
        all units stay.
    cell
        ``"leaky"`` (the nonlinearity around the whole update), ``"rate"`` (on the drive only),
        ``"lstm"`` or ``"gru"`` (the two take no ``taus``).
    hold
        Steps that each bit lasts; above 1 time constants are counted in bits (the published check
        of continuous time holds bits for 10 steps, with the cell ``"rate"``).
    n_units
        Units of a network.
    n_heads
        The largest number of heads; single-head networks have one.
    n_last
        The largest N.
    batch_size
        Trials of an update; 0: as published for this cell (256; 64 for gated cells).
    epoch
        Updates of an epoch; 0: as published for this cell (600; 300 for gated cells).
    epochs
        The largest number of epochs.
    n_test
        Batches in the test after every epoch.
    workers
        Runs at once, each in a process of its own on one core (which pays from two cores on); 1:
        one after the other, on all cores, in this process. Needs a folder.
    threshold
        Accuracy that the mean over heads and the largest N exceed before N grows.
    """

    n_seeds: Count = 1
    task: Literal["n_parity", "n_dms"] = "n_parity"
    curricula: tuple[Curriculum, ...] = ("single", "cumulative")
    taus: tuple[str, ...] = ("trained",)
    cell: Literal["leaky", "rate", "lstm", "gru"] = "leaky"
    hold: Count = 1
    n_units: Count = 500
    n_heads: Count = 100
    n_last: Annotated[int, Limits(2)] = 5
    batch_size: Whole = 0
    epoch: Whole = 0
    epochs: Count = 1000
    n_test: Count = 50
    threshold: Fraction = 0.98
    workers: Count = 1


@dataclasses.dataclass(frozen=True)
class AnalysisSettings(Settings):
    """Settings of training and of the analyses; the defaults are those published.

    Attributes
    ----------
    timescales_at
        N at which the timescales of the activity are measured; none given: every fifth, and the
        largest that was solved.
    n_steps
        Steps of the run that they are measured in.
    n_trials
        Trials of that run.
    ablate_at
        N at which units are cut, one at a time; none given: none.
    n_ablated
        How many of the fastest and of the slowest.
    perturb_at
        N at which weights and time constants are perturbed.
    n_scored
        Bits of the stream that lesioned networks are scored on.
    n_repeats
        Repeats of each score.
    retrain_from
        Single-head networks that have solved this N are trained further.
    retrain_to
        They are trained on each N up to this one.
    retrain_epochs
        Epochs of that training; 0: not at all.
    join
        Folders of runs that were trained apart, to put side by side instead of training: what is
        finished as it is, of other runs the networks that there are so far, analysed with these
        settings. None given: train.
    """

    timescales_at: Ns = ()
    n_steps: Count = 100_000
    n_trials: Count = 10
    ablate_at: Ns = (5, 30, 35)
    n_ablated: Count = 20
    perturb_at: Ns = (30,)
    n_scored: Count = 1000
    n_repeats: Count = 10
    retrain_from: Annotated[int, Limits(2)] = 16
    retrain_to: Annotated[int, Limits(2)] = 36
    retrain_epochs: Whole = 0
    join: tuple[str, ...] | tuple[()] = ()
