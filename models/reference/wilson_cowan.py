"""The Wilson-Cowan model of an excitatory and an inhibitory population."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.reference.base import AbstractReferenceFlow, amplitude, crossings, vector


class WilsonCowan(AbstractReferenceFlow):
    r"""Activity of an excitatory and an inhibitory population.

    .. math::
        \tau_E \dot E &= -E + (k_E - E) \, S_E(c_1 E - c_2 I + P + u_1) \\
        \tau_I \dot I &= -I + (k_I - I) \, S_I(c_3 E - c_4 I + Q + u_2)

    with :math:`S(x) = 1 / (1 + e^{-a (x - \theta)}) - 1 / (1 + e^{a \theta})` and k its largest
    value. With the defaults the two populations oscillate. Of the exponents only the largest is
    known, zero on the limit cycle.

    Parameters
    ----------
    P, Q
        Constant inputs; defaults 1.25 and 0, of the limit cycle of Wilson and Cowan (1972).
    c_1, c_2, c_3, c_4
        Weights; defaults 16, 12, 15 and 3, of the same.
    a_E, theta_E, a_I, theta_I
        Slopes and thresholds; defaults 1.3, 4, 2 and 3.7, of the same.
    tau_E, tau_I
        Time constants [ms]; default 10 ms, that of a membrane.
    start, spread
        Initial state, and its standard deviation over trials where a run has a key.
    noise
        Amplitude of white noise [per square root of ms], or None.

    Raises
    ------
    ValueError
        If a parameter is not finite, a time constant is not positive, or `spread` or `noise` is
        negative.

    References
    ----------
    Wilson & Cowan, Biophys. J. 12:1, 1972.
    """

    P: Float[Array, ""]
    Q: Float[Array, ""]
    c: Float[Array, " weight"]
    a: Float[Array, " population"]
    theta: Float[Array, " population"]
    tau: Float[Array, " population"]
    start: Float[Array, " latent"]
    spread: Float[Array, ""]
    noise: Float[Array, " latent"] | None
    time_unit: Float[Array, ""]

    n_inputs: ClassVar[int] = 2
    sums_current: ClassVar[bool] = True
    names: ClassVar[tuple[str, ...]] = ("E", "I")
    reference: ClassVar[tuple[str, ...]] = ("wilson1972",)

    def __init__(
        self,
        P: Any = 1.25,
        Q: Any = 0.0,
        *,
        c_1: Any = 16.0,
        c_2: Any = 12.0,
        c_3: Any = 15.0,
        c_4: Any = 3.0,
        a_E: Any = 1.3,
        theta_E: Any = 4.0,
        a_I: Any = 2.0,
        theta_I: Any = 3.7,
        tau_E: Any = 10.0,
        tau_I: Any = 10.0,
        start: Any = (0.1, 0.05),
        spread: Any = 0.05,
        noise: Any = None,
    ):
        self.P, self.Q = number("P", P), number("Q", Q)
        weights = {"c_1": c_1, "c_2": c_2, "c_3": c_3, "c_4": c_4}
        self.c = jnp.stack([number(name, value) for name, value in weights.items()])
        self.a = jnp.stack([number("a_E", a_E), number("a_I", a_I)])
        self.theta = jnp.stack([number("theta_E", theta_E), number("theta_I", theta_I)])
        self.tau = jnp.stack([number("tau_E", tau_E, above=0), number("tau_I", tau_I, above=0)])
        self.start, self.spread = vector("start", start, 2), number("spread", spread, low=0)
        self.noise = amplitude(noise, 2)
        self.time_unit = number("time_unit", 1.0)

    def rates(self, t, x, u):
        del t
        E, I = x
        c_1, c_2, c_3, c_4 = self.c
        drive = jnp.stack([c_1 * E - c_2 * I + self.P, c_3 * E - c_4 * I + self.Q])
        drive = drive if u is None else drive + u
        rest = jax.nn.sigmoid(-self.a * self.theta)
        response = jax.nn.sigmoid(self.a * (drive - self.theta)) - rest
        return (-x + (1 - rest - x) * response) / self.tau

    def equilibria(self):
        """The points where the nullclines cross, by rising E, bracketed by 4001 values."""
        c_1, c_2, c_3, c_4 = (float(c) for c in self.c)
        (a_E, a_I), (theta_E, theta_I) = (np.asarray(p, float) for p in (self.a, self.theta))
        P, Q = float(self.P), float(self.Q)
        k_E, k_I = (1 - 1 / (1 + np.exp(a * th)) for a, th in ((a_E, theta_E), (a_I, theta_I)))

        def inhibition(E):
            """I on the nullcline of E."""
            s = E / (k_E - E) + 1 - k_E
            return (c_1 * E + P - theta_E - np.log(s / (1 - s)) / a_E) / c_2

        def residual(E):
            I = inhibition(E)
            S = 1 / (1 + np.exp(-a_I * (c_3 * E - c_4 * I + Q - theta_I))) - 1 + k_I
            return -I + (k_I - I) * S

        # On that nullcline s lies between 0 and 1.
        low, high = k_E - 1, k_E**2 / (1 + k_E)
        E = crossings(residual, low + 1e-12, high - 1e-12, xtol=1e-14)
        return np.stack([E, inhibition(E)], axis=1) if len(E) else np.zeros((0, 2))
