"""The measure of timescales."""

from __future__ import annotations

from math import inf

from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.timescales import time_constants

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        time_constants.timescale, "intrinsic timescale", "ms", (0.0, inf), reference=("murray2014",)
    ),
)
