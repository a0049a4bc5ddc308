"""The measure of populations."""

from __future__ import annotations

from math import inf

from neurodyn.analysis.comparison.measure import Measure
from neurodyn.analysis.populations import dimensionality

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        dimensionality.participation_ratio,
        "participation ratio",
        range=(1.0, inf),
        reference=("gao2017",),
    ),
)
