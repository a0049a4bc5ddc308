"""Stability and timescales of fixed points agree with how networks move from nearby states."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import neurodyn as nd
from neurodyn.analysis import fixed_points
from neurodyn.system import State
from tests.analysis.equilibria.flows import AbstractSeen

N_NETWORKS, N_UNITS, TAU = 200, 5, 20.0
#: From quiet networks to chaotic ones.
RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0.5, 3.0, (N_NETWORKS, 1, 1)) * RNG.standard_normal(
    (N_NETWORKS, N_UNITS, N_UNITS)
)
WEIGHTS = np.float64(np.float32(WEIGHTS / np.sqrt(N_UNITS)))  # as the model holds them
BIAS = np.float64(np.float32(0.3 * RNG.standard_normal((N_NETWORKS, N_UNITS))))


class Networks(AbstractSeen):
    """Random networks, of which the input says which one moves: one program for all of them."""

    W: jnp.ndarray
    b: jnp.ndarray
    n_inputs: int = eqx.field(static=True, default=1)
    n_outputs: int = eqx.field(static=True, default=N_UNITS)

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros(N_UNITS))

    def drift(self, t, state, u):
        which = jnp.round(u.input[0]).astype(jnp.int32)
        return (-state.x + jnp.tanh(state.x) @ self.W[which] + self.b[which]) / TAU

    def readout(self, state):
        return state.x

    def variables(self):
        return {"x": nd.Variable(("unit",), "1", "state", "current")}


def moved(x, which, step, n):
    """States after Runge-Kutta steps, whose length each trajectory has for itself."""
    W, b, step = WEIGHTS[which], BIAS[which], step[:, None]

    def rate(x):
        return (-x + (np.tanh(x)[:, None, :] @ W)[:, 0] + b) / TAU

    for _ in range(n):
        k1 = rate(x)
        k2 = rate(x + step / 2 * k1)
        k3 = rate(x + step / 2 * k2)
        x = x + step / 6 * (k1 + 2 * k2 + 2 * k3 + rate(x + step * k3))
    return x


def test_two_hundred_random_networks():
    model = Networks(jnp.asarray(WEIGHTS), jnp.asarray(BIAS))
    networks = np.arange(N_NETWORKS, dtype=float)[:, None]
    points = fixed_points(model, networks, n_starts=12, key=0, progress=False)
    which = points["sweep"].values
    assert len(np.unique(which)) > 0.98 * N_NETWORKS
    assert (points["stability"] == "stable").sum() > 100
    assert (points["n_unstable"] > 0).sum() > 100
    x, first = points["state"].values, points["growth_rate"].values[:, 0]

    # From close by, states come back to stable points alone.
    away = 1e-6 * RNG.standard_normal(x.shape)
    span = 12 / np.abs(first)
    clear = span < 4000  # elsewhere the fastest mode hardly moves
    assert clear.mean() > 0.95
    step = np.where(clear, span, 1.0) / 300
    after = np.linalg.norm(moved(x + away, which, step, 300) - x, axis=1)
    before = np.linalg.norm(away, axis=1)
    stable = points["stability"].values == "stable"
    assert (after < 1e-2 * before)[stable & clear].all()
    assert (after > 1e2 * before)[~stable & clear].all()

    # Each mode grows, decays and turns as its eigenvalue says.
    right = points["right_real"].values + 1j * points["right_imag"].values
    left = points["left_real"].values + 1j * points["left_imag"].values
    rate, hertz = points["growth_rate"].values, points["frequency"].values
    span = 0.3 / np.hypot(rate, 2 * np.pi * hertz / 1e3)
    for mode in range(N_UNITS):
        v, t = 1e-6 * right[:, :, mode], span[:, mode]
        start = np.where(np.abs(v.real).max(1) > 0, 1, 0)[:, None] * v.real
        end = moved(x + start, which, t / 40, 40) - x
        grown = (end * left[:, :, mode]).sum(1) / (start * left[:, :, mode]).sum(1)
        np.testing.assert_allclose(np.log(np.abs(grown)), t * rate[:, mode], atol=0.01 * 0.3)
        turned = 2 * np.pi * hertz[:, mode] / 1e3 * t
        np.testing.assert_allclose(np.abs(np.angle(grown)), turned, atol=0.01 * 0.3)
