"""The van der Pol oscillator."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.models.reference.base import AbstractDeclaredFlow, Number, Vector


class VanDerPol(AbstractDeclaredFlow):
    r"""The van der Pol oscillator: damping that turns into drive at small amplitude.

    .. math:: \dot x = v, \quad \dot v = \mu (1 - x^2) v - x + u

    A limit cycle of amplitude about 2; nearly harmonic at small mu, a relaxation oscillation at
    large mu. At mu = 1 its period is 6.6633 units.

    Parameters
    ----------
    mu
        Strength of the nonlinearity, at least 0.
    start, spread, noise, time_unit
        As of :class:`Lorenz63`.

    Raises
    ------
    ValueError
        If a parameter is not finite, or `mu`, `spread`, `noise` or `time_unit` is negative.

    References
    ----------
    van der Pol, Phil. Mag. 2:978, 1926.
    """

    mu: Number = 1.0
    start: Vector = eqx.field(default=(2.0, 0.0), kw_only=True)
    spread: Number = eqx.field(default=0.5, kw_only=True)

    n_inputs: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...]] = ("x", "v")
    limits: ClassVar = {"mu": {"low": 0}}
    reference: ClassVar[tuple[str, ...]] = ("vanderpol1926",)

    def rates(self, t, x, u):
        del t
        x, v = x
        push = jnp.zeros_like(x) if u is None else u[0]
        return jnp.stack([v, self.mu * (1 - x**2) * v - x + push])

    def equilibria(self):
        """The origin, inside the limit cycle."""
        return np.zeros((1, 2))

    def exponents(self):
        """Zeros for the harmonic oscillator, ``mu = 0``; else None: only one, zero, is known."""
        return np.zeros(2) if float(self.mu) == 0 else None
