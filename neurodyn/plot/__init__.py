"""Figures of labelled results; every function returns the matplotlib Figure it drew."""

from neurodyn.plot.activity import psth, traces, trajectories
from neurodyn.plot.behaviour import psychometric
from neurodyn.plot.behaviour_fits import chronometric, direction_errors
from neurodyn.plot.branches import branches
from neurodyn.plot.cells import fi_curve, voltages, weights
from neurodyn.plot.comparison import comparison
from neurodyn.plot.correlograms import correlogram
from neurodyn.plot.decoding import cross_temporal, decoding, posterior
from neurodyn.plot.distances import distance_map, distances, mean_shape
from neurodyn.plot.dynamics import bifurcation, lyapunov, projections, spectra
from neurodyn.plot.encoding import encoding
from neurodyn.plot.equilibria import fixed_points, portrait, spectrum
from neurodyn.plot.expectations import angle_chance, expectations
from neurodyn.plot.latents import latent_bands, latent_space, meta_prior, words
from neurodyn.plot.learning import intervals_over, members, tracking
from neurodyn.plot.linear import selection, transient_growth
from neurodyn.plot.matching import unit_matching
from neurodyn.plot.meaning import score_meaning
from neurodyn.plot.operators import delay_choice
from neurodyn.plot.pairs import pairs
from neurodyn.plot.prediction import error_regression, prediction_error
from neurodyn.plot.ranking import ranking
from neurodyn.plot.raster import raster
from neurodyn.plot.representations import rdm, rdm_models
from neurodyn.plot.spikes import intervals, population_rate, population_spectrum
from neurodyn.plot.sweeps import sweep
from neurodyn.plot.symbols import attractor, geometric_graph, symbol_graph
from neurodyn.plot.tasks import trial
from neurodyn.plot.training import checkpoints, elbow, history, time_constants
from neurodyn.plot.tuning import tuning
from neurodyn.plot.variability import fano

__all__ = [
    "angle_chance",
    "attractor",
    "bifurcation",
    "branches",
    "checkpoints",
    "chronometric",
    "comparison",
    "correlogram",
    "cross_temporal",
    "decoding",
    "delay_choice",
    "direction_errors",
    "distance_map",
    "distances",
    "elbow",
    "encoding",
    "error_regression",
    "expectations",
    "fano",
    "fi_curve",
    "fixed_points",
    "geometric_graph",
    "history",
    "intervals",
    "intervals_over",
    "latent_bands",
    "latent_space",
    "lyapunov",
    "mean_shape",
    "members",
    "meta_prior",
    "pairs",
    "population_rate",
    "population_spectrum",
    "portrait",
    "posterior",
    "prediction_error",
    "projections",
    "psth",
    "psychometric",
    "ranking",
    "raster",
    "score_meaning",
    "rdm",
    "rdm_models",
    "selection",
    "spectra",
    "spectrum",
    "sweep",
    "symbol_graph",
    "time_constants",
    "traces",
    "tracking",
    "trajectories",
    "transient_growth",
    "trial",
    "tuning",
    "unit_matching",
    "voltages",
    "weights",
    "words",
]
