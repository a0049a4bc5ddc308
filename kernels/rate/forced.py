"""A recurrence that is pulled towards given states, with a small loop in its backward pass."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PyTree

from neurodyn.kernels.partition import over_batch


def forced_scan(
    step: Callable,
    params: PyTree,
    z0: Float[Array, "unit batch"],
    signal: Float[Array, "time unit batch"],
    strength: Float[Array, "time unit"],
    inputs: Float[Array, "time input batch"] | None = None,
    *,
    every: Callable | None = None,
) -> Float[Array, "time unit batch"]:
    """Iterate ``z_t = step(params, y_{t-1}, u_t)`` with ``y_t = (1 - a_t) z_t + a_t s_t``.

    The result is ``z``, the state before it is pulled towards the signal.

    Parameters
    ----------
    step : callable
        ``(params, y, u) -> z`` for a batch; each column must be computed by itself. It must not
        close over arrays that are differentiated.
    params : pytree of arrays
        Parameters that all steps share; all floating point.
    z0 : array (unit, batch)
        State before the first step, ``y_0``. The batch is the last dimension, so that the same unit
        of all trials is contiguous in memory.
    signal : array (time, unit, batch)
        States ``s_t`` that ``z_t`` is pulled towards. The last one has no effect.
    strength : array (time, unit)
        Strength ``a_t`` of the pull: 0 ignores the signal, even if it is NaN, and 1 replaces the
        state. Not differentiated.
    inputs : array (time, input, batch), optional
        External inputs ``u_t``. Default None, which is then passed to the step.
    every : callable, optional
        ``(params, ys, us) -> zs``: the steps from all states ``(time, unit, batch)`` at once, from
        which the gradient of the parameters is formed. Default: `jax.vmap` of ``step`` over time.

    Returns
    -------
    array (time, unit, batch)
        The states ``z_t``.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.

    Notes
    -----
    Differentiable once, in reverse mode. The forward pass keeps only ``z``. The loop of the
    backward pass carries only the cotangent of the state; the gradient of the parameters is formed
    afterwards from all steps at once, as one large product instead of many small ones.

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
    if signal.shape[1:] != z0.shape or strength.shape != (n_steps, z0.shape[0]):
        raise ValueError(
            "forced_scan needs z0 (unit, batch), signal (time, unit, batch) and strength (time, "
            f"unit), got shapes {z0.shape}, {signal.shape} and {strength.shape}."
        )
    if inputs is not None and (inputs.shape[0], inputs.shape[2]) != (n_steps, z0.shape[1]):
        raise ValueError(
            f"forced_scan needs inputs (time, input, batch) with time {n_steps} and batch "
            f"{z0.shape[1]}, as in the signal, got shape {inputs.shape}."
        )
    every = _over_time(step) if every is None else every
    arguments, axes = (params, z0, signal, strength, inputs), (None, 1, 2, None, 2)
    return over_batch(partial(_forced, step, every), arguments, axes, 2, z0.shape[1])


def _over_time(step: Callable) -> Callable:
    return lambda params, ys, us: jax.vmap(partial(step, params))(ys, us)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _forced(step, every, params, z0, signal, strength, inputs):
    del every

    def body(y, x):
        s, a, u = x
        z = step(params, y, u)
        return _pull(z, s, a), z

    return lax.scan(body, z0, (signal, strength, inputs))[1]


def _pull(z: Array, s: Array, a: Array) -> Array:
    # Exact for a = 0 and a = 1, even if the side that is not used is not finite.
    a = a[..., None]
    return jnp.where(a == 0, z, jnp.where(a == 1, s, (1 - a) * z + a * s))


def _damp(x: Array, share: Array) -> Array:
    """``share * x``, and 0 where the share is 0, even if ``x`` is not finite there."""
    share = share[..., None]
    return jnp.where(share == 0, jnp.zeros_like(x), share * x)


def _forward(step, every, params, z0, signal, strength, inputs):
    zs = _forced(step, every, params, z0, signal, strength, inputs)
    return zs, (params, z0, signal, strength, inputs, zs)


def _backward(step, every, saved, zs_bar):
    params, z0, signal, strength, inputs, zs = saved
    ys = jnp.concatenate([z0[None], _pull(zs, signal, strength)[:-1]])

    def body(y_bar, x):
        y, u, a, z_bar = x
        delta = z_bar + _damp(y_bar, 1 - a)
        _, back = jax.vjp(lambda y: step(params, y, u), y)
        return back(delta)[0], (delta, y_bar)

    z0_bar, (deltas, y_bars) = lax.scan(
        body, jnp.zeros_like(z0), (ys, inputs, strength, zs_bar), reverse=True
    )
    _, back = jax.vjp(lambda p, u: every(p, ys, u), params, inputs)
    params_bar, inputs_bar = back(deltas)
    signal_bar = _damp(y_bars, strength)
    return params_bar, z0_bar, signal_bar, jnp.zeros_like(strength), inputs_bar


_forced.defvjp(_forward, _backward)
