"""Error-modulated, gated Hebbian learning of a readout."""

from typing import Any, ClassVar

import jax
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.rules import AbstractReadoutRule
from neurodyn.models.spiking.plasticity.base import Clock, gate_of


class ThreeFactor(AbstractReadoutRule):
    r"""Presynaptic rate times error times gate, all of it local to the synapse.

    .. math:: \Delta w_k = \eta\, G_k (\hat z_k - z_k)\, r

    in every step in which the rule acts. This is least mean squares: for a repeated rate vector the
    output is an exponential average of its targets with a memory of :math:`1 / (\eta \lVert r
    \rVert^2)` updates, and it is stable for :math:`\eta \lVert r \rVert^2 < 2`. Unlike
    :class:`RLS` its learning rate does not fall with the number of trials.

    Parameters
    ----------
    rate
        :math:`\eta`, per update.
    every
        Interval of the updates [ms] (steps where the system is a map); default 1, as published.
    start, stop
        Learning happens in ``[start, stop)`` [ms]; default: always.

    Raises
    ------
    ValueError
        If the learning rate is negative, or the interval is empty.

    References
    ----------
    Yamada & Chao, Commun. Biol. 2026.
    """

    rate: Float[Array, ""]
    clock: Clock
    reference: ClassVar[tuple[str, ...]] = ("yamada2026",)

    def __init__(self, rate: Any, *, every: Any = 1.0, start: Any = 0.0, stop: Any = None):
        self.rate = number("rate", rate, low=0)
        self.clock = Clock(every, start, stop)

    def start(self, W, *, key):
        """No memory beside the weights."""
        del W, key

    def update(self, t, dt, memory, W, r, z, u, *, key):
        """Change the weights in the steps of the clock."""
        del t, key
        if u.target is None:
            return memory, W
        size = self.rate.astype(W.dtype) * gate_of(u, W.dtype)

        def correct(W):
            return W - r[:, None] * (size * (z - u.target))[None, :]

        return memory, jax.lax.cond(self.clock.ticks(u.step, dt), correct, lambda W: W, W)
