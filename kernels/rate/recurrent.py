"""A scan over any recurrence, which keeps the carries and recomputes the rest."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import PyTree

from neurodyn.kernels.rate.arguments import step_bound
from neurodyn.kernels.rate.rows import put, row


def recurrent_scan(
    step: Callable,
    params: PyTree,
    carry: PyTree,
    xs: PyTree,
    *,
    length=None,
    checkpoint: bool = True,
    unroll: int = 1,
) -> tuple[PyTree, PyTree]:
    """Scan ``step(params, carry, x) -> (carry, y)`` over time; the backward pass repeats steps.

    Parameters
    ----------
    step : callable
        One step of the recurrence. It must return a carry of the same structure, shapes and dtypes.
    params : pytree of arrays
        Parameters that all steps share.
    carry : pytree of arrays
        State before the first step.
    xs : pytree of arrays (time, ...)
        Inputs, one slice per step; at least one array.
    length : int or integer scalar array, optional
        Number of steps to run. It may be traced, so that one compilation serves every length; a
        traced value is limited to 0..time. Both passes loop over ``length`` steps only. Default:
        all steps.
    checkpoint : bool
        If True (default), keep only the carries for the backward pass and compute the inside of
        each step again. If False, keep all intermediate values that the derivative needs. A run
        with ``length`` always recomputes.
    unroll : int
        Steps per loop iteration, without ``length`` only. Default 1, because more rarely pays.

    Returns
    -------
    carry : pytree of arrays
        State after the last step that ran.
    ys : pytree of arrays (time, ...)
        Stacked outputs. Rows from ``length`` on are zero.

    Raises
    ------
    ValueError
        If ``xs`` has no arrays or its arrays have no common length, if a known ``length`` is out of
        range, or if ``unroll`` is given with ``length``.
    TypeError
        If ``length`` is not an integer, or the step changes the structure, a shape or a dtype of
        the carry.

    Notes
    -----
    Leaves that are not floating point (integers, bools, PRNG keys) pass through and get no
    gradient. Without ``length``, all JAX transformations apply. With it, the scan is differentiable
    once, in reverse mode.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from neurodyn.kernels import recurrent_scan
    >>> def step(decay, h, x):
    ...     h = decay * h + x
    ...     return h, h
    >>> h, hs = recurrent_scan(step, jnp.array(0.5), jnp.array(0.0), jnp.ones(4), length=3)
    >>> print(h, hs)
    1.75 [1.   1.5  1.75 0.  ]
    """
    params, carry, xs = jax.tree.map(_strong, (params, carry, xs))
    n_steps = _common_length(xs)
    step = _checked(step)
    if length is None:
        body = jax.checkpoint(step, prevent_cse=False) if checkpoint else step
        return lax.scan(lambda c, x: body(params, c, x), carry, xs, unroll=unroll)
    if unroll != 1:
        raise ValueError(f"unroll needs a fixed number of steps: drop length or unroll={unroll}.")
    # Arrays that the step closes over may be differentiated too, so they become parameters.
    step, closed_over = jax.closure_convert(step, params, carry, row(xs, 0))
    inputs = ((params, closed_over), carry, xs)
    return _bounded_scan(step, _floats(inputs), _others(inputs), step_bound(length, n_steps))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _bounded_scan(step, floats, others, length):
    carry, ys, _ = _run(step, False, floats, others, length)
    return carry, ys


def _bounded_fwd(step, floats, others, length):
    carry, ys, carries = _run(step, True, floats, others, length)
    return (carry, ys), (floats, others, length, carries)


def _run(step, keep_carries, floats, others, length):
    """The final carry, the outputs, and with `keep_carries` the carry before each step."""
    (params, closed_over), carry, xs = _merge(floats, others)
    n_steps = _common_length(xs)

    def body(t, state):
        carry, ys, carries = state
        carries = put(carries, carry, t) if keep_carries else None
        carry, y = step(params, carry, row(xs, t), *closed_over)
        return carry, put(ys, y, t), carries

    _, y = jax.eval_shape(step, params, carry, row(xs, 0), *closed_over)
    carries = _stacked_zeros(carry, n_steps) if keep_carries else None
    return lax.fori_loop(0, length, body, (carry, _stacked_zeros(y, n_steps), carries))


def _bounded_bwd(step, residuals, cotangents):
    (params, _, xs), others, length, carries = residuals
    carry_bar, ys_bar = _floats(cotangents)
    (other_params, other_closed_over), _, other_xs = others

    def body(i, bars):
        params_bar, carry_bar, xs_bar = bars
        t = length - 1 - i
        carry = row(carries, t)
        other_x = row(other_xs, t)

        def differentiable(params_and_closed_over, carry_floats, x_floats):
            params, closed_over = _merge(params_and_closed_over, (other_params, other_closed_over))
            x = _merge(x_floats, other_x)
            return _floats(step(params, _merge(carry_floats, _others(carry)), x, *closed_over))

        _, pull = jax.vjp(differentiable, params, _floats(carry), row(xs, t))
        step_bar, carry_bar, x_bar = pull((carry_bar, row(ys_bar, t)))
        params_bar = jax.tree.map(jnp.add, params_bar, step_bar)
        return params_bar, carry_bar, put(xs_bar, x_bar, t)

    zeros = jax.tree.map(jnp.zeros_like, (params, xs))
    return lax.fori_loop(0, length, body, (zeros[0], carry_bar, zeros[1])), None, None


_bounded_scan.defvjp(_bounded_fwd, _bounded_bwd)


def _is_float(leaf) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def _floats(tree):
    """The tree with None in place of leaves that have no gradient."""
    return jax.tree.map(lambda leaf: leaf if _is_float(leaf) else None, tree)


def _others(tree):
    return jax.tree.map(lambda leaf: None if _is_float(leaf) else leaf, tree)


def _merge(floats, others):
    return jax.tree.map(
        lambda f, o: o if f is None else f, floats, others, is_leaf=lambda leaf: leaf is None
    )


def _strong(leaf):
    """The leaf as an array with a strong dtype (of fixed precision in JAX's promotion rules)."""
    leaf = jnp.asarray(leaf)
    weak = getattr(leaf, "weak_type", False)  # PRNG keys have none
    return lax.convert_element_type(leaf, leaf.dtype) if weak else leaf


def _stacked_zeros(tree, n_steps: int):
    return jax.tree.map(lambda leaf: jnp.zeros((n_steps, *leaf.shape), leaf.dtype), tree)


def _common_length(xs) -> int:
    shapes = [leaf.shape for leaf in jax.tree.leaves(xs)]
    if not shapes:
        raise ValueError("xs has no arrays to scan over; without inputs pass jnp.arange(n_steps).")
    lengths = {shape[0] if shape else None for shape in shapes}
    if len(lengths) > 1 or lengths & {None, 0}:
        raise ValueError(
            f"The arrays of xs must share one leading time axis of at least 1, got shapes {shapes}."
        )
    return lengths.pop()


def _checked(step):
    """The step, refused where it changes the carry. It is traced no more often for that."""

    def checked(params, carry, x):
        new_carry, y = step(params, carry, x)
        before, after = _described(carry), _described(new_carry)
        if before != after:
            raise TypeError(
                "step must return a carry of the same structure, shapes and dtypes as it was "
                f"given.\ngiven:    {before}\nreturned: {after}"
            )
        return new_carry, y

    return checked


def _described(tree):
    types = jax.tree.map(jax.typeof, tree)
    return jax.tree.map(lambda leaf: f"{leaf.dtype}{list(leaf.shape)}", types)
