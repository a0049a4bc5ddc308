"""Solutions of a flow and of its linearisation along them, in double precision."""

from __future__ import annotations

from functools import partial
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
    rate = _repeated(_rate, field, u)
    return _solved(lambda t, x: np.asarray(rate(x)), np.asarray(z), times, scale)


def carried(
    field: Field, z: Any, u: Any, duration: float, scale: float
) -> tuple[Float[np.ndarray, "start d"], Float[np.ndarray, "start d d"]]:
    """States after a time, and their derivatives ``(to, from)`` by those before."""
    n, d = z.shape
    pairs = np.concatenate([np.asarray(z)[:, :, None], np.tile(np.eye(d), (n, 1, 1))], axis=2)

    rate = _repeated(_with_slopes, field, u)

    def flat(t, y):
        return np.asarray(rate(y.reshape(pairs.shape))).ravel()

    end = _solved(flat, pairs.ravel(), np.array([0.0, duration]), scale)[-1].reshape(pairs.shape)
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


def _repeated(program: Any, field: Field, u: Any) -> Any:
    """A compiled ``program(field, u, state)`` as a function of the state alone.

    A solver calls it thousands of times, and to sort the parts of a field into arrays and others,
    as ``eqx.filter_jit`` does at each call, takes much longer than the rate itself.
    """
    leaves, structure = jax.tree.flatten((field, u))
    arrays = [a for a in leaves if eqx.is_array(a)]
    fixed = tuple(None if eqx.is_array(a) else a for a in leaves)
    return partial(_called, (program, structure, fixed), arrays)


@partial(jax.jit, static_argnums=0)
def _called(how, arrays, state):
    program, structure, fixed = how
    given = iter(arrays)
    leaves = [next(given) if a is None else a for a in fixed]
    return program(*jax.tree.unflatten(structure, leaves), state)


def _rate(field, u, x):
    return field.rate(x, u)


def _with_slopes(field, u, pairs):
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
