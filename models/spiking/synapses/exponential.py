"""Synapses with one or two exponentials."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.models.spiking.synapses.synapse import AbstractSynapse, driven, labelled, scalar
from neurodyn.params import AbstractParameter

Numbers = Float[Array, "..."] | AbstractParameter


class Exponential(AbstractSynapse):
    r"""A spike adds its weight, which then decays.

    .. math:: \tau \dot g = -g, \qquad g \leftarrow g + w

    Parameters
    ----------
    tau
        Time constant [ms], one number or one for each unit.
    reversal
        Reversal potential [mV]: g is then a conductance that drives ``g (reversal - v)``. None: g
        is the current itself.
    exact
        Whether g decays by ``exp(-dt / tau)`` in each step, with any solver. By default the
        solver integrates it along with the neurons, as Brian2 does.
    unit_area
        Whether weights are divided by `tau`, so that a spike of weight w carries the charge w.

    Raises
    ------
    ValueError
        If `tau` is not positive.
    """

    tau: Numbers
    reversal: Numbers | None
    exact: bool = eqx.field(static=True)
    unit_area: bool = eqx.field(static=True)

    time_constants: ClassVar[tuple[str, ...]] = ("tau",)

    def __init__(
        self, tau: Any, *, reversal: Any = None, exact: bool = False, unit_area: bool = False
    ):
        self.tau = scalar("tau", tau, above=0.0)
        self.reversal = None if reversal is None else scalar("reversal", reversal)
        self.exact, self.unit_area = bool(exact), bool(unit_area)

    @property
    def sums(self):
        """Whether arrivals are added directly, without decay or scaling before."""
        return not (self.exact or self.unit_area)

    def start(self, n, dtype):
        return jnp.zeros((n,), dtype)

    def drift(self, s):
        return -s / self.tau

    def receive(self, s, arrivals, dt):
        s = s * jnp.exp(-dt / self.tau) if self.exact else s
        return s + (arrivals / self.tau if self.unit_area else arrivals)

    def current(self, s, v):
        return driven(s, v, self.reversal)

    def trace(self, s):
        return s

    def variable(self, name, current_units):
        return labelled(name, self.reversal, current_units)


class DoubleExponential(AbstractSynapse):
    r"""A current or conductance that rises and decays.

    .. math::
        \dot g = -g / \tau_r + h, \qquad \dot h = -h / \tau_d, \qquad
        h \leftarrow h + w / (\tau_r \tau_d)

    whose response has unit area, ``(exp(-t/decay) - exp(-t/rise)) / (decay - rise)``. Equal time
    constants give the alpha function.

    Parameters
    ----------
    rise, decay
        Time constants [ms].
    reversal
        Reversal potential [mV]; None: g is the current itself.
    exact
        Whether the state is advanced in the exact discrete form of Nicola & Clopath, with any
        solver: ``g <- g exp(-dt/rise) + h dt`` with the old h, then
        ``h <- h exp(-dt/decay) + w / (rise decay)``. By default the solver integrates it.
    unit_peak
        Whether weights are scaled so that the response to a spike of weight 1 has a peak of 1,
        instead of unit area.

    Raises
    ------
    ValueError
        If a time constant is not positive.

    References
    ----------
    Nicola & Clopath, "Supervised learning in spiking neural networks with FORCE training", Nat.
    Commun. 8:2208, 2017.
    """

    rise: Numbers
    decay: Numbers
    reversal: Numbers | None
    exact: bool = eqx.field(static=True)
    unit_peak: bool = eqx.field(static=True)

    sums: ClassVar[bool] = False
    time_constants: ClassVar[tuple[str, ...]] = ("rise", "decay")

    def __init__(
        self,
        rise: Any,
        decay: Any,
        *,
        reversal: Any = None,
        exact: bool = False,
        unit_peak: bool = False,
    ):
        self.rise = scalar("rise", rise, above=0.0)
        self.decay = scalar("decay", decay, above=0.0)
        self.reversal = None if reversal is None else scalar("reversal", reversal)
        self.exact, self.unit_peak = bool(exact), bool(unit_peak)

    def start(self, n, dtype):
        return (jnp.zeros((n,), dtype), jnp.zeros((n,), dtype))

    def drift(self, s):
        g, h = s
        return (h - g / self.rise, -h / self.decay)

    def receive(self, s, arrivals, dt):
        g, h = s
        if self.exact:
            g, h = g * jnp.exp(-dt / self.rise) + h * dt, h * jnp.exp(-dt / self.decay)
        jump = arrivals / (self.rise * self.decay)
        return (g, h + (jump / self._peak() if self.unit_peak else jump))

    def _peak(self):
        """Peak of the response of unit area."""
        same = jnp.abs(self.decay - self.rise) < 1e-4 * self.rise
        decay = jnp.where(same, 2 * self.rise, self.decay)  # avoids a division by zero
        ratio = jnp.log(decay / self.rise) / (decay - self.rise)
        peak = (jnp.exp(-self.rise * ratio) - jnp.exp(-decay * ratio)) / (decay - self.rise)
        return jnp.where(same, jnp.exp(-1.0).astype(peak.dtype) / self.rise, peak)

    def current(self, s, v):
        return driven(s[0], v, self.reversal)

    def trace(self, s):
        return s[0]

    def variable(self, name, current_units):
        return labelled(name, self.reversal, current_units)


def Alpha(tau: Any, **options: Any) -> DoubleExponential:
    """The alpha function ``t exp(-t / tau) / tau^2``: equal time constants of rise and decay.

    Parameters
    ----------
    tau
        Time to the peak [ms].
    **options
        As of :class:`DoubleExponential`.
    """
    return DoubleExponential(tau, tau, **options)
