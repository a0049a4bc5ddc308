"""The Lorenz-96 system."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number, whole
from neurodyn.models.reference.base import AbstractReferenceFlow, amplitude, vector

__all__ = ["Lorenz96"]


class Lorenz96(AbstractReferenceFlow):
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
    noise
        Amplitude of white noise [per square root of the time unit], or None.
    time_unit
        Duration of the equations' unit of time [ms].

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

    F: Float[Array, ""]
    start: Float[Array, " latent"]
    spread: Float[Array, ""]
    noise: Float[Array, " latent"] | None
    time_unit: Float[Array, ""]
    n: int = eqx.field(static=True)

    n_inputs: ClassVar[int] = 0
    reference: ClassVar[tuple[str, ...]] = ("lorenz1996",)

    def __init__(
        self,
        n: int = 20,
        F: Any = 8.0,
        *,
        start: Any = None,
        spread: Any = 1.0,
        noise: Any = None,
        time_unit: Any = 1.0,
    ):
        self.n, self.F = whole("n", n, 4), number("F", F)
        nudged = vector("start", 0.0, n).at[0].set(0.01) + self.F
        self.start = nudged if start is None else vector("start", start, n)
        self.spread, self.noise = number("spread", spread, low=0), amplitude(noise, n)
        self.time_unit = number("time_unit", time_unit, above=0)

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

    def exponents(self):
        """None: only their sum is known, ``-n``."""
