"""The Hindmarsh-Rose bursting neuron."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.reference.base import AbstractReferenceFlow, amplitude, vector

__all__ = ["HindmarshRose"]


class HindmarshRose(AbstractReferenceFlow):
    r"""The Hindmarsh-Rose neuron: bursts of spikes, ended by a slow current.

    .. math::
        \dot x &= y - a x^3 + b x^2 - z + I + u \\
        \dot y &= c - d x^2 - y \\
        \dot z &= r \, [s (x - x_0) - z]

    Two time scales that differ a hundredfold; with the defaults the number of spikes in a burst
    varies chaotically.

    Parameters
    ----------
    I
        Constant current; default 3.25, in the chaotic range.
    a, b, c, d, s, x_0
        Defaults 1, 3, 1, 5, 4 and -1.6, of Hindmarsh and Rose (1984).
    r
        Rate of the slow current; default 0.006.
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
    Hindmarsh & Rose, Proc. R. Soc. Lond. B 221:87, 1984.
    """

    I: Float[Array, ""]
    a: Float[Array, ""]
    b: Float[Array, ""]
    c: Float[Array, ""]
    d: Float[Array, ""]
    s: Float[Array, ""]
    x_0: Float[Array, ""]
    r: Float[Array, ""]
    start: Float[Array, " latent"]
    spread: Float[Array, ""]
    noise: Float[Array, " latent"] | None
    time_unit: Float[Array, ""]

    n_inputs: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    reference: ClassVar[tuple[str, ...]] = ("hindmarsh1984",)

    def __init__(
        self,
        I: Any = 3.25,
        a: Any = 1.0,
        b: Any = 3.0,
        c: Any = 1.0,
        d: Any = 5.0,
        s: Any = 4.0,
        x_0: Any = -1.6,
        r: Any = 0.006,
        *,
        start: Any = (-1.0, -4.0, 3.0),
        spread: Any = 0.1,
        noise: Any = None,
        time_unit: Any = 1.0,
    ):
        self.I, self.a, self.b = number("I", I), number("a", a), number("b", b)
        self.c, self.d, self.s = number("c", c), number("d", d), number("s", s)
        self.x_0, self.r = number("x_0", x_0), number("r", r)
        self.start, self.spread = vector("start", start, 3), number("spread", spread, low=0)
        self.noise = amplitude(noise, 3)
        self.time_unit = number("time_unit", time_unit, above=0)

    def rates(self, t, x, u):
        del t
        x, y, z = x
        current = self.I if u is None else self.I + u[0]
        return jnp.stack(
            [
                y - self.a * x**3 + self.b * x**2 - z + current,
                self.c - self.d * x**2 - y,
                self.r * (self.s * (x - self.x_0) - z),
            ]
        )

    def equilibria(self):
        """Real roots of the cubic in x, by rising x."""
        I, a, b, c, d, s, x_0 = (
            float(p) for p in (self.I, self.a, self.b, self.c, self.d, self.s, self.x_0)
        )
        roots = np.roots([-a, b - d, -s, s * x_0 + c + I])
        x = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
        return np.stack([x, c - d * x**2, s * (x - x_0)], axis=1)

    def exponents(self):
        """None are tabulated."""
        return
