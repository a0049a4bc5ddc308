"""Settings of the emergent timescales."""

import dataclasses

__all__ = ["AnalysisSettings", "Settings"]


@dataclasses.dataclass(frozen=True)
class Settings:
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
        Names, separated by commas: ``"single"``, ``"cumulative"``, ``"sliding"`` (a window of ten,
        moved by five) and ``"no_curriculum"`` (on ``n_last`` alone).
    taus
        Time constants, separated by commas: ``"trained"``, or a number of steps at which those of
        all units stay.
    cell
        ``"leaky"`` (the nonlinearity around the whole update), ``"rate"`` (on the drive only),
        ``"lstm"`` or ``"gru"`` (the two take no ``taus``).
    hold
        Steps that each bit lasts; above 1 time constants are counted in bits (the published check
        of continuous time holds bits for 10 steps, with the cell ``"rate"``).
    n_units, n_heads
        Size of the network, and the largest number of heads; single-head networks have one.
    n_last
        The largest N.
    batch_size, epoch, epochs
        Trials per update, updates per epoch, and the largest number of epochs; 0 for the batch and
        the epoch: as published for this cell (256 and 600; 64 and 300 for gated cells).
    n_test
        Batches in the test after every epoch.
    workers
        Runs at once, each in a process of its own on one core (which pays from two cores on); 1:
        one after the other, on all cores, in this process. Needs a folder.
    threshold
        Accuracy that the mean over heads and the largest N exceed before N grows.
    """

    seed: int = 0
    n_seeds: int = 1
    task: str = "n_parity"
    curricula: str = "single,cumulative"
    taus: str = "trained"
    cell: str = "leaky"
    hold: int = 1
    n_units: int = 500
    n_heads: int = 100
    n_last: int = 5
    batch_size: int = 0
    epoch: int = 0
    epochs: int = 1000
    n_test: int = 50
    threshold: float = 0.98
    workers: int = 1


@dataclasses.dataclass(frozen=True)
class AnalysisSettings(Settings):
    """Settings of training and of the analyses; the defaults are those published.

    Attributes
    ----------
    timescales_at
        N at which the timescales of the activity are measured, separated by commas; empty: every
        fifth, and the largest that was solved.
    n_steps, n_trials
        Steps and trials of the run that they are measured in.
    ablate_at, n_ablated
        N at which units are cut, one at a time, and how many of the fastest and of the slowest.
    perturb_at
        N at which weights and time constants are perturbed.
    n_scored, n_repeats
        Bits of the stream that lesioned networks are scored on, and repeats of each.
    retrain_from, retrain_to, retrain_epochs
        Single-head networks are trained further on each N of the range, from those that have solved
        the first, for so many epochs; 0 epochs: not at all.
    join
        Folders of runs that were trained apart, separated by commas, to put side by side instead of
        training: what is finished as it is, of other runs the networks that there are so far,
        analysed with these settings. Empty: train.
    """

    timescales_at: str = ""
    n_steps: int = 100_000
    n_trials: int = 10
    ablate_at: str = "5,30,35"
    n_ablated: int = 20
    perturb_at: str = "30"
    n_scored: int = 1000
    n_repeats: int = 10
    retrain_from: int = 16
    retrain_to: int = 36
    retrain_epochs: int = 0
    join: str = ""
