"""Marginals of activity in a factorial design, and demixing axes for each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from neurodyn.analysis.shared.axes import leading_axes
from neurodyn.analysis.shared.signs import positive

#: Singular values below this fraction of the largest are noise of the arithmetic.
_NOTHING = 1e-10

Design = Float[np.ndarray, "unit *factor time"]


def marginals(x: Design, factors: Sequence[str], *, with_time: bool = True) -> dict[str, Design]:
    """The parts of activity that depend on each set of factors.

    They add up to `x`, and are orthogonal to each other: their squares add up as well.

    Parameters
    ----------
    x
        Activity, one axis for each factor.
    factors
        Names of these axes.
    with_time
        Whether a part that depends on factors also holds what depends on them and on time. If not,
        these are parts of their own, such as "choice × time".
    """
    axes = [*factors, "time"]
    parts: dict[str, Design] = {}
    x = x - x.mean(axis=tuple(range(1, x.ndim)), keepdims=True)
    for size in range(1, len(axes) + 1):
        for chosen in itertools.combinations(range(len(axes)), size):
            left_out = tuple(axis + 1 for axis in range(len(axes)) if axis not in chosen)
            part = x.mean(axis=left_out, keepdims=True)
            for axis in chosen:
                part = part - part.mean(axis=axis + 1, keepdims=True)
            part = np.broadcast_to(part, x.shape)
            named = [axes[axis] for axis in chosen]
            if with_time and len(named) > 1:
                named = [name for name in named if name != "time"]
            name = " × ".join(named)
            parts[name] = parts[name] + part if name in parts else part
    return parts


class Axes(NamedTuple):
    """Axes of one marginal, the best ones first.

    Attributes
    ----------
    decoder
        Reads the components out of activity.
    encoder
        Orthonormal: how activity is made from the components again.
    """

    decoder: Float[np.ndarray, "component unit"]
    encoder: Float[np.ndarray, "unit component"]


class Spectrum(NamedTuple):
    """Singular value decomposition of centred activity ``(unit, sample)``."""

    left: Float[np.ndarray, "unit r"]
    values: Float[np.ndarray, " r"]
    right: Float[np.ndarray, "sample r"]

    @classmethod
    def of(cls, x: Float[np.ndarray, "unit sample"]) -> Spectrum:
        """That of an array; what is zero up to rounding is left out."""
        basis, triangle = np.linalg.qr(x.T)  # so that the decomposition is one of units by units
        left, values, right = np.linalg.svd(triangle.T, full_matrices=False)
        kept = values > _NOTHING * values[:1].max(initial=0.0)
        return cls(left[:, kept], values[kept], basis @ right[kept].T)


def demix(
    part: Float[np.ndarray, "unit sample"], spectrum: Spectrum, n: int, penalty: float
) -> Axes:
    """Axes through which activity predicts one of its marginals best (reduced-rank regression).

    They minimise ``|part - F D x|^2 + penalty |F D|^2`` over decoders D and encoders F of rank `n`.
    """
    left, values, right = spectrum
    shrunk = values**2 + penalty
    inside = part @ right
    encoder = leading_axes((inside * (values / np.sqrt(shrunk))).T, n)
    encoder = positive(encoder, 0)
    decoder = (encoder.T @ inside * (values / shrunk)) @ left.T
    return Axes(decoder, encoder)
