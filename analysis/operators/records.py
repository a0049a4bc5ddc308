"""The measure of how alike the dynamics of two populations are."""

from __future__ import annotations

from math import pi

from neurodyn.analysis.operators import pairwise
from neurodyn.analysis.operators.dsa import dsa
from neurodyn.analysis.shared.measure import Measure

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        dsa,
        "angle between dynamics (DSA)",
        "rad",
        (0.0, pi),
        higher_is_better=False,
        reference=("ostrow2023",),
        pairwise=pairwise.DSA,
    ),
)
