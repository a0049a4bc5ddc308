"""The backward pass of `ctrnn_scan` in plain JAX."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from neurodyn.kernels.rate.activations import ACTIVATIONS, Activation
from neurodyn.kernels.rate.rows import put, row

# Rows (steps times batch) that are gathered before they enter the weight gradient as one product:
# enough to amortise reading and writing the weight-sized sum, few enough to stay in the cache.
_ROWS = 512


class Saved(NamedTuple):
    """The arrays that the forward pass saves for the backward pass.

    The marks ``want_...`` tell which cotangents are asked for: None is no, () is yes.
    """

    W: Float[Array, "unit unit"]
    U: Float[Array, "input unit"]
    b: Float[Array, " unit"]
    alpha: Float[Array, " unit"]
    x: Float[Array, "time batch input"]
    h0: Float[Array, "batch unit"]
    noise: Float[Array, "time batch unit"] | None
    length: Int[Array, ""] | None
    h: Float[Array, "time batch unit"]
    gate: Bool[Array, "time batch unit"] | None
    want_x: tuple[()] | None
    want_h0: tuple[()] | None
    want_noise: tuple[()] | None


def kept_states(form: str, activation: str, *, last: bool) -> str:
    """The arrays that the forward pass keeps: "states" or "run", and perhaps " and gates".

    "run" leaves the states after the last step undefined, because the backward pass does not read
    them. Gates tell which side of its kink the activation was on.
    """
    kinked = form == "rate" and ACTIVATIONS[activation].below is not None
    return ("run" if last else "states") + (" and gates" if kinked else "")


def adjoint(form: str, act: Activation, inside: bool, recover: bool, saved: Saved, h_bar) -> tuple:
    """Cotangents of W, U, b, alpha, x, h0 and noise from the cotangent of the states.

    In every form, ``dW = (sum_t source_t' p_t) * alpha`` for some rows ``source_t`` and ``p_t``;
    for U and b the sources are ``x_t`` and 1.

    Parameters
    ----------
    form : {"rate", "current", "update"}
        As for `ctrnn_scan`.
    act : Activation
        The activation.
    inside : bool
        Whether the noise stands inside the activation (rate form only).
    recover : bool
        Whether the activations of the rate form are recovered from successive states or computed
        again. The other forms do not read it.
    saved : Saved
        Arrays from the forward pass.
    h_bar : (time, batch, unit) or (batch, unit)
        Cotangent of all states, or of the last state alone.
    """
    W, U, b, alpha = saved[:4]
    visit, pull = _step_rules(form, act, inside, recover, saved)
    found = _sweep(form, inside, visit, pull, saved, h_bar)
    h0_bar, weight_sum, alpha_sum, x_bar, noise_bar = found
    if form == "rate":
        alpha_bar = alpha_sum / alpha if recover else alpha_sum
    else:
        # The drive is linear in W, U and b, so the sum for the weights contains its product with p.
        # Where the state is the source, the diagonal of the sum is its product with p.
        weights = jnp.concatenate([W, U, b[None, :]])
        leak = jnp.diagonal(weight_sum) if form == "update" else alpha_sum
        alpha_bar = (weights * weight_sum).sum(0) - leak
    n_units, n_inputs = W.shape[0], U.shape[0]
    W_bar, U_bar, b_bar = jnp.split(weight_sum * alpha[None, :], [n_units, n_units + n_inputs])
    return W_bar, U_bar, b_bar[0], alpha_bar, x_bar, h0_bar, noise_bar


def _step_rules(form, act, inside, recover, saved):
    """Derivative of one step: a function for each side of the product with the weights."""
    a = saved.alpha[None, :]
    W_back = (leak_into(saved.W, saved.alpha) if form == "update" else saved.W * a).T

    def visit(t, h_prev, l):
        """Source and p of step t, and its part of alpha's gradient; l is state t's cotangent."""
        if form == "current":
            return act.value(h_prev), l, l * h_prev
        if form == "update":
            return h_prev, l * act.slope(noiseless(t)), None
        if not recover:
            u = row(saved.x, t) @ saved.U + saved.b[None, :]
            r = act.value(h_prev @ saved.W + (u + row(saved.noise, t) if inside else u))
            return h_prev, l * act.slope(r), l * (r - h_prev)
        change = noiseless(t) - h_prev
        if saved.gate is None:
            slope = act.slope(h_prev + change / a)
        else:
            below = jnp.full_like(l, act.below)
            slope = jnp.where(row(saved.gate, t), jnp.ones_like(l), below)
        return h_prev, l * slope, l * change

    def noiseless(t):
        h = row(saved.h, t)
        return h if saved.noise is None or inside else h - row(saved.noise, t)

    def pull(source, p, l):
        """Cotangent of the state before the step."""
        through = p @ W_back
        if form == "update":
            return through
        return (1 - a) * l + (act.slope(source) * through if form == "current" else through)

    return visit, pull


def _sweep(form, inside, visit, pull, saved, h_bar):
    """Visit the steps from last to first, and form one product for the weights per block of steps.

    Step 0 reads h0 and comes last, outside the blocks. The block that is visited first may be
    partial; the rows that it leaves at zero add nothing.
    """
    h, x, h0 = saved.h, saved.x, saved.h0
    n_steps, n_batch, n_units = h.shape
    n_inputs = x.shape[2]
    n_sources = n_units + n_inputs + 1
    want_x, want_noise = saved.want_x is not None, saved.want_noise is not None
    n = n_steps if saved.length is None else saved.length
    U_back = (saved.U * saved.alpha[None, :]).T
    block = max(1, min(n_steps - 1, _ROWS // n_batch))
    n_blocks = (n + block - 2) // block
    n_padded = -(-(n_steps - 1) // block) * block + 1

    def into_noise(p, l):
        return p * saved.alpha[None, :] if inside else l

    def step(t, place, carry):
        l, alpha_sum, noise_bar, left, right = carry
        source, p, summand = visit(t, row(h, t - 1), l)
        noise_bar = put(noise_bar, into_noise(p, l), t) if want_noise else None
        left = lax.dynamic_update_slice(left, source, (place, 0))
        left = lax.dynamic_update_slice(left, row(x, t), (place, n_units))
        right = lax.dynamic_update_slice(right, p, (place, 0))
        l = pull(source, p, l)
        l = l if h_bar.ndim == 2 else l + row(h_bar, t - 1)
        alpha_sum = None if summand is None else alpha_sum + summand
        return l, alpha_sum, noise_bar, left, right

    def visit_block(i, carry):
        weight_sum, x_bar, inner = carry
        start = (n_blocks - 1 - i) * block + 1
        last = jnp.minimum(block, n - start) - 1
        inner = lax.fori_loop(
            0, last + 1, lambda j, c: step(start + last - j, (last - j) * n_batch, c), inner
        )
        left, right = inner[-2:]
        if want_x:
            rows = (right @ U_back).reshape(block, n_batch, n_inputs)
            x_bar = lax.dynamic_update_slice_in_dim(x_bar, rows, start, 0)
        return weight_sum + over_rows(left, right), x_bar, inner

    ends = h_bar if h_bar.ndim == 2 else row(h_bar, jnp.maximum(n - 1, 0))
    inner = (
        jnp.where(n > 0, ends, jnp.zeros_like(ends)),
        None if form == "update" else jnp.zeros_like(h0),
        jnp.zeros_like(h) if want_noise else None,
        jnp.zeros((block * n_batch, n_sources), h.dtype).at[:, -1].set(1),
        jnp.zeros((block * n_batch, n_units), h.dtype),
    )
    weight_sum = jnp.zeros((n_sources, n_units), h.dtype)
    x_bar = jnp.zeros((n_padded, n_batch, n_inputs), h.dtype) if want_x else None
    weight_sum, x_bar, inner = lax.fori_loop(0, n_blocks, visit_block, (weight_sum, x_bar, inner))

    l, alpha_sum, noise_bar, _, _ = inner
    source, p, summand = visit(0, h0, l)
    sources = jnp.concatenate([source, x[0], jnp.ones((n_batch, 1), h.dtype)], axis=1)
    h0_bar = None if saved.want_h0 is None else pull(source, p, l)
    if h_bar.ndim == 2 and h0_bar is not None:  # without a step, the last state is h0
        h0_bar = jnp.where(n > 0, h0_bar, ends)
    return (
        h0_bar,
        weight_sum + over_rows(sources, p),
        None if summand is None else (alpha_sum + summand).sum(0),
        put(x_bar, p @ U_back, 0)[:n_steps] if want_x else None,
        put(noise_bar, into_noise(p, l), 0) if want_noise else None,
    )


def leak_into(W: Float[Array, "unit unit"], alpha: Float[Array, " unit"]):
    """The linear map of the update form: weights times alpha, with the leak on the diagonal."""
    return W * alpha[None, :] + jnp.diag(1 - alpha)


def over_rows(left: Array, right: Array) -> Array:
    """``left.T @ right`` without transposing."""
    return lax.dot_general(left, right, (((0,), (0,)), ((), ())))
