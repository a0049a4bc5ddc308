"""The leaky recurrence of rate networks, with a lean reverse-mode derivative."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from neurodyn.kernels import backends
from neurodyn.kernels.rate.activations import ACTIVATIONS
from neurodyn.kernels.rate.adjoint import Saved, adjoint, kept_states, leak_into
from neurodyn.kernels.rate.arguments import check_ctrnn, step_bound
from neurodyn.kernels.rate.rows import put, row

# Recovering the activation from two states loses log2(1 / alpha) bits; at most seven are accepted.
_SMALLEST_RECOVERABLE_ALPHA = 1 / 128
# Below these sizes a compiled pass gains less than the half second of its compilation.
_LEAST_BATCH, _LEAST_UNITS = 4, 16


def ctrnn_scan(
    W,
    U,
    b,
    alpha,
    x,
    h0,
    *,
    form: str = "rate",
    activation: str = "tanh",
    noise=None,
    noise_at: str = "state",
    length=None,
    last: bool = False,
    backend: str = "auto",
) -> Float[Array, "time batch unit"] | Float[Array, "batch unit"]:
    """Run a leaky recurrent network over a batch of inputs.

    With ``act`` the activation, each step maps the state ``h`` and the input ``x_t`` to

    - ``form="rate"``: ``(1 - alpha) h + alpha act(h W + x_t U + b)``,
    - ``form="current"``: ``(1 - alpha) h + alpha (act(h) W + x_t U + b)``,
    - ``form="update"``: ``act((1 - alpha) h + alpha (h W + x_t U + b))``,

    and then adds ``noise[t]`` if there is noise (also in the update form, after the activation).
    With ``noise_at="drive"`` the rate form adds it to the argument of the activation instead.

    Parameters
    ----------
    W : (unit, unit)
        Recurrent weights, used as ``h @ W``: ``W[i, j]`` goes from unit i to unit j.
    U : (input, unit)
        Input weights. ``input`` may be 0.
    b : (unit,)
        Bias.
    alpha : (unit,)
        Step size over time constant, ``dt / tau``. Not checked against (0, 1]: it may be traced.
    x : (time, batch, input)
        Inputs.
    h0 : (batch, unit)
        State before the first input.
    form : {"rate", "current", "update"}
        Position of the nonlinearity. Default "rate", because most trained networks use it.
    activation : {"tanh", "sigmoid", "softplus", "relu", "leaky_relu", "identity", "linear"}
        Nonlinearity. Default "tanh". ``leaky_relu`` has slope 0.01 below zero.
    noise : (time, batch, unit), optional
        Added as it is: the caller scales it with the time step.
    noise_at : {"state", "drive"}
        Where noise is added: to the state after each update (default), or, in the rate form, to
        the summed input inside the activation. The other forms refuse "drive", because there it is
        noise of the state times alpha.
    length : int or integer scalar array, optional
        Number of steps to run, shared by the batch. It may be traced, so that one compilation
        serves every length; a traced value is limited to 0..time. Both passes loop over ``length``
        steps only. Default: all steps.
    last : bool
        Return only the state after the last step. The backward pass then gets the cotangent of one
        state instead of all, and a run that is not differentiated keeps no states. Default False.
    backend : {"auto", "xla", "compiled"}
        Implementation. "compiled" needs the extra `fast` and an x86 processor with AVX2 or AVX-512,
        and runs on all cores; other devices run plain JAX. "auto" (default) takes it where it can
        be used, from 4 trials and 16 units on, unless the environment variable
        ``NEURODYN_KERNELS`` is "xla".

    Returns
    -------
    h : (time, batch, unit)
        ``h[k]`` is the state after input k. Rows from ``length`` on are zero. With ``last``, the
        state ``(batch, unit)`` after the last step (``h0`` if ``length`` is 0).

    Raises
    ------
    ValueError
        If a shape, ``form``, ``activation``, ``backend`` or a known ``length`` is not allowed.
    TypeError
        If the arrays are not all float32 or all float64, or ``length`` is not an integer.
    ModuleNotFoundError
        If ``backend="compiled"`` and the compiled function cannot be used; the message says why.

    Notes
    -----
    Differentiable once in reverse mode, with respect to every array including ``alpha``, ``h0`` and
    ``noise``; use `recurrent_scan` for forward mode. The forward pass keeps only the states (and,
    for kinked activations in the rate form, one bool per state). The backward pass of the rate form
    recovers the activation from two successive states. If any ``alpha`` is below 1/128, recovery
    would lose more than seven bits, and plain JAX computes the activation again, whichever backend
    is chosen.

    Backends agree to rounding. Each gives the same bits for the same arguments; the compiled one
    does so on any number of threads.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from neurodyn.kernels import ctrnn_scan
    >>> W, U, b = jnp.zeros((2, 2)), jnp.ones((1, 2)), jnp.zeros(2)
    >>> x, h0 = jnp.ones((3, 1, 1)), jnp.zeros((1, 2))
    >>> h = ctrnn_scan(W, U, b, jnp.array([0.5, 1.0]), x, h0, activation="linear")
    >>> print(h[:, 0])
    [[0.5   1.   ]
     [0.75  1.   ]
     [0.875 1.   ]]
    """
    arrays = check_ctrnn(W, U, b, alpha, x, h0, noise, form, activation, noise_at)
    n_batch, n_units = arrays[5].shape
    backend = backends.choose(
        backend,
        partial(missing, "forward", form, activation, arrays[0].dtype),
        fits=n_batch >= _LEAST_BATCH and n_units >= _LEAST_UNITS,
    )
    length = step_bound(length, arrays[4].shape[0])
    inside = noise is not None and noise_at == "drive"
    return _scan(form, activation, inside, last, backend, *arrays, length)


# Jitted, so that calls outside any jit do not compile the loop again each time.
@partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2, 3, 4))
def _scan(form, activation, inside, last, backend, W, U, b, alpha, x, h0, noise, length):
    keep = "nothing" if last else "states"
    arrays = (W, U, b, alpha, x, h0, noise, length)
    end, states, _ = _forward(form, activation, inside, keep, backend, *arrays)
    return end if last else states


def _scan_fwd(form, activation, inside, last, backend, *primals):
    arrays = jax.tree.map(lambda primal: primal.value, primals)
    keep = kept_states(form, activation, last=last)
    end, h, gate = _forward(form, activation, inside, keep, backend, *arrays)
    # Mark the cotangents that are asked for: the compiler would not remove the loops and products
    # that compute the others.
    saved = Saved(*arrays, h, gate, *(_mark(primals[i]) for i in (4, 5, 6)))
    return end if last else h, saved


def missing(which: str, form: str, activation: str, dtype) -> str | None:
    """The reason why the compiled forward or backward pass cannot be used, or None."""
    reason = backends.obstacle()
    if reason is not None:
        return reason
    if which == "forward":
        plain = partial(
            _plain_forward, form, activation, False, kept_states(form, activation, last=False)
        )
    else:
        plain = partial(adjoint, form, ACTIVATIONS[activation], False, True)
    dtype = jnp.dtype(dtype).name
    return backends.compiled("ctrnn").obstacle(which, form, activation, dtype, plain)


def _mark(primal):
    """A mark without arrays that tells if a derivative is asked for: None is no, () is yes."""
    return () if primal is not None and primal.perturbed else None


def _scan_bwd(form, activation, inside, last, backend, saved, h_bar):
    del last  # the dims of the cotangent tell
    if isinstance(h_bar, SymbolicZero):
        h_bar = jnp.zeros(h_bar.aval.shape, h_bar.aval.dtype)

    def backward(recover, saved, h_bar):
        plain = partial(adjoint, form, ACTIVATIONS[activation], inside, recover)
        if not recover or backend == "xla":
            return plain(saved, h_bar)
        reason = missing("backward", form, activation, h_bar.dtype)
        if reason is not None:  # both backends read what the forward pass has kept
            backends.warn_once(reason)
            return plain(saved, h_bar)
        compiled = partial(backends.compiled("ctrnn").adjoint, form, activation, inside)
        return lax.platform_dependent(saved, h_bar, cpu=compiled, default=plain)

    if form != "rate":
        return *backward(True, saved, h_bar), None
    recoverable = _all_at_least(_SMALLEST_RECOVERABLE_ALPHA, saved.alpha)
    bars = lax.cond(recoverable, partial(backward, True), partial(backward, False), saved, h_bar)
    return *bars, None


_scan.__wrapped__.defvjp(  # type: ignore[attr-defined]
    _scan_fwd, _scan_bwd, symbolic_zeros=True
)


def _all_at_least(bound: float, values):
    """Whether all values reach the bound, in all members of a mapped axis.

    One answer for all members keeps the `cond` a branch: with an answer for each, `vmap` would turn
    it into a select, which runs both branches.
    """

    @jax.custom_batching.custom_vmap
    def holds(values):
        return jnp.all(values >= bound)

    @holds.def_vmap
    def _(axis_size, in_batched, values):
        del axis_size, in_batched
        return holds(values), False

    return holds(values)


def _forward(form, activation, inside, keep, backend, *arrays):
    """The last state, and the states and gates that are kept (see `kept_states`), or None."""
    plain = partial(_plain_forward, form, activation, inside, keep)
    if backend == "xla":
        return plain(*arrays)
    compiled = partial(backends.compiled("ctrnn").forward, form, activation, inside, keep)
    return lax.platform_dependent(*arrays, cpu=compiled, default=plain)


def _plain_forward(form, activation, inside, keep, W, U, b, alpha, x, h0, noise, length):
    act = ACTIVATIONS[activation]
    a, b = alpha[None, :], b[None, :]
    n_steps = x.shape[0]
    if form == "update":  # everything before the activation is one linear map
        W, U, b = leak_into(W, alpha), U * a, b * a

    def step(t, carry):
        h, states, gate = carry
        u = row(x, t) @ U + b
        if inside:
            u = u + row(noise, t)
        if form == "rate":
            r = act.value(h @ W + u)
            h = (1 - a) * h + a * r
            gate = gate if gate is None else put(gate, act.slope(r) == 1, t)
        elif form == "current":
            h = (1 - a) * h + a * (act.value(h) @ W + u)
        else:
            h = act.value(h @ W + u)
        if noise is not None and not inside:
            h = h + row(noise, t)
        return h, states if states is None else put(states, h, t), gate

    shape = (n_steps, *h0.shape)
    states = None if keep == "nothing" else jnp.zeros(shape, h0.dtype)
    gate = jnp.zeros(shape, bool) if "gates" in keep else None
    return lax.fori_loop(0, n_steps if length is None else length, step, (h0, states, gate))
