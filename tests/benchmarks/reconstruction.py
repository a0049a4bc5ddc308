"""Measures of reconstruction: divergence in 30^5 bins, and Lyapunov exponents against SciPy."""

import time
import tracemalloc

import jax
import numpy as np
from scipy.integrate import solve_ivp

from neurodyn import analysis
from neurodyn.models import reference
from tests.benchmarks.harness import Row, alternate

N_SAMPLES, N_BINS, N_DIMS = 100_000, 30, 5
DT, N_STEPS = 0.01, 10_000


def run() -> list[Row]:
    """All rows."""
    return [*_divergence(), *_exponents()]


def _divergence() -> list[Row]:
    """Against the limits that were set: 2 s and 500 MB."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(N_DIMS, N_DIMS))
    truth, generated = (rng.normal(size=(N_SAMPLES, N_DIMS)) @ mix for _ in range(2))

    def call():
        return analysis.state_space_divergence(generated, truth, n_bins=N_BINS)

    (took,) = alternate(call, rounds=3, burst=1, warmup=1)
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    sizes = {"samples": N_SAMPLES, "bins": N_BINS, "dims": N_DIMS}
    rows = [
        Row("D_stsp, time", "limit", took.median, 2000.0, bar=1.0, sizes=sizes),
        Row("D_stsp, memory", "limit", peak, 500.0, unit="MB", bar=1.0, sizes=sizes),
    ]
    compiled = jax.jit(analysis.StateSpaceDivergence(N_BINS))
    few = [x.astype(np.float32)[:10_000, :3] for x in (truth, generated)]
    fast, host = alternate(
        lambda: compiled(*few).block_until_ready(),
        lambda: analysis.state_space_divergence(few[1], few[0], n_bins=N_BINS),
        rounds=5,
    )
    note = {"samples": 10_000, "bins": N_BINS, "dims": 3}
    return [*rows, Row("D_stsp in JAX", "NumPy, ours", fast.median, host.median, sizes=note)]


def _exponents() -> list[Row]:
    """Spectrum of the Lorenz system, as one would write it with SciPy: variational equations."""
    system = reference.Lorenz63()

    def ours():
        return analysis.lyapunov(system, n_steps=N_STEPS, dt=DT, transient=0)

    def rhs(t, y):
        x, V = y[:3], y[3:].reshape(3, 3)
        J = np.array([[-10.0, 10.0, 0.0], [28 - x[2], -1.0, -x[0]], [x[1], x[0], -8 / 3]])
        f = [10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]]
        return np.concatenate([f, (J @ V).ravel()])

    def numpy_loop(n):
        """Fourth-order Runge-Kutta and QR at every step."""
        y, logs = np.concatenate([[1.0, 1.0, 20.0], np.eye(3).ravel()]), np.zeros(3)
        for _ in range(n):
            a = rhs(0, y)
            b = rhs(0, y + DT / 2 * a)
            c = rhs(0, y + DT / 2 * b)
            d = rhs(0, y + DT * c)
            y = y + DT / 6 * (a + 2 * b + 2 * c + d)
            q, r = np.linalg.qr(y[3:].reshape(3, 3))
            y[3:] = q.ravel()
            logs += np.log(np.abs(np.diag(r)))
        return logs / (n * DT)

    def scipy_loop(n):
        y, logs = np.concatenate([[1.0, 1.0, 20.0], np.eye(3).ravel()]), np.zeros(3)
        for _ in range(n):
            y = solve_ivp(rhs, (0, DT), y, rtol=1e-8, atol=1e-8).y[:, -1]
            q, r = np.linalg.qr(y[3:].reshape(3, 3))
            y[3:] = q.ravel()
            logs += np.log(np.abs(np.diag(r)))
        return logs / (n * DT)

    mine, plain = alternate(ours, lambda: numpy_loop(N_STEPS), rounds=3, burst=1, warmup=1)
    short = N_STEPS // 20
    start = time.perf_counter()
    scipy_loop(short)
    adaptive = 20e3 * (time.perf_counter() - start)
    sizes = {"steps": N_STEPS}
    value, peer = ours()["lyapunov"].values[0, 0], numpy_loop(N_STEPS)[0]
    note = f"largest exponent {value:.3f}, NumPy's {peer:.3f}"
    return [
        Row("Lyapunov, Lorenz63", "NumPy loop", mine.median, plain.median, sizes=sizes, note=note),
        Row("Lyapunov, Lorenz63", "SciPy loop", mine.median, adaptive, sizes=sizes, note=note),
    ]
