"""The leaky recurrence of variational networks, with a lean reverse-mode derivative."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

__all__ = ["latent_scan"]

#: Columns of the fused projection are filled up to whole vector registers (16 floats of 32 bit).
_LANES = 16

_DIMS = {
    "W": ("unit", "unit"),
    "W_q": ("unit", "raw"),
    "W_z": ("latent", "unit"),
    "b": ("unit",),
    "alpha": ("unit",),
    "A": ("time", "batch", "raw"),
    "eps": ("time", "batch", "latent"),
    "u0": ("batch", "unit"),
}


def latent_scan(
    W, W_q, W_z, b, alpha, A, eps, u0
) -> tuple[Float[Array, "time batch unit"], Float[Array, "time batch raw"]]:
    """Run a leaky network whose latents are drawn around its own projections.

    Each step maps the state ``u`` to

    - ``q = tanh(u) W_q + A_t``,
    - ``z = tanh(q[:latent]) + exp(q[latent:]) eps_t``,
    - ``u' = (1 - alpha) u + alpha (tanh(u) W + z W_z + b)``.

    Parameters
    ----------
    W : (unit, unit)
        Recurrent weights, used as ``d @ W``.
    W_q : (unit, 2 latent)
        Projection to the means and log standard deviations of the latents.
    W_z : (latent, unit)
        Weights of the latents.
    b : (unit,)
        Bias.
    alpha : (unit,)
        Step size over time constant.
    A : (time, batch, 2 latent)
        Added to the projection (adaptive vectors, bias).
    eps : (time, batch, latent)
        Standardised deviations of the latents.
    u0 : (batch, unit)
        State before the first step.

    Returns
    -------
    d : (time, batch, unit)
        ``tanh(u)`` after each step.
    q : (time, batch, 2 latent)
        The projection of each step.

    Raises
    ------
    ValueError
        If a shape does not fit the others.
    TypeError
        If the arrays are not all float32 or all float64.

    Notes
    -----
    Differentiable once in reverse mode, with respect to every array. Both passes make one product
    for all projections of a step and keep ``d`` and ``q`` only; the gradients of the weights are
    single products over all steps after the reverse loop.
    """
    given = dict(W=W, W_q=W_q, W_z=W_z, b=b, alpha=alpha, A=A, eps=eps, u0=u0)
    arrays = {name: jnp.asarray(a) for name, a in given.items()}
    _check(arrays)
    return _scan(*arrays.values())


class _Saved(NamedTuple):
    W: Array
    W_q: Array
    W_z: Array
    b: Array
    alpha: Array
    A: Array
    eps: Array
    u0: Array
    d: Array
    q: Array


# Compiled here too, so that calls outside any jit do not compile the loop anew each time.
@jax.jit
@jax.custom_vjp
def _scan(W, W_q, W_z, b, alpha, A, eps, u0):
    n, k = b.shape[0], eps.shape[-1]
    fused = jnp.concatenate([W * alpha[None], W_q], axis=1)
    fused = jnp.pad(fused, [(0, 0), (0, -fused.shape[1] % _LANES)])
    inward, drift, keep = W_z * alpha[None], (b * alpha)[None], (1 - alpha)[None]

    def step(carry, x):
        u, d = carry
        A, eps = x
        y = d @ fused
        q = y[:, n : n + 2 * k] + A
        z = jnp.tanh(q[:, :k]) + jnp.exp(q[:, k:]) * eps
        u = keep * u + (y[:, :n] + drift) + z @ inward
        d = jnp.tanh(u)
        return (u, d), (d, q)

    return lax.scan(step, (u0, jnp.tanh(u0)), (A, eps))[1]


def _forward(*primals):
    d, q = _scan(*primals)
    return (d, q), _Saved(*primals, d, q)


def _backward(saved: _Saved, bars):
    d_bar, q_bar = bars
    n, k = saved.b.shape[0], saved.eps.shape[-1]
    alpha, keep = saved.alpha, (1 - saved.alpha)[None]
    back = jnp.concatenate([saved.W * alpha[None], saved.W_q], axis=1).T
    outward = (saved.W_z * alpha[None]).T
    mean = jnp.tanh(saved.q[..., :k])
    sigma = jnp.exp(saved.q[..., k:])
    slopes = jnp.concatenate([1 - jnp.square(mean), sigma * saved.eps], axis=-1)

    def step(carry, x):
        u_bar, y_bar = carry  # of the state, and of the projection made from it
        d, slope, d_bar, q_bar = x
        u_bar = keep * u_bar + (d_bar + y_bar @ back) * (1 - jnp.square(d))
        z_bar = u_bar @ outward
        y_bar = jnp.concatenate([u_bar, jnp.tile(z_bar, 2) * slope + q_bar], axis=1)
        return (u_bar, y_bar), y_bar

    blank = jnp.zeros_like(saved.u0)
    start = (blank, jnp.concatenate([blank, jnp.zeros_like(saved.A[0])], axis=1))
    (u_bar, y_bar), y_bars = lax.scan(step, start, (saved.d, slopes, d_bar, q_bar), reverse=True)
    d0 = jnp.tanh(saved.u0)
    before = jnp.concatenate([d0[None], saved.d[:-1]])
    z = mean + slopes[..., k:]
    weights = _product(before, y_bars)
    into, onto_q = y_bars[..., :n], y_bars[..., n:]
    # What follows is made only where it is asked for: the compiler drops the rest.
    alpha_bar = _alpha_bar(saved, before, z, into)
    return (
        weights[:, :n] * alpha[None],
        weights[:, n:],
        _product(z, into) * alpha[None],
        jnp.sum(into, axis=(0, 1)) * alpha,
        alpha_bar,
        onto_q,
        (into @ outward) * sigma,
        keep * u_bar + (y_bar @ back) * (1 - jnp.square(d0)),
    )


def _alpha_bar(saved: _Saved, before: Array, z: Array, u_bar: Array) -> Array:
    total = before @ saved.W + z @ saved.W_z + saved.b[None, None]
    alpha = saved.alpha[None]

    def step(u, total):
        return u + alpha * (total - u), u

    _, u = lax.scan(step, saved.u0, total)
    return jnp.sum(u_bar * (total - u), axis=(0, 1))


def _product(x: Float[Array, "time batch pre"], y: Float[Array, "time batch post"]) -> Array:
    return jnp.einsum("tbi,tbj->ij", x, y)


_scan.__wrapped__.defvjp(_forward, _backward)  # type: ignore[attr-defined]


def _check(arrays: dict[str, Array]) -> None:
    dtypes = {name: a.dtype for name, a in arrays.items()}
    if len(set(dtypes.values())) > 1 or dtypes["W"] not in (jnp.float32, jnp.float64):
        listed = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        raise TypeError(
            f"The arrays must all be float32 or all float64, got {listed}. Convert with .astype."
        )
    sizes: dict[str, int] = {"latent": arrays["eps"].shape[-1]}
    sizes["raw"] = 2 * sizes["latent"]
    for name, array in arrays.items():
        dims = _DIMS[name]
        fits = array.ndim == len(dims) and all(
            sizes.setdefault(dim, size) == size for dim, size in zip(dims, array.shape, strict=True)
        )
        if not fits:
            expected = ", ".join(f"{dim} {sizes.get(dim, '')}".strip() for dim in dims)
            raise ValueError(f"{name} must be ({expected}), got shape {array.shape}.")
    if 0 in sizes.values():
        raise ValueError(f"Every dimension must be at least 1, got {sizes}.")
