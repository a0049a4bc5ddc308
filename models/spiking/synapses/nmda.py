"""The NMDA receptor, whose channel is blocked at rest."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.models.spiking.synapses.exponential import DoubleExponential
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse, scalar
from neurodyn.params import AbstractParameter
from neurodyn.params.base import value_of
from neurodyn.system import Variable


class NMDA(AbstractSynapse):
    r"""The NMDA receptor: a slow conductance that magnesium blocks at rest.

    .. math:: I = g\, \frac{E - v}{1 + [\mathrm{Mg}] / 3.57 \, e^{-0.062 v}}

    with v in mV; g rises and decays as of :class:`DoubleExponential`, in proportion to the spikes
    (it does not saturate).

    Parameters
    ----------
    rise, decay
        Time constants [ms]; default 2 and 100, the values of Wang.
    reversal
        Reversal potential E [mV].
    magnesium
        Concentration outside the cell [mM].
    exact
        As of :class:`DoubleExponential`.
    unit_peak
        Whether a spike of weight 1 opens a conductance that peaks at 1 (default), or that has unit
        area.

    Raises
    ------
    ValueError
        If a time constant or the concentration is not positive.

    References
    ----------
    Jahr & Stevens, "Voltage dependence of NMDA-activated macroscopic conductances predicted by
    single-channel kinetics", J. Neurosci. 10:3178, 1990.
    Wang, "Synaptic basis of cortical persistent activity: the importance of NMDA receptors to
    working memory", J. Neurosci. 19:9587, 1999.
    """

    kinetics: DoubleExponential
    reversal: Float[Array, "..."] | AbstractParameter
    magnesium: Float[Array, "..."] | AbstractParameter

    sums: ClassVar[bool] = False
    time_constants: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[tuple[str, ...]] = ("jahr1990", "wang1999")

    def __init__(
        self,
        rise: Any = 2.0,
        decay: Any = 100.0,
        *,
        reversal: Any = 0.0,
        magnesium: Any = 1.0,
        exact: bool = False,
        unit_peak: bool = True,
    ):
        self.kinetics = DoubleExponential(rise, decay, exact=exact, unit_peak=unit_peak)
        self.reversal = scalar("reversal", reversal)
        self.magnesium = scalar("magnesium", magnesium, above=0.0)

    @property
    def exact(self):
        """Whether the kinetics are advanced exactly."""
        return self.kinetics.exact

    def start(self, n, dtype):
        return self.kinetics.start(n, dtype)

    def drift(self, s):
        return self.kinetics.drift(s)

    def receive(self, s, arrivals, dt):
        return self.kinetics.receive(s, arrivals, dt)

    def unblocked(self, v: Float[Array, " unit"]) -> Float[Array, " unit"]:
        """Fraction of channels that magnesium does not block at a potential [mV]."""
        return 1 / (1 + value_of(self.magnesium) / 3.57 * jnp.exp(-0.062 * v))

    def current(self, s, v):
        return s[0] * self.unblocked(v) * (self.reversal - v)

    def trace(self, s):
        return s[0]

    def variable(self, name, current_units):
        return Variable(("unit",), f"{current_units}/mV", f"conductance of {name}", "hidden")
