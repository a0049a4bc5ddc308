"""Measures of runs and recordings, and comparisons between them.

This page is the menu, in the order of the rooms. Functions take labelled data (xarray), except for
the last heading.
"""
# ruff: noqa: I001  (in the order of the rooms, not of the alphabet)

# Compare a model with a recording
from neurodyn.analysis.comparison.compare import compare
from neurodyn.analysis.shared.measure import Measure, Pairwise, of_samples, CrossValidation
from neurodyn.analysis.operators.pairwise import of_dynamics
from neurodyn.analysis.comparison.measures import MEASURES
from neurodyn.analysis.similarity.labelled import cka, nbs, procrustes, distance_correlation
from neurodyn.analysis.similarity.correlations import cca, svcca, pwcca, linear_r2
from neurodyn.analysis.similarity.grid import Similarity
from neurodyn.analysis.similarity.kernels import rbf_kernel, laplace_kernel, whitened
from neurodyn.analysis.shared.ceiling import split_half_reliability, corrected
from neurodyn.analysis.comparison.null import shuffle_null, p_value
from neurodyn.analysis.meaning.optimise import optimise
from neurodyn.analysis.meaning.reference import score_reference
from neurodyn.analysis.comparison.adjust import adjust
from neurodyn.analysis.comparison.differences import model_differences
from neurodyn.analysis.shared.bootstrap import bootstrap
from neurodyn.analysis.shared.timebins import rebin

# Many populations: shapes, and units and neighbours that correspond
from neurodyn.analysis.similarity.distances import shape_distances, embed_distances
from neurodyn.analysis.similarity.frechet import mean_shape
from neurodyn.analysis.similarity.stochastic import stochastic_distances
from neurodyn.analysis.similarity.matching import match_units, of_units
from neurodyn.analysis.similarity.neighbours import neighbour_overlap, of_neighbours
from neurodyn.analysis.similarity.shapes import of_shapes

# Populations
from neurodyn.analysis.populations.pca import pca
from neurodyn.analysis.populations.dimensionality import participation_ratio, n_components
from neurodyn.analysis.populations.factors import factor_analysis
from neurodyn.analysis.populations.overlap import subspace_angles, alignment_index
from neurodyn.analysis.populations.rotations import jpca
from neurodyn.analysis.populations.dpca import dpca
from neurodyn.analysis.populations.targeted import targeted_axes
from neurodyn.analysis.populations.geometry import tangling, divergence

# Behaviour
from neurodyn.analysis.behaviour.psychometric import psychometric
from neurodyn.analysis.behaviour.chronometric import chronometric
from neurodyn.analysis.behaviour.directions import direction_errors

# Prediction: of one population by another, and of labels by a population
from neurodyn.analysis.prediction.encoding import encode
from neurodyn.analysis.prediction.signal_power import signal_power
from neurodyn.analysis.prediction.ridge import ridge_r
from neurodyn.analysis.prediction.pls import pls_r
from neurodyn.analysis.prediction.nonnegative import nonnegative_r
from neurodyn.analysis.prediction.decoding import decode
from neurodyn.analysis.prediction.bayes import bayesian_decode

# Representational similarity
from neurodyn.analysis.representations.populations import rsa, rsa_measure
from neurodyn.analysis.representations.rdm import rdm
from neurodyn.analysis.representations.noise import noise_precision
from neurodyn.analysis.representations.compared import compare_rdms
from neurodyn.analysis.representations.pooled import rdm_ceiling
from neurodyn.analysis.representations.inference import evaluate_rdms
from neurodyn.analysis.representations.candidates import FlexibleRdm

# Spike trains
from neurodyn.analysis.spike_trains.firing import firing_rate, population_rate
from neurodyn.analysis.spike_trains.histograms import psth
from neurodyn.analysis.spike_trains.variability import (
    fano_factor,
    count_moments,
)
from neurodyn.analysis.spike_trains.mean_matching import mean_matched_fano
from neurodyn.analysis.spike_trains.spike_intervals import spike_intervals, interval_statistics
from neurodyn.analysis.spike_trains.synchrony import synchrony
from neurodyn.analysis.spike_trains.correlograms import correlogram
from neurodyn.analysis.spike_trains.tiling import spike_time_tiling
from neurodyn.analysis.spike_trains.count_correlations import (
    count_correlation,
    noise_correlation,
    signal_correlation,
)
from neurodyn.analysis.spike_trains.distances import van_rossum_distance, victor_purpura_distance
from neurodyn.analysis.spike_trains.tuning import tuning_curve
from neurodyn.analysis.spike_trains.tuning_maps import tuning_map
from neurodyn.analysis.spike_trains.rhythms import population_spectrum, BANDS
from neurodyn.analysis.spike_trains.current_clamp import detect_spikes, fi_curve
from neurodyn.analysis.spike_trains.waveforms import aligned_correlation, main_frequency

# Timescales
from neurodyn.analysis.timescales.autocorrelation import autocorrelation, population_activity
from neurodyn.analysis.timescales.streaming import (
    streaming_autocorrelation,
    LagSums,
    CovarianceSums,
)
from neurodyn.analysis.timescales.time_constants import timescale, fit_exponential, effective_tau
from neurodyn.analysis.timescales.decay import fit_exponentials, timescale_summary
from neurodyn.analysis.timescales.intrinsic import intrinsic_timescale
from neurodyn.analysis.timescales.recovery import timescale_recovery
from neurodyn.analysis.timescales.network_timescales import network_timescale, driven_activity

# Similarity of dynamics
from neurodyn.analysis.operators.dsa import dsa
from neurodyn.analysis.operators.dmd import linear_operator
from neurodyn.analysis.operators.choice import choose_delays
from neurodyn.analysis.operators.delays import delay_embedding

# Fixed points, and linear dynamics around states
from neurodyn.analysis.equilibria.fixed_points import fixed_points
from neurodyn.analysis.equilibria.skeletons import skeleton_distances
from neurodyn.analysis.equilibria.linear import linearise
from neurodyn.analysis.equilibria.local_linear import local_linear
from neurodyn.analysis.equilibria.non_normal import non_normality
from neurodyn.analysis.equilibria.growth import transient_growth
from neurodyn.analysis.equilibria.gramians import controllability
from neurodyn.analysis.equilibria.selection import selection
from neurodyn.analysis.equilibria.flow import flow_field, nullclines
from neurodyn.analysis.equilibria.continuation import continuation
from neurodyn.analysis.equilibria.limit_cycles import limit_cycle
from neurodyn.analysis.equilibria.phases import phase_response
from neurodyn.analysis.equilibria.basins import basins

# Dynamics
from neurodyn.analysis.dynamics.lyapunov import lyapunov
from neurodyn.analysis.dynamics.bifurcation import bifurcation
from neurodyn.analysis.dynamics.piecewise_linear import cycles
from neurodyn.analysis.dynamics.symbolic import (
    symbols,
    transitions,
    topological_entropy,
    word_growth,
)
from neurodyn.analysis.dynamics.symbol_sequences import symbolise
from neurodyn.analysis.dynamics.words import (
    word_frequencies,
    true_words,
    word_divergence,
    entropy_rate,
    lagged_pairs,
)

# Reconstruction of a system, and forecasts
from neurodyn.analysis.reconstructions.protocols import (
    reconstruction,
    reconstruction_floor,
    RECONSTRUCTION_PROTOCOLS,
)
from neurodyn.analysis.reconstructions.state_space import (
    state_space_divergence,
    StateSpaceDivergence,
)
from neurodyn.analysis.reconstructions.mixtures import mixture_divergence, MixtureDivergence
from neurodyn.analysis.reconstructions.spectra import power_spectrum, spectral_distance
from neurodyn.analysis.reconstructions.prediction import valid_prediction_time, prediction_error
from neurodyn.analysis.reconstructions.forecast import forecast, forecast_error, Generates
from neurodyn.analysis.reconstructions.autoregression import ridge_forecast

# Networks: lesions, perturbations, readouts, latents
from neurodyn.analysis.networks.lesion import ablation, extreme_units
from neurodyn.analysis.networks.perturbation import perturbation
from neurodyn.analysis.networks.alterations import altered_scores
from neurodyn.analysis.networks.reservoirs import ridge_readout, memory_capacity
from neurodyn.analysis.networks.latents import latent_summary

# For arrays, without labels
from neurodyn.analysis.similarity.alignment import (
    linear_cka,
    debiased_cka,
    procrustes_angle,
    shape_angle,
)
from neurodyn.analysis.operators.alignment import operator_distance, operator_alignment
from neurodyn.analysis.shared.ceiling import spearman_brown
from neurodyn.analysis.populations.dimensionality import components_for
from neurodyn.analysis.populations.subspaces import principal_angles, random_angles
from neurodyn.analysis.timescales.recovery import modulated_counts
from neurodyn.analysis.dynamics.kaplan_yorke import kaplan_yorke_dimension


__all__ = [
    # Compare a model with a recording
    "compare",
    "Measure",
    "Pairwise",
    "of_samples",
    "of_dynamics",
    "CrossValidation",
    "MEASURES",
    "cka",
    "nbs",
    "procrustes",
    "distance_correlation",
    "cca",
    "svcca",
    "pwcca",
    "linear_r2",
    "Similarity",
    "rbf_kernel",
    "laplace_kernel",
    "whitened",
    "split_half_reliability",
    "corrected",
    "shuffle_null",
    "p_value",
    "optimise",
    "score_reference",
    "adjust",
    "model_differences",
    "bootstrap",
    "rebin",
    # Many populations: shapes, and units and neighbours that correspond
    "shape_distances",
    "embed_distances",
    "mean_shape",
    "stochastic_distances",
    "match_units",
    "of_units",
    "neighbour_overlap",
    "of_neighbours",
    "of_shapes",
    # Populations
    "pca",
    "participation_ratio",
    "n_components",
    "factor_analysis",
    "subspace_angles",
    "alignment_index",
    "jpca",
    "dpca",
    "targeted_axes",
    "tangling",
    "divergence",
    # Behaviour
    "psychometric",
    "chronometric",
    "direction_errors",
    # Prediction: of one population by another, and of labels by a population
    "encode",
    "signal_power",
    "ridge_r",
    "pls_r",
    "nonnegative_r",
    "decode",
    "bayesian_decode",
    # Representational similarity
    "rsa",
    "rsa_measure",
    "rdm",
    "noise_precision",
    "compare_rdms",
    "rdm_ceiling",
    "evaluate_rdms",
    "FlexibleRdm",
    # Spike trains
    "firing_rate",
    "population_rate",
    "psth",
    "fano_factor",
    "count_moments",
    "mean_matched_fano",
    "spike_intervals",
    "interval_statistics",
    "synchrony",
    "correlogram",
    "spike_time_tiling",
    "count_correlation",
    "noise_correlation",
    "signal_correlation",
    "van_rossum_distance",
    "victor_purpura_distance",
    "tuning_curve",
    "tuning_map",
    "population_spectrum",
    "BANDS",
    "detect_spikes",
    "fi_curve",
    "aligned_correlation",
    "main_frequency",
    # Timescales
    "autocorrelation",
    "population_activity",
    "streaming_autocorrelation",
    "LagSums",
    "CovarianceSums",
    "timescale",
    "fit_exponential",
    "effective_tau",
    "fit_exponentials",
    "timescale_summary",
    "intrinsic_timescale",
    "timescale_recovery",
    "network_timescale",
    "driven_activity",
    # Similarity of dynamics
    "dsa",
    "linear_operator",
    "choose_delays",
    "delay_embedding",
    # Fixed points, and linear dynamics around states
    "fixed_points",
    "skeleton_distances",
    "linearise",
    "local_linear",
    "non_normality",
    "transient_growth",
    "controllability",
    "selection",
    "flow_field",
    "nullclines",
    "continuation",
    "limit_cycle",
    "phase_response",
    "basins",
    # Dynamics
    "lyapunov",
    "bifurcation",
    "cycles",
    "symbols",
    "transitions",
    "topological_entropy",
    "word_growth",
    "symbolise",
    "word_frequencies",
    "true_words",
    "word_divergence",
    "entropy_rate",
    "lagged_pairs",
    # Reconstruction of a system, and forecasts
    "reconstruction",
    "reconstruction_floor",
    "RECONSTRUCTION_PROTOCOLS",
    "state_space_divergence",
    "StateSpaceDivergence",
    "mixture_divergence",
    "MixtureDivergence",
    "power_spectrum",
    "spectral_distance",
    "valid_prediction_time",
    "prediction_error",
    "forecast",
    "forecast_error",
    "Generates",
    "ridge_forecast",
    # Networks: lesions, perturbations, readouts, latents
    "ablation",
    "extreme_units",
    "perturbation",
    "altered_scores",
    "ridge_readout",
    "memory_capacity",
    "latent_summary",
    # For arrays, without labels
    "linear_cka",
    "debiased_cka",
    "procrustes_angle",
    "shape_angle",
    "operator_distance",
    "operator_alignment",
    "spearman_brown",
    "components_for",
    "principal_angles",
    "random_angles",
    "modulated_counts",
    "kaplan_yorke_dimension",
]
