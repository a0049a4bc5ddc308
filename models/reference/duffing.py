"""The forced Duffing oscillator."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.reference.base import AbstractReferenceFlow, amplitude, vector

__all__ = ["Duffing"]


class Duffing(AbstractReferenceFlow):
    r"""The Duffing oscillator: a mass in one or two wells, damped and driven periodically.

    .. math::
        \dot x = v, \quad \dot v = \gamma \cos(\omega t) - \delta v - \alpha x - \beta x^3

    The defaults are a chaotic two-well oscillator. It is driven by time itself: the two exponents
    here leave out the zero one of the phase, and sum up to :math:`-\delta`.

    Parameters
    ----------
    alpha, beta
        Linear and cubic stiffness; ``alpha < 0 < beta`` makes two wells.
    delta
        Damping.
    gamma, omega
        Amplitude and angular frequency of the drive.
    start, spread
        State to start from, and its standard deviation over trials where a run has a key.
    noise
        Amplitude of white noise [per square root of the time unit], or None.
    time_unit
        Duration of the equations' unit of time [ms].

    Raises
    ------
    ValueError
        If a parameter is not finite, or `spread`, `noise` or `time_unit` is negative.

    References
    ----------
    Guckenheimer & Holmes, Nonlinear Oscillations, Dynamical Systems, and Bifurcations of Vector
    Fields, 1983, chapter 2.2.

    Examples
    --------
    >>> from neurodyn import models
    >>> models.reference.Duffing(gamma=0.0).equilibria()
    array([[ 0.,  0.],
           [ 1.,  0.],
           [-1.,  0.]])
    """

    alpha: Float[Array, ""]
    beta: Float[Array, ""]
    delta: Float[Array, ""]
    gamma: Float[Array, ""]
    omega: Float[Array, ""]
    start: Float[Array, " latent"]
    spread: Float[Array, ""]
    noise: Float[Array, " latent"] | None
    time_unit: Float[Array, ""]

    n_inputs: ClassVar[int] = 0
    names: ClassVar[tuple[str, ...]] = ("x", "v")
    reference: ClassVar[tuple[str, ...]] = ("guckenheimer1983",)

    def __init__(
        self,
        alpha: Any = -1.0,
        beta: Any = 1.0,
        delta: Any = 0.3,
        gamma: Any = 0.5,
        omega: Any = 1.2,
        *,
        start: Any = (0.5, 0.0),
        spread: Any = 0.5,
        noise: Any = None,
        time_unit: Any = 1.0,
    ):
        self.alpha, self.beta = number("alpha", alpha), number("beta", beta)
        self.delta = number("delta", delta)
        self.gamma, self.omega = number("gamma", gamma), number("omega", omega)
        self.start, self.spread = vector("start", start, 2), number("spread", spread, low=0)
        self.noise = amplitude(noise, 2)
        self.time_unit = number("time_unit", time_unit, above=0)

    def rates(self, t, x, u):
        del u
        x, v = x
        push = self.gamma * jnp.cos(self.omega * t)
        return jnp.stack([v, push - self.delta * v - self.alpha * x - self.beta * x**3])

    def equilibria(self):
        """Bottoms and top of the wells, without drive; with it there are none."""
        if float(self.gamma) != 0:
            return np.zeros((0, 2))
        alpha, beta = float(self.alpha), float(self.beta)
        well = np.sqrt(-alpha / beta) if beta != 0 and alpha / beta < 0 else None
        rest = [0.0] if well is None else [0.0, well, -well]
        return np.array([[x, 0.0] for x in rest])

    def exponents(self):
        """None one by one; their sum is known, ``-delta``."""
