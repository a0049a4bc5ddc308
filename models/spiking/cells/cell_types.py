"""Published types of Izhikevich's neurons, as data."""

import math
from typing import NamedTuple


class CellType2003(NamedTuple):
    """Parameters of one type of the neuron of 2003 (v in mV, time in ms)."""

    a: float
    b: float
    c: float
    d: float
    name: str


#: Types of Izhikevich, "Simple model of spiking neurons", IEEE Trans. Neural Netw. 14:1569, 2003,
#: figure 2.
CELL_TYPES_2003 = {
    "RS": CellType2003(0.02, 0.2, -65.0, 8.0, "regular spiking"),
    "IB": CellType2003(0.02, 0.2, -55.0, 4.0, "intrinsically bursting"),
    "CH": CellType2003(0.02, 0.2, -50.0, 2.0, "chattering"),
    "FS": CellType2003(0.1, 0.2, -65.0, 2.0, "fast spiking"),
    "LTS": CellType2003(0.02, 0.25, -65.0, 2.0, "low-threshold spiking"),
    "TC": CellType2003(0.02, 0.25, -65.0, 0.05, "thalamo-cortical"),
    "RZ": CellType2003(0.1, 0.26, -65.0, 2.0, "resonator"),
}


class CellType2007(NamedTuple):
    """Parameters of one type of the neuron of 2007.

    Attributes
    ----------
    C
        Capacitance [pF].
    k
        Gain of the quadratic current [nS/mV].
    vr, vt
        Resting and instantaneous threshold potential [mV].
    vpeak, vpeak_u
        Cut-off of the spike, ``vpeak + vpeak_u u`` [mV].
    a
        Rate of recovery [1/ms].
    b
        Slope of the recovery current [nS] where ``v >= v_switch``.
    c, c_u
        Potential after a spike, ``c + c_u u`` [mV], with ``u`` as it was before the spike.
    d
        Added to ``u`` by a spike [pA].
    b_low
        Slope [nS] below ``v_switch``; None: `b`.
    v_switch
        Where the slope changes and the cubic current begins [mV].
    cubic
        Coefficient of the cubic recovery current ``(v - v_switch)^3`` above ``v_switch``.
    u_max
        Upper bound of ``u`` after a spike [pA].
    name
        Full name.
    figure
        Figure of the book with this type.
    """

    C: float
    k: float
    vr: float
    vt: float
    vpeak: float
    a: float
    b: float
    c: float
    d: float
    name: str
    figure: str
    vpeak_u: float = 0.0
    c_u: float = 0.0
    u_max: float = math.inf
    b_low: float | None = None
    v_switch: float = -math.inf
    cubic: float = 0.0


#: Types of Izhikevich, "Dynamical Systems in Neuroscience", MIT Press 2007, chapter 8.
CELL_TYPES_2007 = {
    "RS": CellType2007(
        100.0, 0.7, -60.0, -40.0, 35.0, 0.03, -2.0, -50.0, 100.0, "regular spiking", "8.12"
    ),
    "IB": CellType2007(
        150.0, 1.2, -75.0, -45.0, 50.0, 0.01, 5.0, -56.0, 130.0, "intrinsically bursting", "8.19"
    ),
    "CH": CellType2007(
        50.0, 1.5, -60.0, -40.0, 25.0, 0.03, 1.0, -40.0, 150.0, "chattering", "8.23"
    ),
    "LTS": CellType2007(
        100.0, 1.0, -56.0, -42.0, 40.0, 0.03, 8.0, -53.0, 20.0, "low-threshold spiking", "8.25"
    )._replace(vpeak_u=-0.1, c_u=0.04, u_max=670.0),
    # The fast-spiking cell has no jump of u; its recovery current is cubic above -55 mV.
    "FS": CellType2007(
        20.0, 1.0, -55.0, -40.0, 25.0, 0.2, 0.0, -45.0, 0.0, "fast spiking", "8.27"
    )._replace(v_switch=-55.0, cubic=0.025),
    "TC": CellType2007(
        200.0, 1.6, -60.0, -50.0, 35.0, 0.01, 0.0, -60.0, 10.0, "thalamo-cortical", "8.31"
    )._replace(vpeak_u=0.1, c_u=-0.1, b_low=15.0, v_switch=-65.0),
    "RTN": CellType2007(
        40.0, 0.25, -65.0, -45.0, 0.0, 0.015, 2.0, -55.0, 50.0, "reticular thalamic", "8.32"
    )._replace(b_low=10.0, v_switch=-65.0),
}
