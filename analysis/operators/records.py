"""The measure of how alike the dynamics of two populations are."""

from __future__ import annotations

from math import pi

from neurodyn.analysis.comparison import dynamics
from neurodyn.analysis.comparison.measure import Measure
from neurodyn.analysis.operators.dsa import dsa

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        dsa,
        "angle between dynamics (DSA)",
        "rad",
        (0.0, pi),
        higher_is_better=False,
        reference=("ostrow2023",),
        pairwise=dynamics.DSA,
    ),
)
