"""Canonical correlations weighted by what they account for, and variance explained in sample.

Each takes something else from its two sides, so that they are no points of the grid of
`Similarity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import pair
from neurodyn.analysis.shared.measure import Pairwise, of_samples
from neurodyn.analysis.shared.scaling import normed, products
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.analysis.similarity.centring import cross_energy
from neurodyn.analysis.similarity.grid import value
from neurodyn.analysis.similarity.kernels import Samples, whitened
from neurodyn.analysis.similarity.report import Report, reported, units_of
from neurodyn.analysis.similarity.spectra import left_singular, of_spectrum, root, rounded


class Projected(NamedTuple):
    """Samples, and their principal components of equal variance."""

    x: Samples
    white: Float[Array, "sample axis"]


@dataclass(frozen=True)
class WeightedCorrelation:
    """Canonical correlations, weighted by how much of the activity lies along their variates.

    Parameters
    ----------
    report
        As of `Similarity`.
    """

    report: Report = "score"

    def __post_init__(self):
        units_of(self.report)

    @property
    def pairwise(self) -> Pairwise:
        """How `compare` computes it."""
        return of_samples(self.score, self.prepare)

    @one_lapack_thread
    def __call__(self, x: ArrayLike, y: ArrayLike) -> Float[Array, ""]:
        """Compare two arrays ``(sample, unit)`` of the same samples."""
        return value(self, *pair(x, y))

    def prepare(self, x: Samples) -> Projected:
        """Whiten one side."""
        x = normed(x)
        return Projected(x, whitened()(x).x)

    def score(self, a: Projected, y: Samples) -> Float[Array, ""]:
        """Compare a prepared side with samples."""
        b = self.prepare(y)
        # The side with fewer units has a variate for each of its dimensions.
        a, b = (b, a) if b.x.shape[1] < a.x.shape[1] else (a, b)
        turned, correlations = left_singular(products(a.white, b.white))
        weights = jnp.abs(turned.T @ products(a.white, a.x)).sum(axis=1)
        score = jnp.sum(weights * correlations) / weights.sum()
        return reported(score, 2 - 2 * score, self.report)


@dataclass(frozen=True)
class ExplainedVariance:
    """Share of the variance of one side that a linear map from the other explains in sample.

    Parameters
    ----------
    penalty
        Ridge penalty, in units of the total variance of the predictors.
    """

    penalty: float = 0.0

    def __post_init__(self):
        if not 0 <= self.penalty < float("inf"):
            raise ValueError(f"`penalty` must be at least 0 and finite, got {self.penalty}.")

    @property
    def pairwise(self) -> Pairwise:
        """How `compare` computes it: the recording is predicted from the model."""
        return of_samples(self.score, self.prepare)

    @one_lapack_thread
    def __call__(self, x: ArrayLike, y: ArrayLike) -> Float[Array, ""]:
        """Predict y from x, arrays ``(sample, unit)`` of the same samples."""
        return value(self, *pair(x, y))

    def prepare(self, x: Samples) -> Float[Array, "sample axis"]:
        """Return a factor of the matrix M for which ``y' M y`` is the variance explained of y."""
        x = normed(x)
        if self.penalty == 0:
            return whitened()(x).x
        # Predictions are h y with eigenvalues h = v / (v + penalty), and their error (1 - h) y, so
        # that 1 - (1 - h)^2 = h (2 - h) is explained. The variances v sum to 1.
        x = x / jnp.sqrt(jnp.sum(x**2))

        def root_of_share(values):
            h = values / (values + self.penalty)
            return jnp.sqrt((2 - h) / (values + self.penalty))

        if x.shape[1] <= x.shape[0]:
            return x @ of_spectrum(lambda v: root_of_share(jnp.maximum(v, 0)), products(x, x))
        return of_spectrum(
            lambda v: root(rounded(v, max(x.shape))) * root_of_share(jnp.maximum(v, 0)), x @ x.T
        )

    def score(self, side: Float[Array, "sample axis"], y: Samples) -> Float[Array, ""]:
        """Variance explained of samples by a prepared side."""
        y = normed(y)
        return cross_energy(side, y) / jnp.sum(y**2)
