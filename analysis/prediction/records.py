"""The measures of what can be predicted from populations."""

from __future__ import annotations

from math import inf

from neurodyn.analysis.prediction import decoding, ridge
from neurodyn.analysis.shared.measure import Measure, Pairwise

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        ridge.ridge_r,
        "ridge predictivity, held-out r",
        range=(-1.0, 1.0),
        higher_is_better=True,
        reference=("schrimpf2020",),
        pairwise=Pairwise(
            lambda x, folds: ridge.ridge_side(x, *folds),
            ridge.ridge_score,
            per_unit=True,
            cross_validated=True,
        ),
    ),
    Measure(
        decoding.decode,
        "held-out r2 of a decoded label",
        range=(-inf, 1.0),
        reference=("hoerl1970",),
    ),
)
