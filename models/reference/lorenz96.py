"""The Lorenz-96 system."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from neurodyn.common.checks import number, whole
from neurodyn.models.reference.base import AbstractDeclaredFlow, Number, Vector, vector


class Lorenz96(AbstractDeclaredFlow):
    r"""The Lorenz-96 system: a ring of sites that advect, decay and are forced.

    .. math:: \dot x_i = (x_{i+1} - x_{i-2}) \, x_{i-1} - x_i + F

    Chaotic in high dimensions at F = 8. Its exponents sum up to ``-n``.

    Parameters
    ----------
    n
        Number of sites, at least 4. Lorenz uses 36 and 40; reconstruction benchmarks use 20.
    F
        Forcing; default 8, of Lorenz (1996).
    start, spread
        Initial state, by default F everywhere and 0.01 more at the first site, and its standard
        deviation over trials where a run has a key.
    noise, time_unit
        As of :class:`Lorenz63`.

    Raises
    ------
    ValueError
        If there are fewer than four sites, a parameter is not finite, or `spread`, `noise` or
        `time_unit` is negative.

    References
    ----------
    Lorenz, Predictability: a problem partly solved, ECMWF Seminar on Predictability, 1996.

    Examples
    --------
    >>> from neurodyn import models
    >>> models.reference.Lorenz96(5).equilibria()
    array([[8., 8., 8., 8., 8.]])
    """

    n: int = eqx.field(static=True, default=20)
    F: Number = 8.0
    start: Vector = eqx.field(default=None, kw_only=True)
    spread: Number = eqx.field(default=1.0, kw_only=True)

    n_inputs: ClassVar[int] = 0
    reference: ClassVar[tuple[str, ...]] = ("lorenz1996",)

    def __post_init__(self):
        self.n, self.F = whole("n", self.n, 4), number("F", self.F)
        if self.start is None:
            self.start = vector("start", 0.0, self.n).at[0].set(0.01) + self.F
        super().__post_init__()

    @property
    def names(self) -> tuple[str, ...]:
        """The sites."""
        return tuple(f"x_{i}" for i in range(self.n))

    def rates(self, t, x, u):
        del t, u
        return (jnp.roll(x, -1) - jnp.roll(x, 2)) * jnp.roll(x, 1) - x + self.F

    def equilibria(self):
        """The uniform state, unstable at the default forcing."""
        return np.full((1, self.n), float(self.F))
