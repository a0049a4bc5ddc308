"""The Hénon map."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.models.reference.base import AbstractReferenceMap, Number, Vector, row

#: Exponents by (a, b), per step.
EXPONENTS = {row(1.4, 0.3): (0.41922, -1.62319)}


class Henon(AbstractReferenceMap):
    r"""The Hénon map: stretch and fold in the plane.

    .. math:: x' = 1 - a x^2 + y, \quad y' = b x

    The exponents known for the defaults are 0.41922 and -1.62319 (Sprott 2003); their sum is
    :math:`\log |b|` for any parameters.

    Parameters
    ----------
    a, b
        Defaults are those of Hénon (1976).
    start, spread
        Initial state, and its standard deviation over trials where a run has a key. Far from
        the attractor, starts escape to infinity.

    Raises
    ------
    ValueError
        If a parameter is not finite, or `spread` is negative.

    References
    ----------
    Hénon, Commun. Math. Phys. 50:69, 1976. Exponents: Sprott, Chaos and Time-Series Analysis, 2003.

    Examples
    --------
    >>> from neurodyn import models
    >>> models.reference.Henon().equilibria().round(3)
    array([[ 0.631,  0.189],
           [-1.131, -0.339]])
    """

    a: Number = 1.4
    b: Number = 0.3
    start: Vector = eqx.field(default=(0.1, 0.1), kw_only=True)
    spread: Number = eqx.field(default=0.05, kw_only=True)

    n_inputs: ClassVar[int] = 0
    names: ClassVar[tuple[str, ...]] = ("x", "y")
    reference: ClassVar[tuple[str, ...]] = ("henon1976", "sprott2003")

    def next(self, x):
        x, y = x
        return jnp.stack([1 - self.a * x**2 + y, self.b * x])

    def equilibria(self):
        """The two fixed points, first the one on the attractor; none where they are complex."""
        a, b = float(self.a), float(self.b)
        if a == 0:
            return np.array([[1 / (1 - b), b / (1 - b)]])
        inside = (1 - b) ** 2 + 4 * a
        if inside < 0:
            return np.zeros((0, 2))
        x = (-(1 - b) + np.array([1.0, -1.0]) * np.sqrt(inside)) / (2 * a)
        return np.stack([x, b * x], axis=1)

    def exponents(self):
        known = EXPONENTS.get(row(self.a, self.b))
        return None if known is None else np.array(known)
