"""How much the Jacobians of a map expand along data: the estimators behind adaptive forcing."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from neurodyn.engine.inputs import trials_for
from neurodyn.params import with_values
from neurodyn.task import Trial


def product_upper_bound(J: Float[Array, "trial time unit unit"]) -> Float[Array, ""]:
    """Largest geometric mean over time of the spectral norms."""
    norms = spectral_norms(J)
    tiny = jnp.asarray(jnp.finfo(norms.dtype).tiny, norms.dtype)
    return jnp.max(jnp.exp(jnp.mean(jnp.log(jnp.maximum(norms, tiny)), axis=1)))


def batch_maximum(J: Float[Array, "trial time unit unit"]) -> Float[Array, ""]:
    """Largest spectral norm."""
    return jnp.max(spectral_norms(J))


def arithmetic_mean(J: Float[Array, "trial time unit unit"]) -> Float[Array, ""]:
    """Largest spectral norm of the mean over time."""
    return jnp.max(spectral_norms(jnp.mean(J, axis=1)))


def explog_approx(J: Float[Array, "trial time unit unit"]) -> Float[Array, ""]:
    """Largest spectral norm of the exponential of the mean matrix logarithm over time.

    All matrices are moved in a fixed direction first, by a relative 1e-3 (1e-6 in double
    precision): so that those have logarithms through eigenvectors too that are singular, or have
    too few eigenvectors.
    """
    mean = jnp.mean(_log(_moved(J)), axis=1)
    exponentials = jax.vmap(jax.scipy.linalg.expm)(mean)
    return jnp.max(jnp.linalg.norm(exponentials, ord=2, axis=(-2, -1)))


#: Estimators of S by name; the last one asks the model and looks at no data.
_FROM_DATA = {
    "product_upper_bound": product_upper_bound,
    "arithmetic_mean": arithmetic_mean,
    "explog_approx": explog_approx,
    "batch_maximum": batch_maximum,
}
ESTIMATORS = (*_FROM_DATA, "jacobian_upper_bound")


def expansion(estimator: str, model: Any, trials: Trial) -> Float[Array, ""]:
    """S of that estimator, at the states that the windows of a batch point to.

    Parameters
    ----------
    estimator
        One of `ESTIMATORS`.
    model
        A map with ``infer`` and ``jacobian``, or ``jacobian_bound``.
    trials
        Windows, ``targets`` (trial, time, output).
    """
    if estimator == "jacobian_upper_bound":
        return with_values(model).jacobian_bound()
    shared = with_values(model)

    def along(trial, x):
        own = with_values(shared, trial)
        return jax.vmap(lambda x: own.jacobian(own.infer(x)))(x)

    J = jax.vmap(along)(trials_for(model, trials), trials.targets)
    return _FROM_DATA[estimator](J)


def spectral_norms(J: Float[Array, "*batch row column"]) -> Float[Array, "*batch"]:
    """Largest singular values of many small matrices, to about 1e-4 of their size.

    Squaring ``J' J`` ten times over separates its eigenvalues; their mean with those weights is
    the largest one. A decomposition of each matrix would take most of the time of training.
    """
    G = _product(jnp.swapaxes(J, -1, -2), J)
    tiny = jnp.asarray(jnp.finfo(G.dtype).tiny, G.dtype)

    def normalised(P):
        return P / jnp.maximum(jnp.trace(P, axis1=-2, axis2=-1), tiny)[..., None, None]

    P = normalised(G)
    for _ in range(10):
        P = normalised(_product(P, P))
    return jnp.sqrt(jnp.sum(P * G, axis=(-2, -1)))


def _product(P: Float[Array, "*batch n m"], Q: Float[Array, "*batch m k"]) -> Array:
    if P.shape[-1] > 8:
        return P @ Q
    # Small products are faster as one fused sum than as many calls.
    terms = (P[..., :, i, None] * Q[..., None, i, :] for i in range(P.shape[-1]))
    first, *others = terms
    return sum(others, first)


def _moved(J: Float[Array, "*batch n n"]) -> Float[Array, "*batch n n"]:
    """Matrices a little beside, whose eigenvalues are apart from each other and from 0.

    Where two eigenvalues fall together by a distance e, moving by e changes them by its root, so
    that eigenvectors and logarithm keep an error of about the precision over that root.
    """
    n = J.shape[-1]
    share = 1e-6 if J.dtype == jnp.float64 else 1e-3
    size = jnp.sqrt(jnp.sum(J * J, axis=(-2, -1), keepdims=True) / n)
    size = jnp.where(size > 0, size, jnp.ones_like(size))
    direction = np.random.default_rng(0).normal(size=(n, n)) / np.sqrt(n)
    direction = jnp.asarray(direction, J.dtype).reshape((1,) * (J.ndim - 2) + (n, n))
    return J + share * size * direction


def _log(J: Float[Array, "*batch n n"]) -> Complex[Array, "*batch n n"]:
    """Matrix logarithms through eigenvectors (on CPUs)."""
    values, vectors = jnp.linalg.eig(J)
    # V diag(log w) V^-1, as the solution of X V = V diag(log w).
    scaled = vectors * jnp.log(values)[..., None, :]
    return jnp.swapaxes(
        jnp.linalg.solve(jnp.swapaxes(vectors, -1, -2), jnp.swapaxes(scaled, -1, -2)), -1, -2
    )
