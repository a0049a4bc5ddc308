"""The measures of how alike two populations represent the same samples."""

from __future__ import annotations

from math import pi

from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.similarity import alignment, labelled

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        labelled.cka,
        "linear CKA",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("kornblith2019",),
        pairwise=alignment.CKA,
    ),
    Measure(
        alignment.debiased_cka,
        "debiased linear CKA",
        higher_is_better=True,
        reference=("song2012",),
        pairwise=alignment.DEBIASED_CKA,
    ),
    Measure(
        labelled.procrustes,
        "Procrustes angle",
        "rad",
        (0.0, pi / 2),
        higher_is_better=False,
        reference=("williams2021",),
        pairwise=alignment.PROCRUSTES,
    ),
)
