"""The measure of populations."""

from __future__ import annotations

from math import inf

from neurodyn.analysis.populations import dimensionality
from neurodyn.analysis.shared.measure import Measure

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        dimensionality.participation_ratio,
        "participation ratio",
        range=(1.0, inf),
        reference=("gao2017",),
    ),
)
