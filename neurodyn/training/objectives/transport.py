"""Optimal transport between two batches: the Sinkhorn divergence, with its gradient."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import logsumexp
from jaxtyping import Array, Float

from neurodyn.common.checks import number, whole


def sinkhorn_divergence(
    x: Float[Array, "sample feature"],
    y: Float[Array, "other feature"],
    *,
    blur: Any = 0.2,
    iterations: int = 20,
) -> Float[Array, ""]:
    r"""How far apart the distributions are that two batches were drawn from.

    The cost of moving one sample to another is half their squared distance. With
    :math:`\epsilon = \mathrm{blur}^2`,

    .. math:: S(x, y) = \mathrm{OT}_\epsilon(x, y)
        - \tfrac12 \mathrm{OT}_\epsilon(x, x) - \tfrac12 \mathrm{OT}_\epsilon(y, y)

    is 0 for equal batches and positive for others. Between the lines are the cost of the best
    assignment (small `blur`) and half the squared distance of the means (large `blur`).

    Parameters
    ----------
    x, y
        Batches; all samples of a batch have the same weight. Sequences are flattened into features.
    blur
        Distance below which samples are not told apart, in units of the features; default 0.2
        (Torre et al. 2025), well below the distance 1.4 between two symbols in one-hot code.
    iterations
        Updates of the potentials. In the first half, the blur falls from the size of the data to
        `blur`, because few updates then suffice. With 20, the value for 256 one-hot sequences of 30
        symbols is 8 % too small for two batches of one source and 0.2 % for two sources; 100 bring
        it to within 1 %, and small values of `blur` take more.

    Returns
    -------
    Scalar in units of the squared features. It can be differentiated by `x` and `y`, to first
    order: the gradient is that of the cost at the last transport plan, which is exact at
    convergence, and no gradient passes through the updates.

    Raises
    ------
    ValueError
        If the batches are no matrices of equally many features, or numbers are out of range.

    References
    ----------
    Feydy, Séjourné, Vialard, Amari, Trouvé & Peyré, "Interpolating between optimal transport and
    MMD using Sinkhorn divergences", AISTATS 2019.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> x = jnp.array([[0.0], [1.0]])
    >>> round(float(sinkhorn_divergence(x, x + 3.0)), 3)  # moved by 3: 3 ** 2 / 2
    4.5
    """
    x, y = jnp.asarray(x), jnp.asarray(y)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(
            "`x` and `y` must be (sample, feature) with equally many features, got shapes "
            f"{x.shape} and {y.shape}; flatten sequences, x.reshape(len(x), -1)."
        )
    if not x.size or not y.size:
        raise ValueError(f"`x` and `y` must hold samples, got shapes {x.shape} and {y.shape}.")
    kind = jnp.result_type(x, y, float)
    epsilon = jnp.square(number("blur", blur, above=0)).astype(kind)
    whole("iterations", iterations, least=2)
    return _divergence(x.astype(kind), y.astype(kind), epsilon, iterations)


@functools.partial(jax.jit, static_argnames="iterations")
def _divergence(x: Array, y: Array, epsilon: Float[Array, ""], iterations: int) -> Array:
    still_x, still_y = jax.lax.stop_gradient((x, y))
    across = _costs(still_x, still_y)
    within_x, within_y = _costs(still_x, still_x), _costs(still_y, still_y)
    start = jnp.maximum(jnp.max(across), epsilon)
    half = iterations // 2
    fall = jnp.linspace(0, 1, half, dtype=start.dtype)
    falling = start * jnp.exp(fall * jnp.log(epsilon / start))
    schedule = jnp.concatenate([falling, jnp.full(iterations - half, epsilon)])

    def update(potentials, eps):
        f, g, p, q = potentials
        # The two sides of the plan in turn; potentials within a batch are their own partners.
        f = _softmin(across, g, eps)
        g = _softmin(across.T, f, eps)
        p = (p + _softmin(within_x, p, eps)) / 2
        q = (q + _softmin(within_y, q, eps)) / 2
        return (f, g, p, q), None

    zeros = [jnp.zeros(len(a), start.dtype) for a in (x, y, x, y)]
    (f, g, p, q), _ = jax.lax.scan(update, tuple(zeros), schedule)
    f, g, p, q = jax.lax.stop_gradient((f, g, p, q))
    # One more update, whose gradient moves each sample along its row of the plan.
    of_x = _softmin(_costs(x, still_y), g, epsilon) - _softmin(_costs(x, still_x), p, epsilon)
    of_y = _softmin(_costs(y, still_x), f, epsilon) - _softmin(_costs(y, still_y), q, epsilon)
    return jnp.mean(of_x) + jnp.mean(of_y)


def _costs(x: Float[Array, "n d"], y: Float[Array, "m d"]) -> Float[Array, "n m"]:
    """Half squared distances."""
    sizes = jnp.sum(x * x, axis=1)[:, None] + jnp.sum(y * y, axis=1)[None, :]
    return sizes / 2 - x @ y.T


def _softmin(
    costs: Float[Array, "n m"], potential: Float[Array, " m"], eps: Float[Array, ""]
) -> Float[Array, " n"]:
    """Smallest cost less potential of each row, softened by `eps`."""
    count = jnp.log(jnp.asarray(costs.shape[1], costs.dtype))
    return eps * count - eps * logsumexp((potential[None, :] - costs) / eps, axis=1)
