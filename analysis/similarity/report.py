"""The forms in which a similarity is reported: score, angle, angular score, Euclidean distance."""

from __future__ import annotations

from math import pi, sqrt
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.analysis.similarity.spectra import root

Report = Literal["score", "angle", "angular_score", "euclidean"]
#: Units and range of each form of a score between 0 and 1.
FORMS: dict[str, tuple[str, tuple[float, float]]] = {
    "score": ("1", (0.0, 1.0)),
    "angle": ("rad", (0.0, pi / 2)),
    "angular_score": ("1", (0.0, 1.0)),
    "euclidean": ("1", (0.0, sqrt(2.0))),
}


def units_of(report: Report) -> str:
    """Units of a form.

    Raises
    ------
    ValueError
        If there is no such form.
    """
    if report not in FORMS:
        raise ValueError(f"`report` is one of {', '.join(FORMS)}; got {report!r}.")
    return FORMS[report][0]


def reported(score: Array, gap: Array, form: Report) -> Float[Array, ""]:
    """A score s in one of its forms; from ``2 - 2 s`` where s near 1 says little."""
    if form == "score":
        return score
    # Rounding may take s beyond 1, where the angle is 0.
    distance = root(jnp.clip(gap, 0, 4))
    if form == "euclidean":
        return distance
    angle = 2 * jnp.arcsin(distance / 2)
    return angle if form == "angle" else 1 - 2 / pi * angle
