"""Measures of runs and recordings, and comparisons between them."""

from neurodyn.analysis.comparison.ceiling import corrected, spearman_brown, split_half_reliability
from neurodyn.analysis.comparison.compare import compare
from neurodyn.analysis.comparison.measures import MEASURES, Measure
from neurodyn.analysis.comparison.null import p_value, shuffle_null
from neurodyn.analysis.comparison.similarity import (
    cka,
    debiased_cka,
    linear_cka,
    procrustes,
    procrustes_angle,
    shape_angle,
)
from neurodyn.analysis.dynamics.bifurcation import bifurcation
from neurodyn.analysis.dynamics.lyapunov import kaplan_yorke_dimension, lyapunov
from neurodyn.analysis.dynamics.piecewise_linear import cycles, fixed_points
from neurodyn.analysis.dynamics.symbolic import (
    symbols,
    topological_entropy,
    transitions,
    word_growth,
)
from neurodyn.analysis.dynamics.words import (
    entropy_rate,
    lagged_pairs,
    symbolise,
    true_words,
    word_divergence,
    word_frequencies,
)
from neurodyn.analysis.networks.latents import latent_summary
from neurodyn.analysis.networks.lesion import (
    AlteredScores,
    ablation,
    altered_scores,
    extreme_units,
    perturbation,
)
from neurodyn.analysis.networks.reservoirs import memory_capacity, ridge_readout
from neurodyn.analysis.populations.decoding import decode
from neurodyn.analysis.populations.dimensionality import (
    components_for,
    n_components,
    participation_ratio,
)
from neurodyn.analysis.populations.pca import pca
from neurodyn.analysis.populations.predictivity import ridge_r
from neurodyn.analysis.populations.subspaces import principal_angles, random_angles
from neurodyn.analysis.reconstruction.autoregression import ridge_forecast
from neurodyn.analysis.reconstruction.forecast import Generates, forecast, forecast_error
from neurodyn.analysis.reconstruction.mixtures import MixtureDivergence, mixture_divergence
from neurodyn.analysis.reconstruction.prediction import prediction_error, valid_prediction_time
from neurodyn.analysis.reconstruction.protocols import (
    RECONSTRUCTION_PROTOCOLS,
    reconstruction,
    reconstruction_floor,
)
from neurodyn.analysis.reconstruction.spectra import power_spectrum, spectral_distance
from neurodyn.analysis.reconstruction.state_space import (
    StateSpaceDivergence,
    state_space_divergence,
)
from neurodyn.analysis.shared.bootstrap import bootstrap
from neurodyn.analysis.shared.timebins import rebin
from neurodyn.analysis.spike_trains.current_clamp import detect_spikes, fi_curve
from neurodyn.analysis.spike_trains.firing import fano_factor, firing_rate, population_rate
from neurodyn.analysis.spike_trains.rhythms import BANDS, population_spectrum
from neurodyn.analysis.spike_trains.spike_intervals import interval_statistics, spike_intervals
from neurodyn.analysis.spike_trains.synchrony import synchrony
from neurodyn.analysis.spike_trains.waveforms import aligned_correlation, main_frequency
from neurodyn.analysis.timescales.autocorrelation import autocorrelation, population_activity
from neurodyn.analysis.timescales.decay import fit_exponentials, timescale_summary
from neurodyn.analysis.timescales.intrinsic import intrinsic_timescale
from neurodyn.analysis.timescales.network_timescales import driven_activity, network_timescale
from neurodyn.analysis.timescales.recovery import modulated_counts, timescale_recovery
from neurodyn.analysis.timescales.streaming import (
    CovarianceSums,
    LagSums,
    streaming_autocorrelation,
)
from neurodyn.analysis.timescales.time_constants import (
    effective_tau,
    fit_exponential,
    timescale,
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
