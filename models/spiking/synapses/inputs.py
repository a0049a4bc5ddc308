"""External inputs of a network: currents, given spikes, Poisson spikes."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.checks import whole
from neurodyn.common.reprs import brief
from neurodyn.models.spiking.synapses.synapse import scalar
from neurodyn.params import AbstractParameter
from neurodyn.params.base import value_of


class CurrentInput(eqx.Module):
    """Channels of the input that are currents into units.

    Parameters
    ----------
    n
        Number of channels.
    to
        Population that receives them, ``"all"``, or a tuple of neighbouring populations.
    W
        Weights ``(channel, unit)``, as of a projection. Default: a single channel goes to every
        unit with weight 1; as many channels as units go one to each.
    """

    n: int = eqx.field(static=True)
    to: str | tuple[str, ...] = eqx.field(static=True, default="all")
    W: Any = None

    __repr__ = brief

    def __check_init__(self):
        whole("n", self.n, 1)


class SpikeInput(eqx.Module):
    """Channels of the input that are spikes: counts in each step, of recorded or designed trains.

    Projections name it as their `pre`. :func:`neurodyn.drive.spike_counts` makes such an input of
    spike times.

    Parameters
    ----------
    n
        Number of channels.
    """

    n: int = eqx.field(static=True)

    __repr__ = brief

    def __check_init__(self):
        whole("n", self.n, 1)


class Poisson(eqx.Module):
    """Units that fire at random, drawn while the network runs; projections name it as their `pre`.

    In each step a unit fires with probability ``rate dt``, at most once. With several `trains` it
    stands for as many such units: it sends the number of those that fire, which is binomial.

    Parameters
    ----------
    n
        Number of units.
    rate
        Rate [Hz], one number or one for each unit; with several trains, of each train.
    trains
        Number of trains that each unit sums; default 1.

    Raises
    ------
    ValueError
        If a rate is negative, or `trains` is below 1.
    """

    n: int = eqx.field(static=True)
    rate: Float[Array, "..."] | AbstractParameter
    trains: int = eqx.field(static=True, default=1)

    __repr__ = brief

    def __init__(self, n: int, rate: Any, *, trains: int = 1):
        self.n, self.trains = whole("n", n, 1), whole("trains", trains, 1)
        self.rate = scalar("rate", rate, least=0.0)
        shape = jnp.shape(value_of(self.rate))
        if shape not in ((), (self.n,)):
            raise ValueError(f"`rate` must be one number or one for each of {n} units, got {shape}")

    def draw(self, dt: Float[Array, ""], key: Any) -> Float[Array, " unit"]:
        """Spikes of one step."""
        p = jnp.broadcast_to(value_of(self.rate).astype(dt.dtype) * (dt / 1000), (self.n,))
        if self.trains == 1:
            return jax.random.bernoulli(key, p).astype(dt.dtype)
        return jax.random.binomial(key, jnp.asarray(self.trains, dt.dtype), p, dtype=dt.dtype)
