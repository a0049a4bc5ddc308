"""Recognition of the neuron model of a Brian2 group from the factors of its terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from neurodyn.models.spiking.bridge.expressions import exact
from neurodyn.models.spiking.cells.adex import AdEx
from neurodyn.models.spiking.cells.izhikevich2003 import Izhikevich2003
from neurodyn.models.spiking.cells.izhikevich2007 import Izhikevich2007
from neurodyn.models.spiking.cells.lif import LIF

Values = np.ndarray


class Rates(NamedTuple):
    """A neuron in mV and ms: factors of terms, one value for each unit.

    Attributes
    ----------
    dv, du
        Right-hand sides. Terms are ``1``, ``v``, ``v**2``, ``u`` and ``exp``; `du` is None without
        a recovery variable.
    slope, middle
        The exponential is ``exp((v - middle) / slope)``.
    threshold, reset, jump
        Threshold, value of v after a spike, and increment of u by a spike.
    v0, u0
        State at the start.
    soft
        Whether a spike lowers v by ``threshold - reset`` instead.
    """

    dv: Mapping[str, Values]
    du: Mapping[str, Values] | None
    slope: Values | None
    middle: Values | None
    threshold: Values
    reset: Values
    jump: Values
    v0: Values
    u0: Values
    soft: bool


class Cell(NamedTuple):
    """A neuron of neurodyn.

    Attributes
    ----------
    neuron
        The neuron.
    capacity
        A current I changes v by ``I / capacity`` per ms.
    bias
        Constant current that is no parameter of the neuron; None: there is none.
    """

    neuron: Any
    capacity: Values
    bias: Values | None


def recognise(rates: Rates) -> Cell:
    """The neuron with these equations.

    Raises
    ------
    ValueError
        If there is none; the message names the term that does not fit.
    """
    if rates.soft and {"exp", "v**2"} & set(rates.dv):
        raise ValueError("a subtraction from v as reset is read of linear neurons alone")
    if "exp" in rates.dv:
        return _exponential(rates)
    if "v**2" in rates.dv:
        return _quadratic(rates)
    return _linear(rates)


def _of(terms: Mapping[str, Values] | None, name: str, like: Values) -> Values:
    return np.zeros_like(like) if terms is None or name not in terms else terms[name]


def _ratio(over: Values, under: Values, what: str) -> Values:
    """``over / under``, and 0 where both are."""
    if ((under == 0) & (over != 0)).any():
        raise ValueError(f"{what} does not decay")
    return exact(np.divide(over, under, out=np.zeros_like(over), where=under != 0))


def _capacity(rates: Rates) -> Values:
    """The divisor of the recovery variable in dv/dt: the capacitance."""
    if rates.du is None:
        return np.ones_like(rates.v0)
    pull = _of(rates.dv, "u", rates.v0)
    if not (pull < 0).all():
        raise ValueError("the recovery variable must be subtracted in dv/dt")
    return exact(-1 / pull)


def _linear(rates: Rates) -> Cell:
    if rates.du is not None:
        raise ValueError("a linear neuron with a second variable is not supported")
    leak = _of(rates.dv, "v", rates.v0)
    if not (leak < 0).all():
        raise ValueError("dv/dt has no leak: a linear neuron needs -v/tau")
    tau = exact(-1 / leak)
    neuron = LIF(
        len(rates.v0),
        tau=tau,
        # A constant current has the same effect as another resting potential.
        v_rest=exact(_of(rates.dv, "1", rates.v0) * tau),
        v_reset=rates.reset,
        threshold=rates.threshold,
        soft_reset=rates.soft,
        v0=rates.v0,
    )
    return Cell(neuron, tau, None)


def _quadratic(rates: Rates) -> Cell:
    constant, linear, square = (_of(rates.dv, name, rates.v0) for name in ("1", "v", "v**2"))
    if not (square > 0).all():
        raise ValueError("the factor of v**2 must be positive")
    slope, offset = (_of(rates.du, name, rates.v0) for name in ("v", "1"))
    a = -_of(rates.du, "u", rates.v0)
    published = np.isclose(square, 0.04, rtol=1e-9) & np.isclose(linear, 5.0, rtol=1e-9)
    n, C = len(rates.v0), _capacity(rates)
    if rates.du is not None and published.all() and not offset.any():
        neuron = Izhikevich2003(
            n,
            a=a,
            b=_ratio(slope, a * C, "u"),
            c=rates.reset,
            d=exact(rates.jump / C),
            threshold=rates.threshold,
            v0=rates.v0,
            u0=exact(rates.u0 / C),
        )
        bias = exact(constant - 140.0, 280.0)
        return Cell(neuron, np.ones(n), bias if bias.any() else None)
    if (offset[slope == 0] != 0).any():
        raise ValueError("du/dt has a constant, but does not depend on v")
    # Without coupling to v there is no resting potential: any split of the parabola is as good.
    middle = -linear / (2 * square)
    rest = -np.divide(offset, slope, out=-middle.copy(), where=slope != 0)
    rest = exact(rest)
    vt = exact(2 * middle - rest, np.abs(rest))
    bias = exact(C * (constant - square * rest * vt), np.abs(C * constant))
    neuron = Izhikevich2007(
        n,
        C=C,
        k=exact(square * C),
        vr=rest,
        vt=vt,
        vpeak=rates.threshold,
        a=a,
        b=_ratio(slope, a, "u"),
        c=rates.reset,
        d=rates.jump,
        v0=rates.v0,
        u0=rates.u0,
    )
    return Cell(neuron, C, bias if bias.any() else None)


def _exponential(rates: Rates) -> Cell:
    constant, linear, rise = (_of(rates.dv, name, rates.v0) for name in ("1", "v", "exp"))
    n, C = len(rates.v0), _capacity(rates)
    g_L = exact(-linear * C)
    if not ((g_L > 0) & (rise > 0) & (rates.slope > 0)).all():
        raise ValueError("dv/dt needs a leak and an exponential that rises")
    # The factor of the exponential is a shift of its argument.
    shift = exact(np.log(rise * C / (g_L * rates.slope)), 1.0)
    slope, offset, decay = (_of(rates.du, name, rates.v0) for name in ("v", "1", "u"))
    tau_w = np.full(n, 100.0)
    if rates.du is not None:
        if not (decay < 0).all() or (offset[slope == 0] != 0).any():
            raise ValueError("the adaptation must be (a*(v - E_L) - w)/tau_w")
        tau_w = exact(-1 / decay)
    rest = constant * C / g_L
    E_L = exact(-np.divide(offset, slope, out=-rest.copy(), where=slope != 0))
    bias = exact(C * constant - g_L * E_L, np.abs(g_L * E_L))
    neuron = AdEx(
        n,
        C=C,
        g_L=g_L,
        E_L=E_L,
        V_T=exact(rates.middle - rates.slope * shift),
        Delta_T=rates.slope,
        tau_w=tau_w,
        a=exact(slope * tau_w),
        b=rates.jump,
        v_reset=rates.reset,
        v_peak=rates.threshold,
        v0=rates.v0,
        w0=rates.u0,
    )
    return Cell(neuron, C, bias if bias.any() else None)
