"""The Hodgkin-Huxley neuron."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.reference.base import AbstractVectorSystem, amplitude, crossings, vector
from neurodyn.system import AbstractFlow, Variable


class HodgkinHuxley(AbstractVectorSystem, AbstractFlow):
    r"""The Hodgkin-Huxley neuron: the action potential of the squid's giant axon.

    .. math::
        C \dot V &= I + u - g_{Na} m^3 h (V - E_{Na}) - g_K n^4 (V - E_K) - g_L (V - E_L) \\
        \dot m &= \alpha_m(V) (1 - m) - \beta_m(V) m

    and the same for h and n. Rates are those of the paper with the sign of the voltage turned and
    rest at -65 mV, at 6.3 degrees. Of the exponents only the largest is known, zero while the
    neuron fires periodically.

    Parameters
    ----------
    I
        Constant current [uA/cm2]; default 10, where it fires periodically (about 68 Hz).
    C
        Capacitance [uF/cm2].
    g_Na, g_K, g_L
        Conductances [mS/cm2]; defaults 120, 36 and 0.3.
    E_Na, E_K, E_L
        Reversal potentials [mV]; defaults 50, -77 and -54.387.
    start
        Initial V [mV], m, h and n; default: the resting state.
    spread
        Standard deviation of V [mV] at the start over trials, where a run has a key.
    noise
        Amplitude of white noise on V [mV per square root of ms], or None.

    Raises
    ------
    ValueError
        If a parameter is not finite, `C` is not positive, or `spread` or `noise` is negative.

    References
    ----------
    Hodgkin & Huxley, J. Physiol. 117:500, 1952.

    Examples
    --------
    >>> from neurodyn import models
    >>> models.reference.HodgkinHuxley(I=0.0).equilibria().round(2)
    array([[-6.5e+01,  5.0e-02,  6.0e-01,  3.2e-01]])
    """

    I: Float[Array, ""]
    C: Float[Array, ""]
    g: Float[Array, " channel"]
    E: Float[Array, " channel"]
    start: Float[Array, " latent"]
    spread: Float[Array, " latent"]
    noise: Float[Array, " latent"] | None

    n_inputs: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...]] = ("V", "m", "h", "n")
    reference: ClassVar[tuple[str, ...]] = ("hodgkin1952",)

    def __init__(
        self,
        I: Any = 10.0,
        *,
        C: Any = 1.0,
        g_Na: Any = 120.0,
        g_K: Any = 36.0,
        g_L: Any = 0.3,
        E_Na: Any = 50.0,
        E_K: Any = -77.0,
        E_L: Any = -54.387,
        start: Any = (-65.0, 0.0529, 0.5961, 0.3177),
        spread: Any = 5.0,
        noise: Any = None,
    ):
        self.I, self.C = number("I", I), number("C", C, above=0)
        self.g = jnp.stack([number("g_Na", g_Na), number("g_K", g_K), number("g_L", g_L)])
        self.E = jnp.stack([number("E_Na", E_Na), number("E_K", E_K), number("E_L", E_L)])
        self.start = vector("start", start, 4)
        only_voltage = jnp.zeros_like(self.start).at[0].set(1.0)
        self.spread = only_voltage * number("spread", spread, low=0)
        noise = amplitude(noise, 1)
        self.noise = None if noise is None else only_voltage * noise[0]

    def drift(self, t, state, u):
        del t
        V, m, h, n = state.x
        g_Na, g_K, g_L = self.g
        E_Na, E_K, E_L = self.E
        current = self.I if u.input is None else self.I + u.input[0]
        channels = g_Na * m**3 * h * (V - E_Na) + g_K * n**4 * (V - E_K) + g_L * (V - E_L)
        alpha, beta = gate_rates(V, jnp)
        gates = alpha * (1 - state.x[1:]) - beta * state.x[1:]
        if u.current is not None:
            current, gates = current + u.current[0], gates + u.current[1:]
        return jnp.concatenate([((current - channels) / self.C)[None], gates])

    def diffusion(self, t, state, u):
        del t, state, u
        return self.noise

    def observe(self, state):
        V, m, h, n = state.x
        return {"voltage": V, "m": m, "h": h, "n": n}

    def variables(self):
        return {
            "voltage": Variable((), "mV", "membrane potential", "voltage"),
            "m": Variable((), "1", "activation of sodium", "hidden"),
            "h": Variable((), "1", "inactivation of sodium", "hidden"),
            "n": Variable((), "1", "activation of potassium", "hidden"),
        }

    def unit_coords(self):
        return {}

    def equilibria(self):
        """States at rest by rising V, bracketed on a grid of 4001 values from -100 to 60 mV."""
        I, g, E = float(self.I), np.asarray(self.g, float), np.asarray(self.E, float)

        def gates(V):
            alpha, beta = gate_rates(V, np)
            return alpha / (alpha + beta)

        def residual(V):
            m, h, n = gates(V)
            open_ = np.stack([m**3 * h, n**4, np.ones_like(m)])
            return I - g @ (open_ * (V - E.reshape(-1, *(1,) * np.ndim(V))))

        rest = crossings(residual, -100.0, 60.0, xtol=1e-12)
        return np.array([[V, *gates(V)] for V in rest]).reshape(-1, 4)


def gate_rates(V: Any, xp: Any) -> tuple[Any, Any]:
    """Opening and closing rates [1/ms] of m, h and n at a voltage [mV], with `xp` jax or numpy."""

    def rise(x):
        """``x / (1 - exp(-x))``, which is 1 at 0."""
        near = xp.abs(x) < 1e-4
        safe = xp.where(near, 1.0, x)
        return xp.where(near, 1 + x / 2, safe / (1 - xp.exp(-safe)))

    alpha = [
        rise((V + 40) / 10),
        0.07 * xp.exp(-(V + 65) / 20),
        0.1 * rise((V + 55) / 10),
    ]
    beta = [
        4 * xp.exp(-(V + 65) / 18),
        1 / (1 + xp.exp(-(V + 35) / 10)),
        0.125 * xp.exp(-(V + 65) / 80),
    ]
    return xp.stack(alpha), xp.stack(beta)
