"""The Kuramoto model of coupled oscillators."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number, whole
from neurodyn.models.reference.base import amplitude, begin, vector
from neurodyn.system import AbstractFlow, Variable


class Kuramoto(AbstractFlow):
    r"""Phase oscillators with all-to-all coupling.

    .. math:: \dot\theta_i = \omega_i + \frac{K}{n} \sum_j \sin(\theta_j - \theta_i)

    With frequencies from a Lorentzian of half width :math:`\gamma` they synchronise above
    :math:`K_c = 2 \gamma`, and in large populations the order parameter is
    :math:`\sqrt{1 - K_c / K}`.

    Parameters
    ----------
    n
        Number of oscillators.
    K
        Coupling [rad per time unit].
    omega
        Natural frequencies [rad per time unit]: ``n`` numbers, or one for all. Default: the
        quantiles of a Lorentzian of half width `gamma` about 0.
    gamma
        Half width of the Lorentzian [rad per time unit].
    start, spread
        Initial phases [rad], by default spread around the circle by the golden angle, and their
        standard deviation over trials where a run has a key.
    noise
        Amplitude of white noise [rad per square root of the time unit], or None.
    time_unit
        Duration of the equations' unit of time [ms].

    Raises
    ------
    ValueError
        If there are fewer than two oscillators, a parameter is not finite, or `gamma`, `spread`,
        `noise` or `time_unit` is negative.

    References
    ----------
    Kuramoto, Chemical Oscillations, Waves, and Turbulence, 1984. Strogatz, Physica D 143:1, 2000.
    """

    K: Float[Array, ""]
    omega: Float[Array, " unit"]
    start: Float[Array, " unit"]
    spread: Float[Array, ""]
    noise: Float[Array, " unit"] | None
    time_unit: Float[Array, ""]
    n: int = eqx.field(static=True)

    n_inputs: ClassVar[int] = 0
    reference: ClassVar[tuple[str, ...]] = ("kuramoto1984", "strogatz2000")

    def __init__(
        self,
        n: int = 20,
        K: Any = 2.0,
        omega: Any = None,
        *,
        gamma: Any = 0.5,
        start: Any = None,
        spread: Any = 0.5,
        noise: Any = None,
        time_unit: Any = 1.0,
    ):
        self.n, self.K = whole("n", n, 2), number("K", K)
        quantiles = np.tan(np.pi * (np.arange(1, n + 1) / (n + 1) - 0.5))
        lorentzian = vector("omega", quantiles, n) * number("gamma", gamma, low=0)
        self.omega = lorentzian if omega is None else vector("omega", omega, n)
        golden = np.pi * (3 - np.sqrt(5))
        around = (golden * np.arange(n)) % (2 * np.pi)
        self.start = vector("start", around if start is None else start, n)
        self.spread = number("spread", spread, low=0)
        self.noise = amplitude(noise, n)
        self.time_unit = number("time_unit", time_unit, above=0)

    @property
    def n_outputs(self) -> int:
        """Cosine and sine of every phase."""
        return 2 * self.n

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial
        return begin(self, key)

    def drift(self, t, state, u):
        del t
        theta = state.x
        c, s = jnp.mean(jnp.cos(theta)), jnp.mean(jnp.sin(theta))
        pull = s * jnp.cos(theta) - c * jnp.sin(theta)  # the mean of sin(theta_j - theta_i)
        rates = self.omega + self.K * pull
        return (rates if u.current is None else rates + u.current) / self.time_unit

    def diffusion(self, t, state, u):
        del t, state, u
        return None if self.noise is None else self.noise / jnp.sqrt(self.time_unit)

    def readout(self, state):
        return jnp.concatenate([jnp.cos(state.x), jnp.sin(state.x)])

    def observe(self, state):
        order = jnp.hypot(jnp.mean(jnp.cos(state.x)), jnp.mean(jnp.sin(state.x)))
        return {"phase": state.x, "order": order}

    def variables(self):
        return {
            "phase": Variable(("unit",), "rad", "phase", "hidden"),
            "order": Variable((), "1", "order parameter", "statistic"),
        }

    def unit_coords(self):
        return {"omega": np.asarray(self.omega)}

    def equilibria(self) -> Float[np.ndarray, "equilibrium unit"]:
        """None, because the phases rotate."""
        return np.zeros((0, self.n))

    def exponents(self) -> Float[np.ndarray, " exponent"] | None:
        """Exponents of identical oscillators in synchrony: one zero, ``-K`` for the others."""
        omega = np.asarray(self.omega, float)
        if np.ptp(omega) > 0 or float(self.K) <= 0:
            return None
        all_but_one = np.full(self.n - 1, -float(self.K) / float(self.time_unit))
        return np.concatenate([[0.0], all_but_one])
