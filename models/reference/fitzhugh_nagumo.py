"""The FitzHugh-Nagumo neuron."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.models.reference.base import AbstractDeclaredFlow, Number, Vector, real_roots


class FitzHughNagumo(AbstractDeclaredFlow):
    r"""The FitzHugh-Nagumo neuron: excitation and recovery in two variables.

    .. math::
        \dot v = v - v^3 / 3 - w + I + u, \quad \tau \dot w = v + a - b w

    It rests at small and large currents and fires in between: with the defaults from about I = 0.33
    to 1.42. Of its exponents only the largest is known, zero on the limit cycle.

    Parameters
    ----------
    I
        Constant current; default 0.5, where it fires periodically.
    a, b, tau
        Defaults 0.7, 0.8 and 12.5, the textbook choice (FitzHugh's c = 3 in other units).
    start, spread, noise, time_unit
        As of :class:`Lorenz63`; a spike then takes about 40 units.

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

    I: Number = 0.5
    a: Number = 0.7
    b: Number = 0.8
    tau: Number = 12.5
    start: Vector = eqx.field(default=(-1.0, -0.5), kw_only=True)
    spread: Number = eqx.field(default=0.5, kw_only=True)

    n_inputs: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...]] = ("v", "w")
    limits: ClassVar = {"tau": {"above": 0}}
    reference: ClassVar[tuple[str, ...]] = ("fitzhugh1961", "nagumo1962")

    def rates(self, t, x, u):
        del t
        v, w = x
        current = self.I if u is None else self.I + u[0]
        return jnp.stack([v - v**3 / 3 - w + current, (v + self.a - self.b * w) / self.tau])

    def equilibria(self):
        """The points where the nullclines cross (real roots of a cubic), by rising v."""
        I, a, b = float(self.I), float(self.a), float(self.b)
        # The first equation times b, with b w = v + a.
        v = real_roots(-b / 3, 0.0, b - 1, b * I - a) if b else np.array([-a])
        w = (v + a) / b if b else v - v**3 / 3 + I
        return np.stack([v, w], axis=1)
