"""The FitzHugh-Nagumo neuron."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.reference.base import AbstractReferenceFlow, amplitude, vector

__all__ = ["FitzHughNagumo"]


class FitzHughNagumo(AbstractReferenceFlow):
    r"""The FitzHugh-Nagumo neuron: excitation and recovery in two variables.

    .. math::
        \dot v = v - v^3 / 3 - w + I + u, \quad \tau \dot w = v + a - b w

    It rests at small and large currents and fires in between: with the defaults from about I = 0.33
    to 1.42.

    Parameters
    ----------
    I
        Constant current; default 0.5, where it fires periodically.
    a, b, tau
        Defaults 0.7, 0.8 and 12.5, the textbook choice (FitzHugh's c = 3 in other units).
    start, spread
        State to start from, and its standard deviation over trials where a run has a key.
    noise
        Amplitude of white noise [per square root of the time unit], or None.
    time_unit
        Duration of the equations' unit of time [ms]; a spike then takes about 40 units.

    Raises
    ------
    ValueError
        If a parameter is not finite, `tau` or `time_unit` is not positive, or `spread` or `noise`
        is negative.

    References
    ----------
    FitzHugh, Biophys. J. 1:445, 1961. Nagumo, Arimoto & Yoshizawa, Proc. IRE 50:2061, 1962.

    Examples
    --------
    >>> from neurodyn import models
    >>> models.reference.FitzHughNagumo(I=0.0).equilibria().round(2)
    array([[-1.2 , -0.62]])
    """

    I: Float[Array, ""]
    a: Float[Array, ""]
    b: Float[Array, ""]
    tau: Float[Array, ""]
    start: Float[Array, " latent"]
    spread: Float[Array, ""]
    noise: Float[Array, " latent"] | None
    time_unit: Float[Array, ""]

    n_inputs: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...]] = ("v", "w")
    reference: ClassVar[tuple[str, ...]] = ("fitzhugh1961", "nagumo1962")

    def __init__(
        self,
        I: Any = 0.5,
        a: Any = 0.7,
        b: Any = 0.8,
        tau: Any = 12.5,
        *,
        start: Any = (-1.0, -0.5),
        spread: Any = 0.5,
        noise: Any = None,
        time_unit: Any = 1.0,
    ):
        self.I, self.a, self.b = number("I", I), number("a", a), number("b", b)
        self.tau = number("tau", tau, above=0)
        self.start, self.spread = vector("start", start, 2), number("spread", spread, low=0)
        self.noise = amplitude(noise, 2)
        self.time_unit = number("time_unit", time_unit, above=0)

    def rates(self, t, x, u):
        del t
        v, w = x
        current = self.I if u is None else self.I + u[0]
        return jnp.stack([v - v**3 / 3 - w + current, (v + self.a - self.b * w) / self.tau])

    def equilibria(self):
        """Real roots of the cubic where the nullclines cross, by rising v."""
        I, a, b = float(self.I), float(self.a), float(self.b)
        # b times the first equation, with b w = v + a
        roots = np.roots([-b / 3, 0.0, b - 1, b * I - a] if b else [1.0, a])
        v = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
        w = (v + a) / b if b else v - v**3 / 3 + I
        return np.stack([v, w], axis=1)

    def exponents(self):
        """None one by one; on the limit cycle the largest is zero."""
        return
