"""The measures of how alike two populations represent the same samples."""

from __future__ import annotations

from functools import partial
from math import pi

from neurodyn.analysis.shared.measure import Measure, of_samples
from neurodyn.analysis.similarity import (
    alignment,
    correlations,
    distances,
    labelled,
    matching,
    neighbours,
    shapes,
)
from neurodyn.analysis.similarity.canonical import ExplainedVariance, WeightedCorrelation
from neurodyn.analysis.similarity.grid import Similarity
from neurodyn.analysis.similarity.kernels import whitened
from neurodyn.analysis.similarity.spectra import root

_DISTANCES = Similarity("distances")
#: One from 0 for unrelated populations to 1 for those that are alike.
_of_0_to_1 = partial(Measure, range=(0.0, 1.0), higher_is_better=True)

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    _of_0_to_1(
        labelled.cka,
        "linear CKA",
        reference=("kornblith2019",),
        pairwise=alignment.CKA.pairwise,
        identifier="measure/*/cka-kernel=linear-hsic=gretton-score",
    ),
    Measure(
        partial(labelled.cka, estimator="lange"),
        "linear CKA without diagonals",
        range=(-1.0, 1.0),
        higher_is_better=True,
        reference=("lange2022",),
        pairwise=Similarity(centre="lange").pairwise,
        name="cka_lange",
        identifier="measure/*/cka-kernel=linear-hsic=lange-score",
    ),
    Measure(
        alignment.debiased_cka,
        "debiased linear CKA",
        higher_is_better=True,
        reference=("song2012",),
        pairwise=alignment.DEBIASED_CKA.pairwise,
        identifier="measure/*/cka-kernel=linear-hsic=song-score",
    ),
    _of_0_to_1(
        partial(labelled.cka, kernel="rbf"),
        "CKA of Gaussian kernels (median distance)",
        reference=("kornblith2019",),
        pairwise=Similarity("rbf").pairwise,
        name="rbf_cka",
        identifier="measure/*/cka-kernel=(rbf-sigma={sigma})-hsic=gretton-score",
    ),
    _of_0_to_1(
        labelled.nbs,
        "normalised Bures similarity",
        reference=("tang2020", "harvey2024"),
        pairwise=Similarity(compare="bures").pairwise,
        identifier="measure/*/nbs-score",
    ),
    Measure(
        labelled.procrustes,
        "Procrustes angle",
        "rad",
        (0.0, pi / 2),
        higher_is_better=False,
        reference=("williams2021",),
        pairwise=alignment.PROCRUSTES.pairwise,
        identifier="measure/*/procrustes-distance=angular",
    ),
    _of_0_to_1(
        correlations.cca,
        "mean canonical correlation",
        reference=("hotelling1936",),
        pairwise=Similarity("whitened", compare="mean_correlation").pairwise,
        identifier="measure/contrasim/cca-score",
    ),
    _of_0_to_1(
        partial(correlations.cca, form="mean_squared"),
        "mean squared canonical correlation",
        reference=("kornblith2019",),
        pairwise=Similarity("whitened", compare="mean_squared_correlation").pairwise,
        name="cca_squared",
        identifier="measure/*/cca-squared_score",
    ),
    _of_0_to_1(
        partial(correlations.cca, form="bures"),
        "normalised Bures similarity, whitened",
        reference=("williams2021",),
        pairwise=Similarity("whitened", compare="bures").pairwise,
        name="cca_bures",
        identifier="measure/netrep/cca-score",
    ),
    _of_0_to_1(
        partial(correlations.cca, form="cosine"),
        "linear CKA, whitened",
        reference=("cloos2024",),
        pairwise=Similarity("whitened").pairwise,
        name="cca_cosine",
    ),
    _of_0_to_1(
        correlations.svcca,
        "mean canonical correlation of PCs of 99 % variance",
        reference=("raghu2017",),
        pairwise=Similarity(whitened(keep=0.99), compare="mean_correlation").pairwise,
        identifier="measure/contrasim/svcca-var=0.99-score",
    ),
    _of_0_to_1(
        correlations.pwcca,
        "projection-weighted canonical correlation",
        reference=("morcos2018",),
        pairwise=WeightedCorrelation().pairwise,
        identifier="measure/*/pwcca-score",
    ),
    _of_0_to_1(
        labelled.distance_correlation,
        "distance correlation",
        reference=("szekely2007",),
        pairwise=of_samples(lambda a, y: root(_DISTANCES.score(a, y)), _DISTANCES.prepare),
        identifier="measure/resi/distance_correlation",
    ),
    _of_0_to_1(
        correlations.linear_r2,
        "variance explained by a linear map, in sample",
        reference=("kornblith2019",),
        pairwise=ExplainedVariance().pairwise,
    ),
    Measure(
        distances.shape_distances,
        "Procrustes angle on held-out conditions",
        "rad",
        (0.0, pi),
        higher_is_better=False,
        reference=("williams2021",),
        pairwise=shapes.HELD_OUT_PROCRUSTES,
        name="heldout_procrustes",
        identifier="measure/neuroaimetrics/procrustes-distance=angular-cv=5folds",
    ),
    Measure(
        matching.match_units,
        "correlation of units matched one to one",
        range=(-1.0, 1.0),
        higher_is_better=True,
        reference=("li2016", "williams2021"),
        pairwise=matching.PERMUTATION,
        name="matched_units",
    ),
    Measure(
        matching.match_units,
        "correlation of softly matched units",
        range=(-1.0, 1.0),
        higher_is_better=True,
        reference=("khosla2024",),
        pairwise=matching.SOFT,
        name="soft_matching",
    ),
    _of_0_to_1(
        neighbours.neighbour_overlap,
        "shared nearest neighbours (10)",
        reference=("huh2024",),
        pairwise=neighbours.MUTUAL,
    ),
    _of_0_to_1(
        neighbours.neighbour_overlap,
        "Jaccard overlap of nearest neighbours (10)",
        reference=("klabunde2025",),
        pairwise=neighbours.JACCARD,
        name="neighbour_jaccard",
    ),
)
