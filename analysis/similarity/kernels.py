"""Embeddings of samples: kernels, distances and whitened activity.

An embedding takes centred samples ``(sample, unit)`` and returns either a matrix
``(sample, sample)``, or a `Factor` of one, which needs no matrix of that size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.analysis.shared.scaling import normed, products
from neurodyn.analysis.similarity.order import median_of_pairs
from neurodyn.analysis.similarity.spectra import of_spectrum, present, root, rounded

Samples = Float[Array, "sample unit"]
Kernel = Float[Array, "sample sample"]


class Factor(NamedTuple):
    """The kernel ``x x'``, given by x.

    Attributes
    ----------
    x
        Centred columns; their number is that of the dimensions, not of the samples.
    """

    x: Float[Array, "sample axis"]


Embed = Callable[[Samples], "Factor | Kernel"]


def linear_kernel(x: Samples) -> Factor:
    """Products of the samples, ``x x'``: an embedding for `Similarity`.

    Parameters
    ----------
    x
        Samples ``(sample, unit)``; offsets and scale are taken out.

    Returns
    -------
    The kernel by its factor, the samples themselves.
    """
    return Factor(normed(x))


def squared_distances(x: Samples) -> Kernel:
    """Squared Euclidean distances of all pairs of samples."""
    square = jnp.sum(x**2, axis=1)
    found = jnp.maximum(square[:, None] + square[None, :] - 2 * (x @ x.T), 0)
    return jnp.where(jnp.eye(len(x), dtype=bool), 0, found)


def euclidean_distances(x: Samples) -> Kernel:
    """Euclidean distances of all pairs of samples: an embedding for `Similarity`.

    Parameters
    ----------
    x
        Samples ``(sample, unit)``; their scale is taken out.

    Returns
    -------
    Distances, 0 on the diagonal. Centred, they are those of distance correlation.
    """
    return root(squared_distances(normed(x)))


@dataclass(frozen=True)
class RadialKernel:
    """A kernel of distances over a width; see `rbf_kernel` and `laplace_kernel`.

    Attributes
    ----------
    power
        1: exponential in the distance; 2: in half of its square.
    sigma
        Width in the units of the data, or None.
    fraction
        Width as a fraction of the median distance, where `sigma` is None.
    """

    power: int
    sigma: float | None
    fraction: float

    def __post_init__(self):
        width = self.fraction if self.sigma is None else self.sigma
        if not 0 < width < np.inf:
            raise ValueError(f"the width of a kernel must be above 0 and finite, got {width}.")

    @property
    def absolute(self) -> bool:
        """Whether the width has the units of the data."""
        return self.sigma is not None

    def __call__(self, x: Samples) -> Kernel:
        """Return the kernel of samples."""
        distances = root(squared_distances(x if self.absolute else normed(x)))
        width = self.sigma
        if width is None:
            width = self.fraction * median_of_pairs(distances)
        return jnp.exp(-((distances / width) ** self.power) / self.power)


def rbf_kernel(*, sigma: float | None = None, fraction: float = 1.0) -> RadialKernel:
    r"""Gaussian of the distance, :math:`\exp(-d^2 / (2 \sigma^2))`: an embedding for `Similarity`.

    Parameters
    ----------
    sigma
        Width in the units of the data. Not for `compare`, which brings data to one scale first.
    fraction
        Width as a fraction of the median distance between different samples, without `sigma`.
        Default 1, because the kernel is then neither flat nor a spike, whatever the scale.

    Raises
    ------
    ValueError
        If the width is not above 0.

    References
    ----------
    Kornblith, Norouzi, Lee & Hinton (2019), ICML 97:3519, section 4. (Their code takes the median
    of squared distances, the zeros of the diagonal included.)

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> kernel = rbf_kernel(sigma=1.0)(jnp.array([[0.0], [1.0]]))
    >>> round(float(kernel[0, 1]), 3)
    0.607
    """
    return RadialKernel(2, sigma, fraction)


def laplace_kernel(*, sigma: float | None = None, fraction: float = 1.0) -> RadialKernel:
    r"""Exponential of the Euclidean distance, :math:`\exp(-d / \sigma)`, for `Similarity`.

    Parameters
    ----------
    sigma, fraction
        As of `rbf_kernel`. (scikit-learn's kernel of this name takes the sum of absolute
        differences instead, which depends on the axes.)

    Raises
    ------
    ValueError
        If the width is not above 0.
    """
    return RadialKernel(1, sigma, fraction)


@dataclass(frozen=True)
class Whitening:
    """Principal components of equal variance; see `whitened`.

    Attributes
    ----------
    keep
        Which components: a share of the variance, their number, or None for all.
    """

    keep: float | int | None

    def __post_init__(self):
        share = isinstance(self.keep, float) and 0 < self.keep <= 1
        number = isinstance(self.keep, int) and not isinstance(self.keep, bool) and self.keep > 0
        if not (share or number or self.keep is None):
            raise ValueError(
                "`keep` is a share of the variance above 0 and up to 1.0, a number of components "
                f"from 1, or None for all; got {self.keep!r}."
            )

    def __call__(self, x: Samples) -> Factor:
        """Return the components of samples."""
        n, p = x.shape
        kept = min(n, p) if self.keep is None or isinstance(self.keep, float) else self.keep
        if (self.keep is None or isinstance(self.keep, int)) and min(kept, p) >= n - 1:
            raise ValueError(
                f"{min(kept, p)} dimensions of {n} samples span every pattern, so that all "
                "canonical correlations are 1 for any data: take more samples (conditions, times), "
                "or fewer components, keep=10 or keep=0.95 (svcca)."
            )
        return Factor(factors(normed(x), self)[1])

    def chosen(self, values: Float[Array, " n"], size: int) -> Bool[Array, " n"]:
        """Which eigenvalues, given smallest first, are kept."""
        there = present(values, size)
        if self.keep is None:
            return there
        if isinstance(self.keep, int):
            return there & (jnp.arange(len(values)) >= len(values) - self.keep)
        # A component is needed until those before it hold the share.
        before = jnp.cumsum(values[::-1])[::-1] - values
        return there & (before < self.keep * values.sum())


def whitened(*, keep: float | int | None = None) -> Whitening:
    """Principal components of equal variance: an embedding for `Similarity`.

    Parameters
    ----------
    keep
        Which components: the first that hold a share of the variance (0.99), their number (10), or
        None for all. All are refused where they are as many as the samples less one, because all
        canonical correlations are then 1. A share may come to as many, too.

    Returns
    -------
    An embedding. Its kernel is the projection onto the components, so that the nuclear norm of the
    product of two is the sum of their canonical correlations.

    Raises
    ------
    ValueError
        If `keep` is neither.
    """
    return Whitening(keep)


def factors(x: Samples, rule: Whitening) -> tuple[Samples, Samples]:
    """Factors of the kernel ``x x'`` and of its whitened form, with the same axes.

    They are of units or of samples, whichever are fewer.
    """
    size = max(x.shape)

    def inverse_root(values):
        kept = jax.lax.stop_gradient(rule.chosen(values, size))
        return jnp.where(kept, 1 / jnp.sqrt(jnp.where(kept, values, 1)), 0)

    def share(values):
        return jax.lax.stop_gradient(rule.chosen(values, size).astype(values.dtype))

    if x.shape[1] <= x.shape[0]:
        return x, x @ of_spectrum(inverse_root, products(x, x))
    kernel = x @ x.T
    return of_spectrum(lambda v: root(rounded(v, size)), kernel), of_spectrum(share, kernel)
