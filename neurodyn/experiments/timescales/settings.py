"""Settings of the experiment, and its presets."""

import dataclasses
from typing import Annotated, Literal

from neurodyn.experiments.running.limits import Count, Fraction, Limits, Whole
from neurodyn.experiments.running.seeds import SeededSettings

#: Name of a curriculum.
Curriculum = Literal["single", "cumulative", "sliding", "no_curriculum"]
#: Any number of N.
Ns = tuple[Annotated[int, Limits(2)], ...] | tuple[()]


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings of training; defaults are the published ones, except the largest N.

    Attributes
    ----------
    seed
        Seed of the first network.
    n_seeds
        Networks for each curriculum and tau treatment.
    task
        ``"n_parity"`` or ``"n_dms"``.
    curricula
        Names: ``"single"``, ``"cumulative"``, ``"sliding"`` (a window of ten N that moves by five)
        and ``"no_curriculum"`` (only ``n_last``).
    taus
        Time constants: ``"trained"``, or a fixed number of steps for all units.
    cell
        ``"leaky"`` (nonlinearity of the whole update), ``"rate"`` (nonlinearity of the drive only),
        ``"lstm"`` or ``"gru"`` (without time constants, so without ``taus``).
    hold
        Duration of a bit [steps]; above 1, time constants are in bits (the published test of
        continuous time has bits of 10 steps, with the cell ``"rate"``).
    n_units
        Units of a network.
    n_heads
        Largest number of heads; single-head networks have one.
    n_last
        Largest N.
    batch_size
        Trials of an update; 0: as published for this cell (256; 64 for gated cells).
    epoch
        Updates of an epoch; 0: as published for this cell (600; 300 for gated cells).
    epochs
        Largest number of epochs.
    n_test
        Batches in the test after every epoch.
    workers
        Number of networks that train at once, each in a process of its own on one core, which is
        faster on two cores or more and needs a folder; 1: one after the other, on all cores.
    threshold
        Accuracy, in the mean over heads and for the largest N, above which N grows.
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
    """Settings of training and of the analyses; defaults are the published ones.

    Attributes
    ----------
    timescales_at
        N at which the timescales of the activity are measured; empty: every fifth N, and the
        largest solved one.
    n_steps
        Steps of the simulation that measures timescales.
    n_trials
        Trials of that simulation.
    ablate_at
        N at which single units are removed; empty: none.
    n_ablated
        Number of removed units among the fastest, and among the slowest.
    perturb_at
        N at which weights and time constants are perturbed.
    n_scored
        Bits of the stream that scores perturbed networks.
    n_repeats
        Repeats of each score.
    retrain_from
        N of the networks that are trained further, with one head.
    retrain_to
        Largest N of that training.
    retrain_epochs
        Epochs of that training for each N; 0: no further training.
    join
        Folders of earlier runs, whose results are put side by side instead of training. Finished
        runs are read; the networks of unfinished runs are analysed with these settings. Empty:
        train.
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


PRESETS = {
    "quick": AnalysisSettings(
        n_last=5,
        timescales_at=(2, 5),
        n_steps=5000,
        ablate_at=(5,),
        perturb_at=(5,),
        n_ablated=5,
        n_scored=400,
        n_repeats=4,
    ),
    "paper": AnalysisSettings(
        n_seeds=4,
        n_last=101,
        curricula=("single", "cumulative", "sliding"),
        taus=("trained", "1", "2", "3", "4"),
        retrain_epochs=20,
    ),
}
