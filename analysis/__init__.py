"""Measures of runs and recordings, and comparisons between them."""

from neurodyn.analysis import (
    ceiling,
    dimensionality,
    measures,
    null,
    predictivity,
    similarity,
    timebins,
    timescales,
)
from neurodyn.analysis.ceiling import corrected, spearman_brown, split_half_reliability
from neurodyn.analysis.compare import compare
from neurodyn.analysis.dimensionality import n_components, participation_ratio, pca
from neurodyn.analysis.measures import MEASURES, Measure
from neurodyn.analysis.null import p_value, shuffle_null
from neurodyn.analysis.predictivity import ridge_r
from neurodyn.analysis.similarity import (
    cka,
    debiased_cka,
    linear_cka,
    procrustes,
    procrustes_angle,
    shape_angle,
)
from neurodyn.analysis.timebins import rebin
from neurodyn.analysis.timescales import (
    autocorrelation,
    effective_tau,
    fit_exponential,
    timescale,
)

__all__ = [
    "MEASURES",
    "Measure",
    "autocorrelation",
    "ceiling",
    "cka",
    "compare",
    "corrected",
    "debiased_cka",
    "dimensionality",
    "effective_tau",
    "fit_exponential",
    "linear_cka",
    "measures",
    "n_components",
    "null",
    "p_value",
    "participation_ratio",
    "pca",
    "predictivity",
    "procrustes",
    "procrustes_angle",
    "rebin",
    "ridge_r",
    "shape_angle",
    "shuffle_null",
    "similarity",
    "spearman_brown",
    "split_half_reliability",
    "timebins",
    "timescale",
    "timescales",
]
