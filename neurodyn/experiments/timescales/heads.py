"""One head of a trained network, and the stream of bits on which it is read at every step."""

import dataclasses
from typing import Any

import equinox as eqx
import numpy as np

from neurodyn.experiments.timescales.networks import Variant, task_of
from neurodyn.experiments.timescales.networks import network as fresh_network
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.params.base import value_of
from neurodyn.task import AbstractTask

__all__ = ["head_of", "read_at_every_step", "with_one_head"]

#: Bits before the first that is scored, and bits that are.
BURN_IN, SCORED = 100, 1000


def head_of(network: Any, variant: Variant, n: int) -> int:
    """Which head answers for the largest N that the network has solved.

    Parameters
    ----------
    network
        As it was when it solved `n`.
    variant
        Which kind of training made it.
    n
        The largest N.
    """
    if variant.curriculum == "cumulative":
        return n - 2
    # A sliding window reuses heads by position, so its largest N is at the last one.
    return network.n_outputs // 2 - 1 if variant.curriculum == "sliding" else 0


def with_one_head(settings: Settings, variant: Variant, network: Any, head: int) -> Any:
    """The network with one of its heads, so that all kinds of training are read alike."""
    alone = variant._replace(curriculum="single")
    shell = fresh_network(dataclasses.replace(settings, n_last=2), alone, key=0)
    names = [
        f.name
        for f in dataclasses.fields(network)
        if f.name not in ("W_out", "b_out") and not f.metadata.get("static", False)
    ]
    columns = slice(2 * head, 2 * head + 2)
    W_out, b_out = value_of(network.W_out)[:, columns], value_of(network.b_out)[columns]
    values = [*(getattr(network, name) for name in names), W_out, b_out]
    return eqx.tree_at(
        lambda m: [*(getattr(m, name) for name in names), m.W_out, m.b_out],
        shell,
        values,
        is_leaf=lambda x: x is None,
    )


def read_at_every_step(
    settings: Settings, variant: Variant, n: int, *, scored: int = SCORED
) -> AbstractTask:
    """A stream of fair bits of which the last N are asked about at every step, for one head."""
    task = task_of(dataclasses.replace(settings, n_last=2), variant._replace(curriculum="single"))
    return type(task)(
        n,
        p=0.5,
        scored="every",
        burn_in=BURN_IN,
        length=BURN_IN + scored,
        levels=tuple(np.asarray(task.levels).tolist()),
        hold=task.hold,
        dt=task.dt,
    )
