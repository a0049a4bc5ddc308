"""The Lorenz system."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.models.reference.base import AbstractDeclaredFlow, Number, Vector, row

#: Exponents by (sigma, rho, beta), per unit of time.
EXPONENTS = {row(10.0, 28.0, 8.0 / 3.0): (0.9056, 0.0, -14.5723)}


class Lorenz63(AbstractDeclaredFlow):
    r"""The Lorenz system: convection in three modes, the best known strange attractor.

    .. math::
        \dot x = \sigma (y - x), \quad \dot y = x (\rho - z) - y, \quad \dot z = x y - \beta z

    The exponents known for the defaults are 0.9056, 0 and -14.5723 (Sprott 2003); their sum is
    :math:`-(\sigma + 1 + \beta)` for any parameters.

    Parameters
    ----------
    sigma, rho, beta
        Prandtl number, relative Rayleigh number, geometry; defaults of Lorenz (1963).
    start, spread
        Initial state, and its standard deviation over trials where a run has a key.
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
    Lorenz, J. Atmos. Sci. 20:130, 1963. Exponents: Sprott, Chaos and Time-Series Analysis, 2003.

    Examples
    --------
    >>> from neurodyn import models
    >>> models.reference.Lorenz63().equilibria().round(3)
    array([[ 0.   ,  0.   ,  0.   ],
           [ 8.485,  8.485, 27.   ],
           [-8.485, -8.485, 27.   ]])
    """

    sigma: Number = 10.0
    rho: Number = 28.0
    beta: Number = 8.0 / 3.0
    start: Vector = eqx.field(default=(1.0, 1.0, 20.0), kw_only=True)
    spread: Number = eqx.field(default=1.0, kw_only=True)

    n_inputs: ClassVar[int] = 0
    names: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    reference: ClassVar[tuple[str, ...]] = ("lorenz1963", "sprott2003")

    def rates(self, t, x, u):
        del t, u
        x, y, z = x
        return jnp.stack([self.sigma * (y - x), x * (self.rho - z) - y, x * y - self.beta * z])

    def equilibria(self):
        """The origin, and above ``rho = 1`` the centres of the two wings."""
        rho, beta = float(self.rho), float(self.beta)
        if rho <= 1:
            return np.zeros((1, 3))
        c = np.sqrt(beta * (rho - 1))
        return np.array([[0.0, 0.0, 0.0], [c, c, rho - 1], [-c, -c, rho - 1]])

    def exponents(self):
        known = EXPONENTS.get(row(self.sigma, self.rho, self.beta))
        return None if known is None else np.array(known) / float(self.time_unit)
