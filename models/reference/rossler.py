"""The Rössler system."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.reference.base import AbstractReferenceFlow, amplitude, row, vector

__all__ = ["Roessler"]

#: Exponents by (a, b, c), per unit of time.
EXPONENTS = {row(0.2, 0.2, 5.7): (0.0714, 0.0, -5.3943)}


class Roessler(AbstractReferenceFlow):
    r"""The Rössler system: a spiral that folds back, chaos with a single nonlinear term.

    .. math::
        \dot x = -y - z, \quad \dot y = x + a y, \quad \dot z = b + z (x - c)

    The exponents known for the defaults are 0.0714, 0 and -5.3943 (Sprott 2003).

    Parameters
    ----------
    a, b, c
        Defaults are the values of Rössler (1976).
    start, spread
        State to start from, and its standard deviation over trials where a run has a key.
    noise
        Amplitude of white noise [per square root of the time unit], or None.
    time_unit
        Duration of the equations' unit of time [ms]; a turn takes about 5.9 units.

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

    a: Float[Array, ""]
    b: Float[Array, ""]
    c: Float[Array, ""]
    start: Float[Array, " latent"]
    spread: Float[Array, ""]
    noise: Float[Array, " latent"] | None
    time_unit: Float[Array, ""]

    n_inputs: ClassVar[int] = 0
    names: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    reference: ClassVar[tuple[str, ...]] = ("rossler1976", "sprott2003")

    def __init__(
        self,
        a: Any = 0.2,
        b: Any = 0.2,
        c: Any = 5.7,
        *,
        start: Any = (1.0, 1.0, 0.0),
        spread: Any = 0.5,
        noise: Any = None,
        time_unit: Any = 1.0,
    ):
        self.a, self.b, self.c = number("a", a), number("b", b), number("c", c)
        self.start, self.spread = vector("start", start, 3), number("spread", spread, low=0)
        self.noise = amplitude(noise, 3)
        self.time_unit = number("time_unit", time_unit, above=0)

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
