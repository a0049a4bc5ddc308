"""The adaptive exponential integrate-and-fire neuron."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.models.spiking.cells.lif import check_reset
from neurodyn.models.spiking.cells.neuron import AbstractNeuron, PerUnit, Start, split, where_spiked
from neurodyn.system import Variable

_PARAMETERS = ("C", "g_L", "E_L", "V_T", "Delta_T", "tau_w", "a", "b", "v_reset", "v_peak")


class Adapting(NamedTuple):
    """State of a neuron with an adaptation current.

    Attributes
    ----------
    v
        Membrane potential [mV].
    w
        Adaptation current [pA].
    """

    v: Float[Array, " unit"]
    w: Float[Array, " unit"]


class AdEx(AbstractNeuron):
    r"""The adaptive exponential integrate-and-fire neuron.

    .. math::
        C \dot v &= -g_L (v - E_L) + g_L \Delta_T \exp\frac{v - V_T}{\Delta_T} - w + I \\
        \tau_w \dot w &= a (v - E_L) - w

    and where :math:`v \ge v_{peak}`: :math:`v \leftarrow v_{reset},\; w \leftarrow w + b`.

    Parameters
    ----------
    n
        Number of units.
    C
        Capacitance [pF].
    g_L
        Leak conductance [nS].
    E_L, V_T
        Leak reversal potential and threshold of the upstroke [mV].
    Delta_T
        Slope factor of the upstroke [mV].
    tau_w
        Time constant of adaptation [ms].
    a, b
        Adaptation below threshold [nS] and by a spike [pA].
    v_reset, v_peak
        Potential after a spike and at its peak [mV]. Above the peak the exponential keeps its
        value at the peak; this matters only within the step of a spike.
    v0, w0
        Potential [mV] and adaptation [pA] at the start; default `E_L` and 0. Laws are drawn anew
        for every trial.
    key
        Seed or key, where a parameter is drawn.

    Raises
    ------
    ValueError
        If a size does not fit, `C`, `g_L`, `Delta_T` or `tau_w` is not positive, or a reset is not
        below its peak.

    Notes
    -----
    Defaults are those of Brette & Gerstner. Each parameter may be a number, an array ``(unit,)``, a
    law of :mod:`neurodyn.params` that is drawn once, or a parameter (then it is trained).

    References
    ----------
    Brette & Gerstner, "Adaptive exponential integrate-and-fire model as an effective description of
    neuronal activity", J. Neurophysiol. 94:3637, 2005.
    """

    cell_type: tuple[str, ...] = eqx.field(static=True, init=False)
    _: dataclasses.KW_ONLY
    C: PerUnit = 281.0
    g_L: PerUnit = 30.0
    E_L: PerUnit = -70.6
    V_T: PerUnit = -50.4
    Delta_T: PerUnit = 2.0
    tau_w: PerUnit = 144.0
    a: PerUnit = 4.0
    b: PerUnit = 80.5
    v_reset: PerUnit = -70.6
    v_peak: PerUnit = 20.0
    v0: Start = None
    w0: Start = None
    key: dataclasses.InitVar[Any] = None

    parameters: ClassVar[tuple[str, ...]] = _PARAMETERS
    current_units: ClassVar[str] = "pA"
    time_constants: ClassVar[tuple[str, ...]] = ("tau_w",)
    reference: ClassVar[tuple[str, ...]] = ("brette2005",)

    def __post_init__(self, key):
        positive = ("C", "g_L", "Delta_T", "tau_w")
        self._bind(self.parameters, ("v0", "w0"), key, positive=positive)
        check_reset(self.v_reset, self.v_peak)

    def start(self, key):
        key_v, key_w = split(key, 2)
        return Adapting(
            self.v0.draw("v", self.E_L, key_v), self.w0.draw("w", jnp.zeros_like(self.E_L), key_w)
        )

    def drift(self, cell, current):
        v, w = cell
        rise = jnp.exp((jnp.minimum(v, self.v_peak) - self.V_T) / self.Delta_T)
        leak = self.g_L * (self.E_L - v)
        dv = (leak + self.g_L * self.Delta_T * rise - w + current) / self.C
        return Adapting(dv, (self.a * (v - self.E_L) - w) / self.tau_w)

    def crossing(self, cell):
        return cell.v - self.v_peak

    def reset(self, cell, spikes):
        return Adapting(where_spiked(spikes, self.v_reset, cell.v), cell.w + self.b * spikes)

    def variables(self):
        return {
            "v": Variable(("unit",), "mV", "membrane potential", "voltage"),
            "w": Variable(("unit",), "pA", "adaptation current", "hidden"),
        }
