"""Measures of runs and recordings, and comparisons between them."""

from neurodyn.analysis.autocorrelation import autocorrelation, population_activity
from neurodyn.analysis.autoregression import ridge_forecast
from neurodyn.analysis.bifurcation import bifurcation
from neurodyn.analysis.ceiling import corrected, spearman_brown, split_half_reliability
from neurodyn.analysis.compare import compare
from neurodyn.analysis.current_clamp import detect_spikes, fi_curve
from neurodyn.analysis.decay import fit_exponentials, timescale_summary
from neurodyn.analysis.decoding import decode
from neurodyn.analysis.dimensionality import components_for, n_components, participation_ratio
from neurodyn.analysis.firing import fano_factor, firing_rate, population_rate
from neurodyn.analysis.forecast import Generates, forecast, forecast_error
from neurodyn.analysis.intervals import bootstrap
from neurodyn.analysis.intrinsic import intrinsic_timescale
from neurodyn.analysis.latents import latent_summary
from neurodyn.analysis.lesion import (
    AlteredScores,
    ablation,
    altered_scores,
    extreme_units,
    perturbation,
)
from neurodyn.analysis.lyapunov import kaplan_yorke_dimension, lyapunov
from neurodyn.analysis.measures import MEASURES, Measure
from neurodyn.analysis.mixtures import MixtureDivergence, mixture_divergence
from neurodyn.analysis.network_timescales import driven_activity, network_timescale
from neurodyn.analysis.null import p_value, shuffle_null
from neurodyn.analysis.pca import pca
from neurodyn.analysis.piecewise_linear import cycles, fixed_points
from neurodyn.analysis.prediction import prediction_error, valid_prediction_time
from neurodyn.analysis.predictivity import ridge_r
from neurodyn.analysis.reconstruction import (
    RECONSTRUCTION_PROTOCOLS,
    reconstruction,
    reconstruction_floor,
)
from neurodyn.analysis.recovery import modulated_counts, timescale_recovery
from neurodyn.analysis.reservoirs import memory_capacity, ridge_readout
from neurodyn.analysis.rhythms import BANDS, population_spectrum
from neurodyn.analysis.similarity import (
    cka,
    debiased_cka,
    linear_cka,
    procrustes,
    procrustes_angle,
    shape_angle,
)
from neurodyn.analysis.spectra import power_spectrum, spectral_distance
from neurodyn.analysis.spike_intervals import interval_statistics, spike_intervals
from neurodyn.analysis.state_space import StateSpaceDivergence, state_space_divergence
from neurodyn.analysis.streaming import CovarianceSums, LagSums, streaming_autocorrelation
from neurodyn.analysis.subspaces import principal_angles, random_angles
from neurodyn.analysis.symbolic import (
    symbols,
    topological_entropy,
    transitions,
    word_growth,
)
from neurodyn.analysis.synchrony import synchrony
from neurodyn.analysis.timebins import rebin
from neurodyn.analysis.timescales import (
    effective_tau,
    fit_exponential,
    timescale,
)
from neurodyn.analysis.waveforms import aligned_correlation, main_frequency
from neurodyn.analysis.words import (
    entropy_rate,
    lagged_pairs,
    symbolise,
    true_words,
    word_divergence,
    word_frequencies,
)

__all__ = [
    "BANDS",
    "MEASURES",
    "RECONSTRUCTION_PROTOCOLS",
    "AlteredScores",
    "CovarianceSums",
    "Generates",
    "LagSums",
    "Measure",
    "MixtureDivergence",
    "StateSpaceDivergence",
    "ablation",
    "aligned_correlation",
    "altered_scores",
    "autocorrelation",
    "bifurcation",
    "bootstrap",
    "cka",
    "compare",
    "components_for",
    "corrected",
    "cycles",
    "debiased_cka",
    "decode",
    "detect_spikes",
    "driven_activity",
    "effective_tau",
    "entropy_rate",
    "extreme_units",
    "fano_factor",
    "fi_curve",
    "firing_rate",
    "fit_exponential",
    "fit_exponentials",
    "fixed_points",
    "forecast",
    "forecast_error",
    "interval_statistics",
    "intrinsic_timescale",
    "kaplan_yorke_dimension",
    "lagged_pairs",
    "latent_summary",
    "linear_cka",
    "lyapunov",
    "main_frequency",
    "memory_capacity",
    "mixture_divergence",
    "modulated_counts",
    "n_components",
    "network_timescale",
    "p_value",
    "participation_ratio",
    "pca",
    "perturbation",
    "population_activity",
    "population_rate",
    "population_spectrum",
    "power_spectrum",
    "prediction_error",
    "principal_angles",
    "procrustes",
    "procrustes_angle",
    "random_angles",
    "rebin",
    "reconstruction",
    "reconstruction_floor",
    "ridge_forecast",
    "ridge_r",
    "ridge_readout",
    "shape_angle",
    "shuffle_null",
    "spearman_brown",
    "spectral_distance",
    "spike_intervals",
    "split_half_reliability",
    "state_space_divergence",
    "streaming_autocorrelation",
    "symbolise",
    "symbols",
    "synchrony",
    "timescale",
    "timescale_recovery",
    "timescale_summary",
    "topological_entropy",
    "transitions",
    "true_words",
    "valid_prediction_time",
    "word_divergence",
    "word_frequencies",
    "word_growth",
]
