"""Settings of the emergent timescales."""

import dataclasses

__all__ = ["Settings"]


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
