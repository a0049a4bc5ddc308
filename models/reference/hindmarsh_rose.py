"""The Hindmarsh-Rose bursting neuron."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.models.reference.base import AbstractDeclaredFlow, Number, Vector, real_roots


class HindmarshRose(AbstractDeclaredFlow):
    r"""The Hindmarsh-Rose neuron: bursts of spikes, ended by a slow current.

    .. math::
        \dot x &= y - a x^3 + b x^2 - z + I + u \\
        \dot y &= c - d x^2 - y \\
        \dot z &= r \, [s (x - x_0) - z]

    Its two time scales differ a hundredfold. With the defaults the number of spikes in a burst
    varies chaotically.

    Parameters
    ----------
    I
        Constant current; default 3.25, in the chaotic range.
    a, b, c, d, s, x_0
        Defaults 1, 3, 1, 5, 4 and -1.6, of Hindmarsh and Rose (1984).
    r
        Rate of the slow current; default 0.006.
    start, spread, noise, time_unit
        As of :class:`Lorenz63`.

    Raises
    ------
    ValueError
        If a parameter is not finite, or `spread`, `noise` or `time_unit` is negative.

    References
    ----------
    Hindmarsh & Rose, Proc. R. Soc. Lond. B 221:87, 1984.
    """

    I: Number = 3.25
    a: Number = 1.0
    b: Number = 3.0
    c: Number = 1.0
    d: Number = 5.0
    s: Number = 4.0
    x_0: Number = -1.6
    r: Number = 0.006
    start: Vector = eqx.field(default=(-1.0, -4.0, 3.0), kw_only=True)
    spread: Number = eqx.field(default=0.1, kw_only=True)

    n_inputs: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    reference: ClassVar[tuple[str, ...]] = ("hindmarsh1984",)

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
        x = real_roots(-a, b - d, -s, s * x_0 + c + I)
        return np.stack([x, c - d * x**2, s * (x - x_0)], axis=1)
