"""Synapses that act at once: a jump of the potential, or a current for one step."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from neurodyn.models.spiking.synapses.synapse import AbstractSynapse
from neurodyn.system import Variable


class Delta(AbstractSynapse):
    """A spike moves the potential at once; weights are in mV.

    The jump has no effect on a unit that spikes in the same step, because the reset comes later, or
    on a refractory unit.

    Parameters
    ----------
    onto
        Variable of the neurons that is moved, in whose units weights are then; default ``"v"``.
        Refractory units make jumps of what they do not hold.
    """

    onto: str = eqx.field(static=True, default="v")

    exact: ClassVar[bool] = True
    sums: ClassVar[bool] = False
    time_constants: ClassVar[tuple[str, ...]] = ()

    def start(self, n, dtype):
        del n, dtype

    def receive(self, s, arrivals, dt):
        del s, arrivals, dt

    def kick(self, arrivals):
        return arrivals


class Pulse(AbstractSynapse):
    """A spike is a current that lasts for the next step, as in Izhikevich's program of 2003.

    Its effect is proportional to the length of the step: with other steps than the 1 ms of that
    program, :class:`Delta` gives the same impulse.
    """

    exact: ClassVar[bool] = True
    sums: ClassVar[bool] = False
    time_constants: ClassVar[tuple[str, ...]] = ()

    def start(self, n, dtype):
        return jnp.zeros((n,), dtype)

    def receive(self, s, arrivals, dt):
        del s, dt
        return arrivals

    def current(self, s, v):
        del v
        return s

    def trace(self, s):
        return s

    def variable(self, name, current_units):
        return Variable(("unit",), current_units, f"current through {name}", "current")
