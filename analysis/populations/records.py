"""The measures of populations."""

from __future__ import annotations

from math import inf

from neurodyn.analysis.populations import dimensionality, factors, overlap
from neurodyn.analysis.shared.measure import Measure

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        dimensionality.participation_ratio,
        "participation ratio",
        range=(1.0, inf),
        reference=("gao2017",),
    ),
    Measure(
        factors.factor_analysis,
        "share of the variance that units have in common",
        range=(0.0, 1.0),
        reference=("rubin1982", "williamson2016"),
    ),
    Measure(
        overlap.subspace_angles,
        "angles between subspaces of activity",
        "degree",
        (0.0, 90.0),
        reference=("bjorck1973", "elsayed2016"),
    ),
    Measure(
        overlap.alignment_index,
        "alignment index of two subspaces",
        range=(0.0, 1.0),
        reference=("elsayed2016",),
    ),
)
