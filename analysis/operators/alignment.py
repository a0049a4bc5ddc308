"""How far two linear operators are apart after the best orthogonal change of coordinates."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from scipy.optimize import linear_sum_assignment

from neurodyn.analysis.operators.ascent import best_rotation
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key

Operators = Float[Array, "*pair r r"]
#: Ways to measure how far two operators are apart.
FORMS = ("angular", "euclidean", "wasserstein")
_SEARCH = "the search for the best rotation"


def operator_distance(
    a: ArrayLike,
    b: ArrayLike,
    form: str = "angular",
    *,
    n_starts: int = 32,
    key: Any = 0,
) -> Float[Array, "*pair"]:
    r"""Distance of linear operators, whatever the coordinates that each is written in.

    With :math:`C` over all orthogonal matrices, both determinants included,

    - "angular": :math:`\min_C \arccos \langle A, C B C^T \rangle / (|A| |B|)` with Frobenius norms,
      an angle [rad] between 0 and pi, blind to the sizes of A and B;
    - "euclidean": :math:`\min_C |A - C B C^T|`;
    - "wasserstein": the mean squared distance of the eigenvalues, each of A with one of B such that
      the sum is smallest. Its root is a metric of the sets of eigenvalues. It does not see how far
      eigenvectors are from orthogonal, on which transients depend.

    The first two do not move along a gradient with a step size. The overlap
    :math:`\langle A, C B C^T \rangle`, plus a constant, is a convex function of C, so that the best
    C for its linear approximation, a polar factor, never lowers it. Steps are extrapolated, and go
    back where that overshoots. Starts are random matrices of both determinants, and those that lay
    the eigenvectors of A onto those of B; the best result counts.

    Parameters
    ----------
    a, b
        Square matrices ``(..., r, r)`` whose leading axes broadcast: a batch of pairs.
    form
        One of the three.
    n_starts
        Starts of each pair. The best of 32 was found in three of three runs for related operators
        of size 16, and in two of three for unrelated ones.
    key
        Seed or key of the starts; it changes nothing but which optimum is found.

    Returns
    -------
    Distances, with the leading axes. Outside of JAX transformations in double precision. They can
    be differentiated: at an optimum C (or the pairing of eigenvalues) does not change to first
    order. At distance 0 the gradient of "angular" and "euclidean" is finite, but without meaning.

    Raises
    ------
    ValueError
        If matrices are not square and of the same size, are not finite, or (angular) are 0.

    References
    ----------
    Ostrow, Eisen, Kozachkov & Fiete (2023), NeurIPS 36, eq. 6 (the angle). Journee et al. (2010),
    JMLR 11:517 (the ascent). Redman et al. (2024), NeurIPS 37 (distance of eigenvalues).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> a = np.array([[0.9, 0.3], [0.0, 0.5]])
    >>> turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    >>> abs(round(float(analysis.operator_distance(a, turn @ a @ turn.T)), 6))
    0.0
    >>> b = np.diag([0.9, 0.5])  # the same eigenvalues
    >>> round(float(analysis.operator_distance(a, b)), 3)
    0.209
    >>> round(float(analysis.operator_distance(a, b, "wasserstein")), 3)
    0.0
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}.")
    pair, key = _checked(a, b, form), as_key(key, needed_for=_SEARCH)
    if form == "wasserstein":
        return _of_eigenvalues(*pair)
    C = _rotations(key, *pair, _starts(n_starts))
    return _apart(*pair, C, form)


def operator_alignment(
    a: ArrayLike, b: ArrayLike, *, n_starts: int = 32, key: Any = 0
) -> Float[Array, "*pair r r"]:
    """Orthogonal matrices C that bring B closest to A, as C B C'.

    Parameters
    ----------
    a, b, n_starts, key
        As of :func:`operator_distance`.

    Returns
    -------
    Matrices ``(..., r, r)``. Their derivative is 0.

    Raises
    ------
    ValueError
        As of :func:`operator_distance`.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> a = np.array([[0.9, 0.3], [0.0, 0.5]])
    >>> C = analysis.operator_alignment(a, a[::-1, ::-1])
    >>> np.allclose(C @ a[::-1, ::-1] @ C.T, a)
    True
    """
    pair = _checked(a, b, "angular")
    return _rotations(as_key(key, needed_for=_SEARCH), *pair, _starts(n_starts))


def _starts(n: int) -> int:
    return whole("n_starts", n, 2)


def _checked(a: ArrayLike, b: ArrayLike, form: str) -> tuple[Any, Any]:
    """Both operators with the same leading axes; in NumPy outside of transformations."""
    if any(isinstance(x, jax.core.Tracer) for x in (a, b)):
        return _fitting(jnp.asarray(a), jnp.asarray(b))
    pair = _fitting(np.asarray(a, np.float64), np.asarray(b, np.float64))
    for name, x in zip("ab", pair, strict=True):
        if not np.isfinite(x).all():
            raise ValueError(f"operator {name} holds NaN or infinite values.")
        if form == "angular" and not np.linalg.norm(x, axis=(-2, -1)).all():
            raise ValueError(f"operator {name} is 0, which has no direction: use 'euclidean'.")
    return pair


def _fitting(a: Any, b: Any) -> tuple[Any, Any]:
    if a.ndim < 2 or b.ndim < 2 or len({*a.shape[-2:], *b.shape[-2:]}) > 1 or not a.shape[-1]:
        raise ValueError(
            f"operators must be square and of the same size, got shapes {a.shape} and {b.shape}: "
            "fit both with the same rank."
        )
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return tuple(
        (jnp if isinstance(x, jax.Array) else np).broadcast_to(x, (*lead, *x.shape[-2:]))
        for x in (a, b)
    )


def _rotations(key: Any, a: Any, b: Any, n_starts: int) -> Any:
    """The best rotation of every pair; all begin with the same draws."""
    if isinstance(a, np.ndarray):
        with jax.enable_x64(True):
            found = one_lapack_thread(_searched)(key, jnp.asarray(a), jnp.asarray(b), n_starts)
        return np.asarray(found)
    return jax.lax.stop_gradient(_searched(key, *map(jax.lax.stop_gradient, (a, b)), n_starts))


@partial(jax.jit, static_argnames="n_starts")
def _searched(key: Any, a: Operators, b: Operators, n_starts: int) -> Operators:
    flat = [x.reshape(-1, *x.shape[-2:]) for x in (a, b)]
    found = jax.lax.map(lambda pair: best_rotation(key, pair[0], pair[1], n_starts), tuple(flat))
    return found.reshape(a.shape)


def _apart(a: Any, b: Any, C: Any, form: str) -> Any:
    """Distance after the best rotation."""
    xp = np if isinstance(a, np.ndarray) else jnp
    if form == "angular":
        a, b = (x / xp.linalg.norm(x, axis=(-2, -1), keepdims=True) for x in (a, b))
    square = ((a - C @ b @ xp.swapaxes(C, -1, -2)) ** 2).sum((-2, -1))
    # The root has no derivative at 0.
    chord = xp.where(square == 0, 0, xp.sqrt(xp.where(square == 0, 1, square)))
    # An angle near 0 is known from the chord, but not from its cosine near 1.
    return 2 * xp.arcsin(xp.minimum(chord / 2, 1)) if form == "angular" else chord


def _of_eigenvalues(a: Any, b: Any) -> Any:
    """Mean squared distance of eigenvalues, paired at the least cost."""
    xp = np if isinstance(a, np.ndarray) else jnp
    x, y = (xp.linalg.eigvals(side) for side in (a, b))
    difference = x[..., :, None] - y[..., None, :]
    cost = difference.real**2 + difference.imag**2
    if xp is np:
        best = _assigned(cost)
    else:
        shape = jax.ShapeDtypeStruct(cost.shape[:-1], jnp.int32)
        best = jax.pure_callback(
            _assigned, shape, jax.lax.stop_gradient(cost), vmap_method="broadcast_all"
        )
    return xp.take_along_axis(cost, best[..., None], -1)[..., 0].mean(-1)


def _assigned(cost: Any) -> np.ndarray:
    cost = np.nan_to_num(np.asarray(cost))  # while compiling, numbers may be of any kind
    flat = [linear_sum_assignment(one)[1] for one in cost.reshape(-1, *cost.shape[-2:])]
    return np.reshape(flat, cost.shape[:-1]).astype(np.int32)
