"""Short-term plasticity: depression and facilitation of release."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.reprs import brief
from neurodyn.models.spiking.synapses.synapse import scalar
from neurodyn.params import AbstractParameter
from neurodyn.params.base import value_of


class Release(NamedTuple):
    """State of the terminals of each presynaptic unit.

    Attributes
    ----------
    x
        Fraction of the resources that is available.
    y
        Fraction of these resources that a spike releases.
    """

    x: Float[Array, " pre"]
    y: Float[Array, " pre"]


class TsodyksMarkram(eqx.Module):
    r"""Short-term depression and facilitation.

    .. math::
        \dot x &= (1 - x) / \tau_d, \qquad \dot y = (U - y) / \tau_f \\
        y &\leftarrow y + U (1 - y), \qquad \text{release } r = x y, \qquad x \leftarrow x - r

    A spike acts with its weight times the release r. Of n spikes in one step, each releases a part
    of the resources that the spikes before it left. Together they release
    :math:`x (1 - (1 - y)^n (1 - U)^{n (n + 1) / 2})`, with y before the step. Between spikes x and
    y relax exactly, at any step and with any solver.

    Parameters
    ----------
    U
        Release of a terminal at rest, in (0, 1].
    depression
        Time constant of recovery from depression [ms].
    facilitation
        Time constant of facilitation [ms]; None: no facilitation, every spike releases the fraction
        U of the resources.

    Raises
    ------
    ValueError
        If a time constant is not positive, or U is outside (0, 1].

    References
    ----------
    Tsodyks, Pawelzik & Markram, "Neural networks with dynamic synapses", Neural Comput. 10:821,
    1998.
    Mongillo, Barak & Tsodyks, "Synaptic theory of working memory", Science 319:1543, 2008.
    """

    U: Float[Array, "..."] | AbstractParameter
    depression: Float[Array, "..."] | AbstractParameter
    facilitation: Float[Array, "..."] | AbstractParameter | None

    reference: ClassVar[tuple[str, ...]] = ("tsodyks1998", "mongillo2008")

    __repr__ = brief

    def __init__(self, U: Any, depression: Any, facilitation: Any = None):
        self.U = scalar("U", U, above=0.0, most=1.0)
        self.depression = scalar("depression", depression, above=0.0)
        none = facilitation is None
        self.facilitation = None if none else scalar("facilitation", facilitation, above=0.0)

    def start(self, n: int, dtype: Any) -> Release:
        """Terminals at rest."""
        return Release(jnp.ones((n,), dtype), jnp.ones((n,), dtype) * value_of(self.U))

    def release(
        self, state: Release, events: Float[Array, " pre"], dt: Any, *, counts: bool = True
    ) -> tuple[Release, Float[Array, " pre"]]:
        """State after a step of ``dt`` ms and its events, and the release of each event.

        Without ``counts`` there is one spike in a step at most, which is less to compute.
        """
        U, grows = value_of(self.U), self.facilitation is not None
        x = 1 - (1 - state.x) * jnp.exp(-dt / value_of(self.depression))
        rest = jnp.ones_like(x) * U
        y = rest
        if grows:
            rest = U + (state.y - U) * jnp.exp(-dt / value_of(self.facilitation))
            y = rest + U * (1 - rest) * events
        released = x * y * events
        if counts:
            many = events > 1
            n = jnp.where(many, events, 2)
            left = (1 - rest) ** n
            if grows:
                left = left * (1 - U) ** (n * (n + 1) / 2)
                y = jnp.where(many, 1 - (1 - rest) * (1 - U) ** n, y)
            released = jnp.where(many, x * (1 - left), released)
        return Release(x - released, y), released
