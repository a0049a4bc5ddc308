"""A recurrence that is pulled towards given states, with a thin loop in its backward pass."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PyTree

__all__ = ["forced_scan"]


def forced_scan(
    step: Callable,
    params: PyTree,
    z0: Float[Array, "batch unit"],
    signal: Float[Array, "time batch unit"],
    strength: Float[Array, "time unit"],
    inputs: Float[Array, "time batch input"] | None = None,
) -> Float[Array, "time batch unit"]:
    """Iterate ``z_t = step(params, y_{t-1}, u_t)`` with ``y_t = (1 - a_t) z_t + a_t s_t``.

    What is returned is ``z``, from before the state was pulled towards the signal.

    Parameters
    ----------
    step : callable
        ``(params, y, u) -> z`` for a batch, each row by itself. It must not close over anything
        that is differentiated.
    params : pytree of arrays
        What every step shares; all of it floating point.
    z0 : array (batch, unit)
        State before the first step, ``y_0``.
    signal : array (time, batch, unit)
        States ``s_t`` to be pulled towards. The last one has no effect.
    strength : array (time, unit)
        How far, ``a_t``: 0 not at all, 1 all the way. Not differentiated.
    inputs : array (time, batch, input), optional
        External inputs ``u_t``; default None, which the step is then given.

    Returns
    -------
    array (time, batch, unit)

    Notes
    -----
    Only ``z`` is kept for the backward pass. Its loop carries the cotangent of the state and
    nothing else: the gradient of the parameters is formed afterwards, from all steps at once, which
    makes one large product out of many small ones. Reverse mode once.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from neurodyn.kernels import forced_scan
    >>> def double(params, y, u):
    ...     return params * y
    >>> strength = jnp.array([[0.0], [1.0], [0.0]])
    >>> z = forced_scan(double, jnp.array(2.0), jnp.ones((1, 1)), jnp.zeros((3, 1, 1)), strength)
    >>> print(z[:, 0, 0])
    [2. 4. 0.]
    """
    n_steps = signal.shape[0]
    if signal.shape[1:] != z0.shape or strength.shape != (n_steps, z0.shape[-1]):
        raise ValueError(
            "forced_scan takes z0 (batch, unit), signal (time, batch, unit) and strength (time, "
            f"unit), got {z0.shape}, {signal.shape} and {strength.shape}."
        )
    if inputs is not None and inputs.shape[:2] != signal.shape[:2]:
        raise ValueError(
            f"forced_scan takes inputs (time, batch, input) like the signal {signal.shape}, got "
            f"{inputs.shape}."
        )
    return _forced(step, params, z0, signal, strength, inputs)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _forced(step, params, z0, signal, strength, inputs):
    def body(y, x):
        s, a, u = x
        z = step(params, y, u)
        return _pull(z, s, a), z

    return lax.scan(body, z0, (signal, strength, inputs))[1]


def _pull(z: Array, s: Array, a: Array) -> Array:
    # Exact at both ends: z where a is 0, s where it is 1.
    a = a[..., None, :]
    return (1 - a) * z + a * s


def _forward(step, params, z0, signal, strength, inputs):
    zs = _forced(step, params, z0, signal, strength, inputs)
    return zs, (params, z0, signal, strength, inputs, zs)


def _backward(step, saved, zs_bar):
    params, z0, signal, strength, inputs, zs = saved
    ys = jnp.concatenate([z0[None], _pull(zs, signal, strength)[:-1]])

    def body(y_bar, x):
        y, u, a, z_bar = x
        delta = z_bar + (1 - a[None, :]) * y_bar
        _, back = jax.vjp(lambda y: step(params, y, u), y)
        return back(delta)[0], (delta, y_bar)

    z0_bar, (deltas, y_bars) = lax.scan(
        body, jnp.zeros_like(z0), (ys, inputs, strength, zs_bar), reverse=True
    )
    _, back = jax.vjp(lambda p, u: jax.vmap(partial(step, p))(ys, u), params, inputs)
    params_bar, inputs_bar = back(deltas)
    signal_bar = strength[:, None, :] * y_bars
    return params_bar, z0_bar, signal_bar, jnp.zeros_like(strength), inputs_bar


_forced.defvjp(_forward, _backward)
