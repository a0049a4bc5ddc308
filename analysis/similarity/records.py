"""The measures of how alike two populations represent the same samples."""

from __future__ import annotations

from functools import partial
from math import pi

from neurodyn.analysis.shared.measure import Measure, of_samples
from neurodyn.analysis.similarity import alignment, correlations, labelled
from neurodyn.analysis.similarity.canonical import ExplainedVariance, WeightedCorrelation
from neurodyn.analysis.similarity.grid import Similarity
from neurodyn.analysis.similarity.kernels import whitened
from neurodyn.analysis.similarity.spectra import root

_DISTANCES = Similarity("distances")

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(
        labelled.cka,
        "linear CKA",
        range=(0.0, 1.0),
        higher_is_better=True,
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
    Measure(
        partial(labelled.cka, kernel="rbf"),
        "CKA of Gaussian kernels (median distance)",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("kornblith2019",),
        pairwise=Similarity("rbf").pairwise,
        name="rbf_cka",
        identifier="measure/*/cka-kernel=(rbf-sigma={sigma})-hsic=gretton-score",
    ),
    Measure(
        labelled.nbs,
        "normalised Bures similarity",
        range=(0.0, 1.0),
        higher_is_better=True,
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
    Measure(
        correlations.cca,
        "mean canonical correlation",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("hotelling1936",),
        pairwise=Similarity("whitened", compare="mean_correlation").pairwise,
        identifier="measure/contrasim/cca-score",
    ),
    Measure(
        partial(correlations.cca, form="mean_squared"),
        "mean squared canonical correlation",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("kornblith2019",),
        pairwise=Similarity("whitened", compare="mean_squared_correlation").pairwise,
        name="cca_squared",
        identifier="measure/*/cca-squared_score",
    ),
    Measure(
        partial(correlations.cca, form="bures"),
        "normalised Bures similarity, whitened",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("williams2021",),
        pairwise=Similarity("whitened", compare="bures").pairwise,
        name="cca_bures",
        identifier="measure/netrep/cca-score",
    ),
    Measure(
        partial(correlations.cca, form="cosine"),
        "linear CKA, whitened",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("cloos2024",),
        pairwise=Similarity("whitened").pairwise,
        name="cca_cosine",
    ),
    Measure(
        correlations.svcca,
        "mean canonical correlation of PCs of 99 % variance",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("raghu2017",),
        pairwise=Similarity(whitened(keep=0.99), compare="mean_correlation").pairwise,
        identifier="measure/contrasim/svcca-var=0.99-score",
    ),
    Measure(
        correlations.pwcca,
        "projection-weighted canonical correlation",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("morcos2018",),
        pairwise=WeightedCorrelation().pairwise,
        identifier="measure/*/pwcca-score",
    ),
    Measure(
        labelled.distance_correlation,
        "distance correlation",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("szekely2007",),
        pairwise=of_samples(lambda a, y: root(_DISTANCES.score(a, y)), _DISTANCES.prepare),
        identifier="measure/resi/distance_correlation",
    ),
    Measure(
        correlations.linear_r2,
        "variance explained by a linear map, in sample",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("kornblith2019",),
        pairwise=ExplainedVariance().pairwise,
    ),
)
