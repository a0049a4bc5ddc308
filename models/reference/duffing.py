"""The forced Duffing oscillator."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.models.reference.base import AbstractDeclaredFlow, Number, Vector


class Duffing(AbstractDeclaredFlow):
    r"""The Duffing oscillator: a mass in one or two wells, damped and driven periodically.

    .. math::
        \dot x = v, \quad \dot v = \gamma \cos(\omega t) - \delta v - \alpha x - \beta x^3

    The defaults are a chaotic two-well oscillator. Its equations depend on time. The phase of the
    drive adds a zero exponent, which is left out; the two others sum up to :math:`-\delta`.

    Parameters
    ----------
    alpha, beta
        Linear and cubic stiffness; ``alpha < 0 < beta`` makes two wells.
    delta
        Damping.
    gamma, omega
        Amplitude and angular frequency of the drive.
    start, spread, noise, time_unit
        As of :class:`Lorenz63`.

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

    alpha: Number = -1.0
    beta: Number = 1.0
    delta: Number = 0.3
    gamma: Number = 0.5
    omega: Number = 1.2
    start: Vector = eqx.field(default=(0.5, 0.0), kw_only=True)
    spread: Number = eqx.field(default=0.5, kw_only=True)

    n_inputs: ClassVar[int] = 0
    names: ClassVar[tuple[str, ...]] = ("x", "v")
    reference: ClassVar[tuple[str, ...]] = ("guckenheimer1983",)

    def rates(self, t, x, u):
        del u
        x, v = x
        push = self.gamma * jnp.cos(self.omega * t)
        return jnp.stack([v, push - self.delta * v - self.alpha * x - self.beta * x**3])

    def equilibria(self):
        """Bottoms and top of the wells without periodic drive; none with it."""
        if float(self.gamma) != 0:
            return np.zeros((0, 2))
        alpha, beta = float(self.alpha), float(self.beta)
        well = np.sqrt(-alpha / beta) if beta != 0 and alpha / beta < 0 else None
        rest = [0.0] if well is None else [0.0, well, -well]
        return np.array([[x, 0.0] for x in rest])
