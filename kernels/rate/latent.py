"""The leaky recurrence of variational networks, with a lean reverse-mode derivative."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from neurodyn.kernels.backends import check_dtypes
from neurodyn.kernels.partition import over_batch

#: Up to this many latents are multiplied term by term, because XLA fuses that with the next step.
_FEW = 8

_DIMS = {
    "W": ("unit", "unit"),
    "W_law": ("unit", "laws"),
    "W_z": ("latent", "unit"),
    "b": ("unit",),
    "b_law": ("laws",),
    "alpha": ("unit",),
    "A": ("time", "batch", "law"),
    "eps": ("time", "batch", "latent"),
    "u0": ("batch", "unit"),
}


def latent_scan(
    W, W_law, W_z, b, b_law, alpha, A, eps, u0
) -> tuple[
    Float[Array, "time batch unit"], Float[Array, "time batch law"], Float[Array, "time batch law"]
]:
    """Run a leaky network whose latents are normal variables with projected means and deviations.

    Each step maps the state ``u`` to

    - ``q, p = tanh(u) W_law + b_law``, after which ``A_t`` is added to ``q``,
    - ``z = tanh(q[:latent]) + exp(q[latent:]) eps_t``,
    - ``u' = (1 - alpha) u + alpha (tanh(u) W + z W_z + b)``.

    Parameters
    ----------
    W : (unit, unit)
        Recurrent weights, used as ``d @ W``.
    W_law : (unit, 4 latent)
        Projections to the distributions of the latents: means (before tanh) and log standard
        deviations of the posterior, then those of the prior.
    W_z : (latent, unit)
        Weights of the latents.
    b : (unit,)
        Bias of the units.
    b_law : (4 latent,)
        Bias of the projections.
    alpha : (unit,)
        Step size over time constant.
    A : (time, batch, 2 latent)
        Added to the posterior (adaptive vectors).
    eps : (time, batch, latent)
        Standard normal numbers, from which the latents are drawn.
    u0 : (batch, unit)
        State before the first step.

    Returns
    -------
    d : (time, batch, unit)
        ``tanh(u)`` after each step.
    q, p : (time, batch, 2 latent)
        Projections of each step for the posterior (``A`` included) and the prior.

    Raises
    ------
    ValueError
        If a shape does not fit the others.
    TypeError
        If the arrays are not all float32 or all float64.

    Notes
    -----
    Differentiable once in reverse mode, with respect to every array. Each step makes one product
    for all projections, and only the results are kept. The gradients of the weights are single
    products over all steps, after the reverse loop.
    """
    given = (W, W_law, W_z, b, b_law, alpha, A, eps, u0)
    arrays = {name: jnp.asarray(a) for name, a in zip(_DIMS, given, strict=True)}
    _check(arrays)
    axes = (None,) * 6 + (1, 1, 0)
    d, laws = over_batch(_scan, tuple(arrays.values()), axes, (1, 1), arrays["u0"].shape[0])
    return d, *jnp.split(laws, 2, axis=-1)


class _Saved(NamedTuple):
    W: Array
    W_law: Array
    W_z: Array
    b: Array
    b_law: Array
    alpha: Array
    A: Array
    eps: Array
    u0: Array
    d: Array
    laws: Array


# Jitted, so that calls outside any jit do not compile the loop again each time.
@jax.jit
@jax.custom_vjp
def _scan(W, W_law, W_z, b, b_law, alpha, A, eps, u0):
    n, k = b.shape[0], eps.shape[-1]
    fused = jnp.concatenate([W * alpha[None], W_law], axis=1)
    fused = _filled(fused)
    inward, drift, keep = W_z * alpha[None], (b * alpha)[None], (1 - alpha)[None]
    to_q, to_p = b_law[None, : 2 * k], b_law[None, 2 * k :]

    def step(carry, x):
        u, d = carry
        A, eps = x
        y = d @ fused
        q = y[:, n : n + 2 * k] + (A + to_q)
        z = jnp.tanh(q[:, :k]) + jnp.exp(q[:, k:]) * eps
        u = keep * u + (y[:, :n] + drift) + _thin(z, inward)
        d = jnp.tanh(u)
        return (u, d), (d, jnp.concatenate([q, y[:, n + 2 * k : n + 4 * k] + to_p], axis=1))

    return lax.scan(step, (u0, jnp.tanh(u0)), (A, eps))[1]


def _forward(*primals):
    d, laws = _scan(*primals)
    return (d, laws), _Saved(*primals, d, laws)


def _backward(saved: _Saved, bars):
    d_bar, laws_bar = bars
    n, k = saved.b.shape[0], saved.eps.shape[-1]
    alpha, keep = saved.alpha, (1 - saved.alpha)[None]
    back = _filled(jnp.concatenate([saved.W * alpha[None], saved.W_law], axis=1).T)
    outward = (saved.W_z * alpha[None]).T
    mean, sigma = jnp.tanh(saved.laws[..., :k]), jnp.exp(saved.laws[..., k : 2 * k])
    slopes = jnp.concatenate([1 - jnp.square(mean), sigma * saved.eps], axis=-1)

    def step(carry, x):
        u_bar, y_bar = carry  # cotangents of the state and of the projections made from it
        d, slope, d_bar, laws_bar = x
        u_bar = keep * u_bar + (d_bar + (y_bar @ back)[:, :n]) * (1 - jnp.square(d))
        z_bar = u_bar @ outward
        q_bar = jnp.tile(z_bar, 2) * slope + laws_bar[:, : 2 * k]
        y_bar = jnp.concatenate([u_bar, q_bar, laws_bar[:, 2 * k :]], axis=1)
        return (u_bar, y_bar), y_bar

    blank = jnp.zeros_like(saved.u0)
    start = (blank, jnp.concatenate([blank, jnp.zeros_like(saved.laws[0])], axis=1))
    inputs = (saved.d, slopes, d_bar, laws_bar)
    (u_bar, y_bar), y_bars = lax.scan(step, start, inputs, reverse=True)
    d0 = jnp.tanh(saved.u0)
    before = jnp.concatenate([d0[None], saved.d[:-1]])
    z = mean + slopes[..., k:]
    into = y_bars[..., :n]
    weights, biases = _product(before, y_bars), jnp.sum(y_bars, axis=(0, 1))
    # The compiler removes cotangents that are not used, the loop for alpha included.
    return (
        weights[:, :n] * alpha[None],
        weights[:, n:],
        _product(z, into) * alpha[None],
        biases[:n] * alpha,
        biases[n:],
        _alpha_bar(saved, before, z, into),
        y_bars[..., n : n + 2 * k],
        (into @ outward) * sigma,
        keep * u_bar + (y_bar @ back)[:, :n] * (1 - jnp.square(d0)),
    )


def _filled(W: Float[Array, "pre post"]) -> Float[Array, "pre filled"]:
    """Pad with zero columns to a multiple of 16, or of 64 if wide: these products are faster."""
    tile = 64 if W.shape[1] > 32 else 16
    return jnp.pad(W, [(0, 0), (0, -W.shape[1] % tile)])


def _thin(z: Float[Array, "batch latent"], W: Float[Array, "latent unit"]) -> Array:
    if W.shape[0] > _FEW:
        return z @ W
    first, *others = (z[:, i : i + 1] * W[i : i + 1] for i in range(W.shape[0]))
    return sum(others, first)


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
    check_dtypes(**arrays)
    sizes: dict[str, int] = {"latent": arrays["eps"].shape[-1]}
    sizes["law"], sizes["laws"] = 2 * sizes["latent"], 4 * sizes["latent"]
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
