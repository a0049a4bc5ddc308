"""How alike two lists of dissimilarities are: functions of arrays in JAX.

A comparison turns each list into a side once, and scores two sides. Conditions have weights: how
often a bootstrap drew them, 0 for those that a fold holds out. A pair of conditions then counts as
often as a list of the drawn conditions would hold it; pairs of two copies of one condition are left
out, because their dissimilarity is 0 without being measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.analysis.representations.squares import Pairs, place_of_pairs, upper

List = Float[Array, " pair"]
#: Entries of a list whose pairs are compared at once, which bounds memory.
_BLOCK = 64


class Weights(NamedTuple):
    """Weights of conditions and of their pairs.

    Attributes
    ----------
    condition
        How often each condition counts.
    pair
        How often each pair counts: the product, 0 for a pair without a value.
    variance
        Variance of the noise of each condition's pattern, up to a factor.
    """

    condition: Float[Array, " condition"]
    pair: Float[Array, " pair"]
    variance: Float[Array, " condition"]


class Comparison(NamedTuple):
    """A comparison of dissimilarities.

    Attributes
    ----------
    side
        ``(list, weights) -> side``.
    score
        ``(side, side, weights) -> score``.
    pool
        ``(list, weights) -> list`` on the scale on which a mean over subjects is taken.
    fit
        ``(list, weights) -> vector``, linear: model weights are fitted by least squares between
        these.
    title
        A few words.
    """

    side: Callable[[List, Weights], Array]
    score: Callable[[Array, Array, Weights], Array]
    pool: Callable[[List, Weights], List]
    fit: Callable[[List, Weights], Array]
    title: str


def weights_of(
    n: int,
    known: Any = None,
    *,
    condition: Array | None = None,
    variance: Any = None,
    dtype: Any = None,
) -> Weights:
    """Weights of `n` conditions: 1 where nothing else is said."""
    condition = jnp.ones(n, dtype) if condition is None else condition
    i, j = upper(n)
    pair = condition[i] * condition[j]
    pair = pair if known is None else pair * jnp.asarray(known, pair.dtype)
    noise = jnp.ones(n, pair.dtype) if variance is None else jnp.asarray(variance, pair.dtype)
    return Weights(condition, pair, noise)


def each(function: Callable[[List, Weights], Array], lists: Float[Array, "many pair"], w: Weights):
    """Apply a function of one list to many."""
    return jax.vmap(lambda one: function(one, w))(lists)


def mirrored(x: List, n: int) -> Float[Array, "condition condition"]:
    """Symmetric matrix of a list of pairs, with zeros on the diagonal."""
    return jnp.concatenate([x, jnp.zeros(1, x.dtype)])[place_of_pairs(n)]


def _ratio(x: Array, y: Array) -> Array:
    """``x / y``, 0 where y is 0."""
    return jnp.where(y > 0, x / jnp.where(y > 0, y, 1), 0)


def unit(x: Array) -> Array:
    """A vector of length 1; one of 0 stays."""
    x = _ratio(x, jax.lax.stop_gradient(jnp.abs(x).max()))
    squared = jnp.sum(x**2)
    return _ratio(x, jnp.sqrt(jnp.where(squared > 0, squared, 1)))


def _without_mean(x: List, w: Weights) -> List:
    return x - _ratio(jnp.sum(w.pair * x), jnp.sum(w.pair))


def _weighted(x: List, w: Weights) -> List:
    return jnp.sqrt(w.pair) * x


def _deviations(x: List, w: Weights) -> List:
    return _weighted(_without_mean(x, w), w)


def ranks(x: List, w: Weights) -> List:
    """Ranks, those of ties averaged, in a list that holds each pair as often as it counts."""
    x = jax.lax.stop_gradient(x)
    order = jnp.argsort(x)
    ordered = x[order]
    below = jnp.concatenate([jnp.zeros(1, x.dtype), jnp.cumsum(w.pair[order])])
    low = below[jnp.searchsorted(ordered, x, side="left")]
    high = below[jnp.searchsorted(ordered, x, side="right")]
    return (low + high + 1) / 2


def _rank_deviations(x: List, w: Weights) -> List:
    return _deviations(ranks(x, w), w)


def _of_rho(x: List, w: Weights) -> List:
    n = w.pair.sum()
    return _rank_deviations(x, w) * jnp.sqrt(_ratio(jnp.asarray(12, n.dtype), n**3 - n))


def whitened(x: List, w: Weights) -> Float[Array, " entry"]:
    """The kernel that belongs to dissimilarities, as a long vector whose noise is white.

    Dissimilarities share conditions, and so their noise. That of the kernel ``-d / 2`` does not, up
    to terms ``u_i + u_j``, which no dissimilarity shows: they are fitted, and taken out. With equal
    weights this is the doubly centred kernel.
    """
    n = w.condition.size
    inverse = _ratio(jnp.ones(n, x.dtype), w.variance)
    weight = mirrored(w.pair, n) + jnp.diag(w.condition)
    weight = weight * inverse[:, None] * inverse[None, :]
    kernel = -0.5 * mirrored(x, n)
    total = weight.sum(axis=0)
    system = weight + jnp.diag(jnp.where(total > 0, total, 1))
    shared = jnp.linalg.solve(system, jnp.sum(weight * kernel, axis=1))
    rest = kernel - shared[:, None] - shared[None, :]
    return (jnp.sqrt(weight) * rest).ravel()


def whitened_by(x: List, covariance: Float[Array, "condition condition"]) -> Float[Array, " entry"]:
    """The same where the noise of conditions is correlated; all pairs are there, and count once."""
    n = covariance.shape[0]
    root = jnp.linalg.cholesky(covariance)

    def inverse(m):
        return jax.scipy.linalg.solve_triangular(root, m, lower=True)

    ones = inverse(jnp.ones((n, 1), x.dtype))
    ones = ones / jnp.linalg.norm(ones)
    turn = inverse(jnp.eye(n, dtype=x.dtype))
    turn = turn - ones @ (ones.T @ turn)
    return (turn @ (-0.5 * mirrored(x, n)) @ turn.T).ravel()


def _whitened_deviations(x: List, w: Weights) -> Array:
    return whitened(_without_mean(x, w), w)


def _dot(a: Array, b: Array, w: Weights) -> Array:
    return jnp.sum(a * b)


def _tau_a(x: Array, y: Array, w: Weights) -> Array:
    """Concordant less discordant pairs of entries, of all pairs of entries."""

    def row(entry):
        a, b, count = entry
        return count * jnp.sum(w.pair * jnp.sign(a - x) * jnp.sign(b - y))

    total = jnp.sum(jax.lax.map(row, (x, y, w.pair), batch_size=_BLOCK))
    n = w.pair.sum()
    return _ratio(total, n * (n - 1))


def _factors(x: List, w: Weights) -> Float[Array, "condition condition"]:
    """Root of the centred kernel, of trace 1; negative eigenvalues are left out."""
    n = w.condition.size
    share = w.condition / w.condition.sum()
    kernel = -0.5 * mirrored(x, n)
    mean = kernel @ share
    kernel = kernel - mean[:, None] - mean[None, :] + share @ mean
    root = jnp.sqrt(w.condition)
    values, vectors = jnp.linalg.eigh(root[:, None] * kernel * root[None, :])
    values = jnp.maximum(values, 0)
    return vectors * jnp.sqrt(_ratio(values, values.sum()))[None, :]


def _bures(a: Array, b: Array, w: Weights) -> Array:
    return jnp.linalg.svd(a.T @ b, compute_uv=False).sum()


def _by_size(x: List, w: Weights) -> List:
    """A list of mean square 1."""
    return _ratio(x, jnp.linalg.norm(_weighted(x, w))) * jnp.sqrt(w.pair.sum())


def _standardised(x: List, w: Weights) -> List:
    return _by_size(_without_mean(x, w), w)


def _by_mean(x: List, w: Weights) -> List:
    return _ratio(x, jnp.sum(w.pair * x)) * w.pair.sum()


def _comparison(embed, pool, fit, title: str) -> Comparison:
    return Comparison(lambda x, w: unit(embed(x, w)), _dot, pool, fit, title)


COMPARISONS: dict[str, Comparison] = {
    "cosine": _comparison(_weighted, _by_size, _weighted, "cosine"),
    "pearson": _comparison(_deviations, _standardised, _deviations, "Pearson correlation"),
    "spearman": _comparison(_rank_deviations, ranks, _deviations, "Spearman correlation"),
    "rho_a": Comparison(_of_rho, _dot, ranks, _deviations, "rank correlation rho-a"),
    "tau_a": Comparison(lambda x, w: x, _tau_a, ranks, _deviations, "rank correlation tau-a"),
    "whitened_cosine": _comparison(whitened, _by_size, whitened, "whitened cosine"),
    "whitened_pearson": _comparison(
        _whitened_deviations, _standardised, _whitened_deviations, "whitened Pearson correlation"
    ),
    "bures": Comparison(_factors, _bures, _by_mean, whitened, "Bures cosine"),
}
#: Comparisons that take the noise of dissimilarities into account.
WHITENED = ("whitened_cosine", "whitened_pearson")
#: Those to which dissimilarities that are all equal say nothing; to others, those that are all 0.
_OF_DIFFERENCES = ("pearson", "spearman", "rho_a", "tau_a", "whitened_pearson")


def comparison_named(name: str) -> Comparison:
    """Look a comparison up.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in COMPARISONS:
        raise ValueError(f"comparison must be one of {list(COMPARISONS)}, got {name!r}.")
    return COMPARISONS[name]


def refuse_flat(pairs: Pairs, comparison: str, *, what: str) -> None:
    """Refuse matrices of which a comparison is not defined, because their values are all equal.

    Raises
    ------
    ValueError
        If the dissimilarities of a matrix are all 0, or all equal where differences are compared.
    """
    values = pairs.values[..., pairs.known]
    differences = comparison in _OF_DIFFERENCES
    flat = np.ptp(values, axis=-1) == 0 if differences else ~values.any(axis=-1)
    if flat.any():
        raise ValueError(
            f"all dissimilarities of a matrix of `{what}` are {'equal' if differences else '0'}: "
            "nothing tells its conditions apart."
        )


def scores(
    how: Comparison, x: Float[Array, "first pair"], y: Float[Array, "other pair"], w: Weights
) -> Float[Array, "first other"]:
    """Score of every list with every other one."""
    a, b = each(how.side, x, w), each(how.side, y, w)
    if how.score is _dot:
        return a @ b.T
    return jax.vmap(lambda one: jax.vmap(lambda other: how.score(one, other, w))(b))(a)


def host_weights(n: int, known: np.ndarray, variance: np.ndarray | None) -> Weights:
    """Weights of the conditions as they are, in double precision (inside of `enable_x64`)."""
    return weights_of(n, known, variance=variance, dtype=np.float64)
