"""One small algebra of similarity measures: embed, centre, compare, report.

Most measures of representations are points on this grid: two populations are embedded alike, as
kernels or distances of their samples; these are centred, and compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import pair
from neurodyn.analysis.shared.measure import Measure, Pairwise, of_samples
from neurodyn.analysis.shared.scaling import balanced_by, centred
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.analysis.similarity import bures, centring
from neurodyn.analysis.similarity.centring import Centring
from neurodyn.analysis.similarity.kernels import (
    Embed,
    Factor,
    Kernel,
    RadialKernel,
    Samples,
    euclidean_distances,
    laplace_kernel,
    linear_kernel,
    rbf_kernel,
    whitened,
)
from neurodyn.analysis.similarity.report import FORMS, Report, reported
from neurodyn.labels.only import takes

Compare = Literal["cosine", "bures", "mean_correlation", "mean_squared_correlation"]

#: Embeddings by name, each with its defaults.
EMBEDDINGS: dict[str, Embed] = {
    "linear": linear_kernel,
    "rbf": rbf_kernel(),
    "laplace": laplace_kernel(),
    "distances": euclidean_distances,
    "whitened": whitened(),
}


class Side(NamedTuple):
    """One side of a comparison: its kernel, and the norm of it that a comparison divides by."""

    kernel: Factor | Kernel
    norm: Float[Array, ""]


@dataclass(frozen=True)
class Similarity:
    r"""A similarity of two populations, composed of how they are embedded, centred and compared.

    It is called with two arrays, and `measure` makes it one that `compare` takes. The parts of the
    known measures are listed in the background page on comparing.

    Parameters
    ----------
    embed
        What is compared: "linear" (products of samples), "rbf" or "laplace" (kernels of the
        distance over its median), "distances" (Euclidean), "whitened" (projection onto all
        principal components); one with settings from `rbf_kernel`, `laplace_kernel` or `whitened`;
        or a function of centred samples ``(sample, unit)`` that returns a matrix
        ``(sample, sample)``, in JAX. Offsets of units are always taken out before.
    centre
        "centred": means of rows and columns are taken out (Gretton). "lange": so, and the diagonal
        set to 0. "song": the unbiased estimator, 0 on average for unrelated noise; needs four
        samples. "zero_diagonal", "none": that alone, or nothing. Or a function of the matrix.
    compare
        "cosine": of the two kernels. "bures": the nuclear norm of the product of their factors,
        over the roots of their traces; that is the cosine after the best rotation. Of whitened
        sides the last two are the mean canonical correlation, and the mean of the squared ones,
        over the dimensions of the smaller side ("bures" and "cosine" of them divide by the root of
        the product of both numbers). Or a function of two matrices that returns a scalar.
    report
        The form of the score s: "score", s; "angle", :math:`\arccos s`; "angular_score",
        :math:`1 - \frac{2}{\pi} \arccos s`; "euclidean", :math:`\sqrt{2 - 2 s}`, the distance of
        two kernels (or shapes) of norm 1.

    Raises
    ------
    ValueError
        If a name is not known, or parts do not fit: "bures" needs kernels that are positive, which
        those without a diagonal are not.

    References
    ----------
    Cloos, Yang & Cueva (2024), UniReps workshop at NeurIPS; Kornblith et al. (2019), ICML 97:3519;
    Harvey, Larsen & Williams (2024), UniReps 243:11 (Bures).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 0.5]])
    >>> angle = analysis.Similarity("rbf", compare="cosine", report="angle")
    >>> round(float(angle(x, 3 * x[:, ::-1] + 1)), 3)
    0.0
    >>> angle.measure("rbf_angle").units
    'rad'
    """

    embed: str | Embed = "linear"
    centre: Centring | Callable[[Kernel], Kernel] = "centred"
    compare: Compare | Callable[[Kernel, Kernel], Array] = "cosine"
    report: Report = "score"

    def __post_init__(self):
        known = {
            "embed": tuple(EMBEDDINGS),
            "centre": get_args(Centring),
            "compare": get_args(Compare),
            "report": get_args(Report),
        }
        for part, names in known.items():
            given = getattr(self, part)
            if given not in names and (part == "report" or not callable(given)):
                own = "" if part == "report" else ", or a function"
                raise ValueError(f"`{part}` is one of {', '.join(names)}{own}; got {given!r}.")
        if self.compare not in ("cosine", "bures") and isinstance(self.compare, str):
            self._refuse_unless_whitened()
        if self.compare == "bures" and self.centre not in ("centred", "none"):
            raise ValueError(
                f"compare='bures' needs positive kernels, which centre={self.centre!r} does not "
                "leave: take 'centred', or compare='cosine'."
            )

    def _refuse_unless_whitened(self) -> None:
        if self.centre not in ("centred", "none") or self.embed in set(EMBEDDINGS) - {"whitened"}:
            raise ValueError(
                f"compare={self.compare!r} is of whitened, centred sides: embed='whitened' or "
                f"whitened(keep=...), got embed={self.embed!r} and centre={self.centre!r}."
            )

    @takes(True, x=["unit"], y=["unit"])
    @one_lapack_thread
    def __call__(
        self, x: ArrayLike | xr.DataArray, y: ArrayLike | xr.DataArray
    ) -> Float[Array, ""]:
        """Compare two arrays of the same samples; can be compiled and differentiated.

        Parameters
        ----------
        x, y
            Arrays ``(sample, unit)``; labelled ones are matched by their labels.

        Returns
        -------
        Scalar.

        Raises
        ------
        ValueError
            If the arrays are not matrices of the same samples, are not finite, or do not vary.
        """
        sides = pair(x, y, least=self.least)
        if self._absolute:
            sizes = (_scale(side) for side in (x, y))
            sides = tuple(side * size for side, size in zip(sides, sizes, strict=True))
        return value(self, *sides)

    @property
    def least(self) -> int:
        """How many samples are needed; two are as alike as any others."""
        return 4 if self.centre == "song" else 3

    @property
    def _absolute(self) -> bool:
        return isinstance(self.embed, RadialKernel) and self.embed.absolute

    @property
    def pairwise(self) -> Pairwise:
        """How `compare` computes it.

        Raises
        ------
        ValueError
            If a kernel has a width in the units of the data, of which `compare` keeps none.
        """
        if self._absolute:
            raise ValueError(
                "compare brings both sides to one scale, in which a width in the units of the "
                "data (sigma=) means nothing: give it as a fraction of the median distance "
                "(fraction=)."
            )
        return of_samples(self.score, self.prepare)

    def measure(self, name: str, title: str = "", *, reference: tuple[str, ...] = ()) -> Measure:
        """Make a measure that `compare` takes, or that `neurodyn.register` makes known by name.

        Parameters
        ----------
        name, title, reference
            As of `Measure`. Default title: the name.

        Raises
        ------
        ValueError
            As `pairwise`.
        """
        units, within = FORMS[self.report]
        free = self.centre not in ("centred", "none") or callable(self.compare)
        return Measure(
            self,
            title or name,
            units,
            (-inf, inf) if free else within,
            higher_is_better=self.report in ("score", "angular_score"),
            reference=reference,
            pairwise=self.pairwise,
            name=name,
        )

    def prepare(self, x: Samples) -> Side:
        """Embed and centre one side."""
        if len(x) < self.least:
            raise ValueError(
                f"centre={self.centre!r} needs {self.least} samples at least, got {len(x)}."
            )
        embed = EMBEDDINGS[self.embed] if isinstance(self.embed, str) else self.embed
        kernel: Any = embed(centred(x))
        if callable(self.centre) or callable(self.compare):
            kernel = kernel.x @ kernel.x.T if isinstance(kernel, Factor) else kernel
        if not isinstance(kernel, Factor):
            centre = self.centre if callable(self.centre) else centring.MATRICES[self.centre]
            kernel = centre(kernel)
        return Side(kernel, self._norm(kernel))

    def _norm(self, kernel: Any) -> Float[Array, ""]:
        if self.compare == "bures" and not isinstance(kernel, Factor):
            return jnp.sqrt(jnp.trace(kernel))
        if self.compare in ("bures", "mean_correlation", "mean_squared_correlation"):
            return jnp.sqrt(jnp.sum(kernel.x**2))
        if isinstance(kernel, Factor):
            return jnp.sqrt(centring.FACTORS[str(self.centre)](kernel.x, kernel.x))
        return jnp.sqrt(jnp.sum(kernel**2))

    def score(self, a: Side, y: Samples) -> Float[Array, ""]:
        """Compare a prepared side with samples."""
        b = self.prepare(y)
        score, gap = self._compared(a, b)
        return reported(score, gap, self.report)

    def _compared(self, a: Side, b: Side) -> tuple[Array, Array]:
        """The score s, and ``2 - 2 s`` without loss of digits where that is possible."""
        x: Any = a.kernel
        y: Any = b.kernel
        if callable(self.compare):
            score = self.compare(x, y)
        elif isinstance(x, Factor):
            score = self._of_factors(x.x, y.x, a.norm, b.norm)
            if self.compare == "bures":
                gap = bures.gap(x.x / a.norm, y.x / b.norm)
                return 1 - gap / 2, gap
        elif self.compare == "bures":
            score = bures.fidelity(x, y) / (a.norm * b.norm)
        else:
            x, y = x / a.norm, y / b.norm
            return jnp.sum(x * y), jnp.sum((x - y) ** 2)
        return score, 2 - 2 * score

    def _of_factors(self, x, y, norm, other) -> Float[Array, ""]:
        if self.compare == "cosine":
            return centring.FACTORS[str(self.centre)](x, y) / norm / other
        smaller = jnp.minimum(norm, other) ** 2
        if self.compare == "mean_squared_correlation":
            return centring.cross_energy(x, y) / smaller
        return bures.overlap(x, y) / smaller


def _scale(x: Any) -> Array:
    if isinstance(x, jax.core.Tracer):
        return jnp.ones(())  # these come as they are
    return jnp.asarray(balanced_by(x)[1])


@partial(jax.jit, static_argnames="how")
def value(how: Any, x: Samples, y: Samples) -> Float[Array, ""]:
    """Compare samples by anything that prepares one side and scores the other beside it."""
    return how.score(how.prepare(x), y)
