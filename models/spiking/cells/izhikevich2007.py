"""Izhikevich's neuron of 2007, in physical units."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.models.spiking.cells.cell_types import CELL_TYPES_2007
from neurodyn.models.spiking.cells.izhikevich2003 import Recovering
from neurodyn.models.spiking.cells.neuron import AbstractNeuron, Initial, split, where_spiked
from neurodyn.params import AbstractParameter, Fixed
from neurodyn.system import Variable

_PLAIN = ("C", "k", "vr", "vt", "vpeak", "a", "b", "c", "d")
_SPECIAL = ("vpeak_u", "c_u", "u_max", "b_low", "v_switch", "cubic")


class Izhikevich2007(AbstractNeuron):
    r"""Izhikevich's neuron of 2007, in physical units.

    .. math::
        C \dot v &= k (v - v_r)(v - v_t) - u + I \\
        \dot u &= a (b (v - v_r) - u)

    and where :math:`v \ge v_{peak}`: :math:`v \leftarrow c,\; u \leftarrow u + d`.

    Some types of the book have special forms, which their units follow here: a peak and a reset
    that depend on u (LTS, TC), a bound on u (LTS), another slope below a voltage (TC, RTN), a cubic
    recovery current (FS). See :class:`CellType2007`.

    Parameters
    ----------
    n
        Number of units.
    cell_type
        A type of :data:`CELL_TYPES_2007`, or one for each unit; default "RS".
    C
        Capacitance [pF].
    k
        Gain of the quadratic current [nS/mV].
    vr, vt, vpeak
        Resting potential, instantaneous threshold and peak of the spike [mV].
    a, b
        Rate [1/ms] and slope [nS] of recovery.
    c, d
        Potential after a spike [mV], and increment of u by a spike [pA].
    v0
        Potential at the start [mV]; default `vr`. A law is drawn anew for every trial.
    u0
        Recovery current at the start [pA]; default 0.
    key
        Seed or key, where a parameter is drawn.

    Raises
    ------
    ValueError
        If a type is unknown, a size does not fit, or `C` or `k` is not positive.

    Notes
    -----
    Where not given, parameters are those of the type; each may be a number, an array ``(unit,)``, a
    law of :mod:`neurodyn.params` that is drawn once, or a parameter (then it is trained).

    References
    ----------
    Izhikevich, "Dynamical Systems in Neuroscience", MIT Press 2007, chapter 8.
    """

    cell_type: tuple[str, ...] = eqx.field(static=True)
    special: bool = eqx.field(static=True)
    C: Float[Array, " unit"] | AbstractParameter
    k: Float[Array, " unit"] | AbstractParameter
    vr: Float[Array, " unit"] | AbstractParameter
    vt: Float[Array, " unit"] | AbstractParameter
    vpeak: Float[Array, " unit"] | AbstractParameter
    a: Float[Array, " unit"] | AbstractParameter
    b: Float[Array, " unit"] | AbstractParameter
    c: Float[Array, " unit"] | AbstractParameter
    d: Float[Array, " unit"] | AbstractParameter
    vpeak_u: Float[Array, " unit"] | AbstractParameter
    c_u: Float[Array, " unit"] | AbstractParameter
    u_max: Float[Array, " unit"] | AbstractParameter
    b_low: Float[Array, " unit"] | AbstractParameter
    v_switch: Float[Array, " unit"] | AbstractParameter
    cubic: Float[Array, " unit"] | AbstractParameter
    v0: Initial
    u0: Initial

    parameters: ClassVar[tuple[str, ...]] = _PLAIN + _SPECIAL
    current_units: ClassVar[str] = "pA"
    time_constants: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[tuple[str, ...]] = ("izhikevich2007",)

    def __init__(
        self,
        n: int,
        cell_type: Any = "RS",
        *,
        C: Any = None,
        k: Any = None,
        vr: Any = None,
        vt: Any = None,
        vpeak: Any = None,
        a: Any = None,
        b: Any = None,
        c: Any = None,
        d: Any = None,
        v0: Any = None,
        u0: Any = None,
        key: Any = None,
    ):
        self.n, self.cell_type, self.v0, self.u0 = n, cell_type, v0, u0
        for name, value in zip(_PLAIN, (C, k, vr, vt, vpeak, a, b, c, d), strict=True):
            setattr(self, name, value)
        table = CELL_TYPES_2007
        self._bind(_PLAIN, ("v0", "u0"), key, positive=("C", "k"), types=table)
        types = [table[name] for name in self.cell_type]
        self.special = any(t.b_low is not None or t.cubic or t.vpeak_u for t in types)
        for name in _SPECIAL:
            values = np.array([getattr(t, name) or 0.0 for t in types], float)
            # Infinite bounds would give NaN gradients, so numbers far beyond any state are used
            # instead.
            values = jnp.asarray(np.clip(values, -1e12, 1e12), jnp.result_type(float))
            setattr(self, name, Fixed(raw=values))

    def start(self, key):
        key_v, key_u = split(key, 2)
        return Recovering(
            self.v0.draw("v", self.vr, key_v), self.u0.draw("u", jnp.zeros_like(self.vr), key_u)
        )

    def drift(self, cell, current):
        v, u = cell
        dv = (self.k * (v - self.vr) * (v - self.vt) - u + current) / self.C
        if not self.special:
            return Recovering(dv, self.a * (self.b * (v - self.vr) - u))
        above = jnp.where(self.cubic == 0, 0.0, jnp.maximum(v - self.v_switch, 0.0))
        slope = jnp.where(v < self.v_switch, self.b_low, self.b)
        return Recovering(dv, self.a * (slope * (v - self.vr) + self.cubic * above**3 - u))

    def crossing(self, cell):
        peak = self.vpeak + self.vpeak_u * cell.u if self.special else self.vpeak
        return cell.v - peak

    def reset(self, cell, spikes):
        if not self.special:
            return Recovering(where_spiked(spikes, self.c, cell.v), cell.u + self.d * spikes)
        v = where_spiked(spikes, self.c + self.c_u * cell.u, cell.v)
        u = where_spiked(spikes, jnp.minimum(cell.u + self.d, self.u_max), cell.u)
        return Recovering(v, u)

    def variables(self):
        return {
            "v": Variable(("unit",), "mV", "membrane potential", "voltage"),
            "u": Variable(("unit",), "pA", "recovery current", "hidden"),
        }
