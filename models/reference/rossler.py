"""The Rössler system."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.models.reference.base import AbstractDeclaredFlow, Number, Vector, row

#: Exponents by (a, b, c), per unit of time.
EXPONENTS = {row(0.2, 0.2, 5.7): (0.0714, 0.0, -5.3943)}


class Roessler(AbstractDeclaredFlow):
    r"""The Rössler system: a spiral that folds back, chaos with a single nonlinear term.

    .. math::
        \dot x = -y - z, \quad \dot y = x + a y, \quad \dot z = b + z (x - c)

    The exponents known for the defaults are 0.0714, 0 and -5.3943 (Sprott 2003).

    Parameters
    ----------
    a, b, c
        Defaults are the values of Rössler (1976).
    start, spread, noise, time_unit
        As of :class:`Lorenz63`; a turn takes about 5.9 units.

    Raises
    ------
    ValueError
        If a parameter is not finite, or `spread`, `noise` or `time_unit` is negative.

    References
    ----------
    Rössler, Phys. Lett. A 57:397, 1976. Exponents: Sprott, Chaos and Time-Series Analysis, 2003.

    Examples
    --------
    >>> from neurodyn import models
    >>> models.reference.Roessler().equilibria()[0].round(3)
    array([  5.693, -28.465,  28.465])
    """

    a: Number = 0.2
    b: Number = 0.2
    c: Number = 5.7
    start: Vector = eqx.field(default=(1.0, 1.0, 0.0), kw_only=True)
    spread: Number = eqx.field(default=0.5, kw_only=True)

    n_inputs: ClassVar[int] = 0
    names: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    reference: ClassVar[tuple[str, ...]] = ("rossler1976", "sprott2003")

    def rates(self, t, x, u):
        del t, u
        x, y, z = x
        return jnp.stack([-y - z, x + self.a * y, self.b + z * (x - self.c)])

    def equilibria(self):
        """Two where ``c^2 > 4 a b``, the outer one first; else none."""
        a, b, c = float(self.a), float(self.b), float(self.c)
        inside = c**2 - 4 * a * b
        if inside < 0 or a == 0:
            return np.zeros((0, 3))
        z = (c + np.array([1.0, -1.0]) * np.sqrt(inside)) / (2 * a)
        return np.stack([a * z, -z, z], axis=1)

    def exponents(self):
        known = EXPONENTS.get(row(self.a, self.b, self.c))
        return None if known is None else np.array(known) / float(self.time_unit)
