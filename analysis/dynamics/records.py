"""The measures of sequences of symbols."""

from __future__ import annotations

from math import inf

from neurodyn.analysis.dynamics import words
from neurodyn.analysis.shared.measure import Measure

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        words.word_divergence,
        "divergence of generated from true words",
        "nat",
        (0.0, inf),
        reference=("kullback1951", "krichevsky1981"),
    ),
    Measure(
        words.entropy_rate, "entropy rate per step", "nat", (0.0, inf), reference=("miller1955",)
    ),
)
