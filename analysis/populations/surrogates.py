"""Surrogates of condition means: random activity that keeps some structure of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize
from jaxtyping import Float

from neurodyn.analysis.shared.draws import generator as generator_of

#: Eigenvalues of a covariance below this fraction of the largest have no samples behind them.
_NOTHING = 1e-10


def surrogate(
    x: Float[np.ndarray, "condition time unit"], keep: str, n: int, key: Any
) -> Float[np.ndarray, "draw condition time unit"]:
    """Surrogates of activity.

    Parameters
    ----------
    x
        Activity.
    keep
        "conditions": conditions are shuffled for each unit. "covariances": means over each axis and
        the covariances of conditions, of times and of units stay, on average over draws.
    n
        Number of surrogates.
    key
        Seed or key.
    """
    generator = generator_of(key, needed_for="surrogates")
    if keep == "conditions":
        order = generator.random((n, x.shape[0], 1, x.shape[2])).argsort(axis=1)
        return np.take_along_axis(np.broadcast_to(x, (n, *x.shape)), order, axis=1)
    mean = _mean(x)
    bases, scales = _spectrum(x - mean)
    noise = generator.standard_normal((n, *(len(b.T) for b in bases))) * scales
    a, b, c = bases
    return mean + np.einsum("dijk,ci,tj,uk->dctu", noise, a, b, c, optimize=True)


def _mean(x: np.ndarray) -> np.ndarray:
    """The part of an array that its means over each two axes add up to."""
    total = x.mean()
    parts = [x.mean(axis=(i, j), keepdims=True) - total for i, j in ((0, 1), (0, 2), (1, 2))]
    return total + parts[0] + parts[1] + parts[2]


def _spectrum(x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Bases of the three axes, and the standard deviation of the Gaussian of maximum entropy.

    Its covariance has the eigenvectors of the covariance of each axis, and the eigenvalues
    ``1 / (a_i + b_j + c_k)``, whose sums over two axes are the eigenvalues of the third.
    """
    bases, wanted = [], []
    for axis in range(3):
        flat = np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
        values, vectors = np.linalg.eigh(flat @ flat.T)
        kept = values > _NOTHING * values[-1]
        bases.append(vectors[:, kept])
        wanted.append(values[kept])
    total = wanted[0].sum()
    wanted = [w / w.sum() for w in wanted]  # each sums to the same, but for rounding
    sizes = [len(w) for w in wanted]
    cuts = np.cumsum(sizes)[:-1]

    def cost(logs):
        """The dual problem, which is convex in the exponentials of `logs`."""
        a, b, c = np.split(np.exp(logs), cuts)
        sums = a[:, None, None] + b[None, :, None] + c[None, None, :]
        inverse = 1 / sums
        value = a @ wanted[0] + b @ wanted[1] + c @ wanted[2] - np.log(sums).sum()
        marginal = [inverse.sum((1, 2)), inverse.sum((0, 2)), inverse.sum((0, 1))]
        slope = [
            each * (want - got) for each, want, got in zip((a, b, c), wanted, marginal, strict=True)
        ]
        return value, np.concatenate(slope)

    n = np.prod(sizes)
    start = [np.log(n / s / 3 / w) for s, w in zip(sizes, wanted, strict=True)]
    found = scipy.optimize.minimize(
        cost, np.concatenate(start), jac=True, method="L-BFGS-B",
        options={"maxiter": 5000, "maxfun": 10000, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    a, b, c = np.split(np.exp(found.x), cuts)
    sums = a[:, None, None] + b[None, :, None] + c[None, None, :]
    return bases, np.sqrt(total / sums)
