"""Interfaces of rules that change weights during a run.

As for readouts (:mod:`neurodyn.models.rules`), a rule is a pure function of its memory and of what
it sees, and its memory is part of the state of the run.

Gates (``Drive.gate``) differ between trials, so they multiply and never choose a branch. The number
of the step (``Drive.step``) decides in which steps a rule acts. It is the same for all trials of a
batch, so that a branch on it stays a branch when the batch is vectorised.
"""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from neurodyn.common.checks import number
from neurodyn.common.reprs import brief
from neurodyn.engine.drive import Drive


class AbstractProjectionRule(eqx.Module):
    """Changes the weights between neurons ``(pre, post)`` while a network runs."""

    __repr__ = brief

    @abc.abstractmethod
    def check(self, weights: Float[np.ndarray, " synapse"]) -> None:
        """Raise ValueError if the rule cannot start from these weights (of existing synapses).

        Called when a network is built, unless its weights are traced.
        """

    @abc.abstractmethod
    def start(self, W: PyTree, n_pre: int, n_post: int) -> PyTree:
        """Memory of the rule before the first step."""

    def arrive(
        self, dt: Float[Array, ""], memory: PyTree, W: PyTree, pre: Float[Array, " pre"]
    ) -> tuple[PyTree, PyTree, Array]:
        """Memory, weights and what spikes deliver, when presynaptic spikes arrive in a step.

        Default: the weights as they are. :meth:`update` follows after the arrival.
        """
        del dt, pre
        return memory, W, W.values

    @abc.abstractmethod
    def update(
        self,
        t: Any,
        dt: Float[Array, ""],
        memory: PyTree,
        W: PyTree,
        pre: Float[Array, " pre"],
        post: Float[Array, " post"],
        state: Any,
        u: Drive,
        *,
        key: PRNGKeyArray | None,
    ) -> tuple[PyTree, PyTree]:
        """Memory and weights after a step.

        Parameters
        ----------
        t, dt
            Time at the start of the step, and its length [ms].
        memory, W
            Memory and weights before the step.
        pre, post
            0/1 spikes of this step, as they arrive and as they occur.
        state
            State of the network.
        u
            Drive of this step.
        key
            Key of rules that draw random numbers.
        """


class Clock(eqx.Module):
    """The steps in which a rule acts: every ``every`` ms within ``[start, stop)``.

    Parameters
    ----------
    every
        Interval [ms], to the nearest step and at least one; None: every step.
    start, stop
        When learning starts and stops [ms of the run]; ``stop`` None: never.

    Raises
    ------
    ValueError
        If an interval is not positive, or the stop is not after the start.
    """

    every: Float[Array, ""] | None
    start: Float[Array, ""]
    stop: Float[Array, ""] | None

    __repr__ = brief

    def __init__(self, every: Any = None, start: Any = 0.0, stop: Any = None):
        self.every = None if every is None else number("every", every, above=0)
        self.start = number("start", start, low=0)
        self.stop = None if stop is None else number("stop", stop, above=0)
        if self.stop is None or any(
            isinstance(x, jax.core.Tracer) for x in (self.start, self.stop)
        ):
            return
        if not self.stop > self.start:
            raise ValueError(f"Learning must stop after it starts, got {start} and {stop} ms.")

    def ticks(self, step: Int[Array, ""], dt: Float[Array, ""]) -> Bool[Array, ""]:
        """Whether the rule acts in this step."""
        acts = step >= steps_of(self.start, dt)
        if self.stop is not None:
            acts &= step < steps_of(self.stop, dt)
        if self.every is not None:
            acts &= step % jnp.maximum(steps_of(self.every, dt), 1) == 0
        return acts


def steps_of(duration: Float[Array, "..."], dt: Float[Array, ""]) -> Int[Array, "..."]:
    """Whole steps in a duration [ms], to the nearest."""
    return jnp.round(duration.astype(dt.dtype) / dt).astype(jnp.int32)


def gate_of(u: Drive, dtype: Any) -> Float[Array, "..."]:
    """The gate of a step, 1 where there is none."""
    return jnp.ones((), dtype) if u.gate is None else u.gate.astype(dtype)
