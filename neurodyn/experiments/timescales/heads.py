"""Trained networks with one of their heads, and the stream of bits that scores them."""

import dataclasses
from typing import Any

import equinox as eqx
import numpy as np

from neurodyn.experiments.timescales.networks import Variant, task_of
from neurodyn.experiments.timescales.networks import network as fresh_network
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.params.base import value_of
from neurodyn.task import AbstractTask

#: Bits before the first scored one, and number of scored bits.
BURN_IN, SCORED = 100, 1000


def head_of(network: Any, variant: Variant, n: int) -> int:
    """Number of the head that answers for the largest solved N.

    Parameters
    ----------
    network
        Network at the time when it solved `n`.
    variant
        Its curriculum and time constants.
    n
        The largest solved N.
    """
    if variant.curriculum == "cumulative":
        return n - 2
    # A sliding window reuses heads by position, so the last head has the largest N.
    return network.n_outputs // 2 - 1 if variant.curriculum == "sliding" else 0


def with_one_head(settings: Settings, variant: Variant, network: Any, head: int) -> Any:
    """The network with one of its heads, so that all curricula are scored alike."""
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
    """Task for one head: a stream of fair bits, scored on the last N bits at every step."""
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
