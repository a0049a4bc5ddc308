"""The van der Pol oscillator."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.reference.base import AbstractReferenceFlow, amplitude, vector

__all__ = ["VanDerPol"]


class VanDerPol(AbstractReferenceFlow):
    r"""The van der Pol oscillator: damping that turns into drive at small amplitude.

    .. math:: \dot x = v, \quad \dot v = \mu (1 - x^2) v - x + u

    A limit cycle of amplitude about 2; nearly harmonic at small mu, a relaxation oscillation at
    large mu. At mu = 1 its period is 6.6633 units.

    Parameters
    ----------
    mu
        Strength of the nonlinearity, at least 0.
    start, spread
        State to start from, and its standard deviation over trials where a run has a key.
    noise
        Amplitude of white noise [per square root of the time unit], or None.
    time_unit
        Duration of the equations' unit of time [ms].

    Raises
    ------
    ValueError
        If a parameter is not finite, or `mu`, `spread`, `noise` or `time_unit` is negative.

    References
    ----------
    van der Pol, Phil. Mag. 2:978, 1926.
    """

    mu: Float[Array, ""]
    start: Float[Array, " latent"]
    spread: Float[Array, ""]
    noise: Float[Array, " latent"] | None
    time_unit: Float[Array, ""]

    n_inputs: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...]] = ("x", "v")
    reference: ClassVar[tuple[str, ...]] = ("vanderpol1926",)

    def __init__(
        self,
        mu: Any = 1.0,
        *,
        start: Any = (2.0, 0.0),
        spread: Any = 0.5,
        noise: Any = None,
        time_unit: Any = 1.0,
    ):
        self.mu = number("mu", mu, low=0)
        self.start, self.spread = vector("start", start, 2), number("spread", spread, low=0)
        self.noise = amplitude(noise, 2)
        self.time_unit = number("time_unit", time_unit, above=0)

    def rates(self, t, x, u):
        del t
        x, v = x
        push = jnp.zeros_like(x) if u is None else u[0]
        return jnp.stack([v, self.mu * (1 - x**2) * v - x + push])

    def equilibria(self):
        """The origin, inside the limit cycle."""
        return np.zeros((1, 2))

    def exponents(self):
        """Known of the harmonic oscillator, ``mu = 0``; of a cycle, only that one is zero."""
        return np.zeros(2) if float(self.mu) == 0 else None
