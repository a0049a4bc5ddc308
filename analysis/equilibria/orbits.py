"""Solutions of a flow and of its linearisation along them, in double precision."""

from __future__ import annotations

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.integrate import solve_ivp

from neurodyn.analysis.equilibria.field import Field

#: Relative error in each step; the absolute one is a hundredth of it, times the scale of the state.
RTOL = 1e-10
_MOST_STEPS = 2**14


@eqx.filter_jit
def steps(field: Field, z: Array, u: Array, duration: Any, scale: Any):
    """Times and states after each step of the solver; what was not needed is infinite."""
    options: dict[str, Any] = {
        "stepsize_controller": diffrax.PIDController(rtol=1e-6, atol=1e-8 * scale),
        "saveat": diffrax.SaveAt(steps=True),
        "max_steps": _MOST_STEPS,
        "throw": False,
    }
    term = diffrax.ODETerm(lambda t, z, u: field.rate(z, u))
    found = diffrax.diffeqsolve(term, diffrax.Tsit5(), 0.0, duration, None, z, u, **options)
    return found.ts, found.ys


def states_at(
    field: Field, z: Any, u: Any, times: Float[np.ndarray, " time"], scale: float
) -> Float[np.ndarray, "time d"]:
    """States at times that increase from 0."""
    return _solved(lambda t, x: at_rate(field, x[None], u)[0], np.asarray(z), times, scale)


def carried(
    field: Field, z: Any, u: Any, duration: float, scale: float
) -> tuple[Float[np.ndarray, "start d"], Float[np.ndarray, "start d d"]]:
    """States after a time, and their derivatives ``(to, from)`` by those before."""
    n, d = z.shape
    pairs = np.concatenate([np.asarray(z)[:, :, None], np.tile(np.eye(d), (n, 1, 1))], axis=2)

    def rate(t, y):
        return np.asarray(_with_slopes(field, y.reshape(pairs.shape), u)).ravel()

    end = _solved(rate, pairs.ravel(), np.array([0.0, duration]), scale)[-1].reshape(pairs.shape)
    return end[:, :, 0], end[:, :, 1:]


def _solved(rate: Any, y: np.ndarray, times: np.ndarray, scale: float) -> np.ndarray:
    """Solutions at the times; NaN where the solver fails."""
    found = np.full((len(times), len(y)), np.nan)
    span = float(times[0]), float(times[-1])
    run = solve_ivp(
        rate, span, y, method="DOP853", t_eval=times, rtol=RTOL, atol=RTOL * 1e-2 * scale
    )
    found[: run.y.shape[1]] = run.y.T
    return found


@eqx.filter_jit
def _with_slopes(field, pairs, u):
    def one(pair):
        x, M = pair[:, 0], pair[:, 1:]
        slopes = jax.jacfwd(field.rate)(x, u) @ M
        return jnp.concatenate([field.rate(x, u)[:, None], slopes], axis=1)

    return jax.vmap(one)(pairs)


def at_rate(field: Field, z: Float[np.ndarray, "start d"], u: Any) -> Float[np.ndarray, "start d"]:
    """Rates of change at states."""
    return np.asarray(_rates(field, jnp.asarray(z), jnp.asarray(u)))


@eqx.filter_jit
def _rates(field, z, u):
    return jax.vmap(lambda x: field.rate(x, u))(z)


@eqx.filter_jit
def inward(field: Field, z: Float[Array, "start d"], u: Array) -> Float[Array, "start d input"]:
    """Derivatives of the rates by the input."""
    return jax.vmap(lambda x: jax.jacfwd(field.rate, 1)(x, u))(z)
