"""Arguments beside the data in a call, by the name of the parameter.

Add a line where the suite asks for one: it is the only thing that a new function may need.
"""

from typing import Any

import numpy as np

from neurodyn.models.pvrnn.inference.settings import ErrorRegression
from tests.conformance.labelled import zoo

__all__ = ["EXEMPT", "MEANT", "OPTIONS", "QUICKLY"]

#: Plain arguments by the name of their parameter; each value is tried in turn. Functions without
#: arguments are called: they make what takes long.
OPTIONS: dict[str, list[Any]] = {
    "by": ["coherence", "n_relu", "sweep", [], "population"],
    "cost": [0.1],
    "dim": ["trial", "unit", "sweep", "seed"],
    "bin_width": [20.0],
    "dt": [10.0],
    "key": [0],
    "lags": [[1, 2]],
    "length": [2],
    "longest": [100.0],
    "measure": ["validation_correct", "cka"],
    "model": [zoo.alrnn, zoo.alrnn2, zoo.pvrnn],
    "n_delays": [2],
    "system": [zoo.alrnn, zoo.ctrnn, zoo.oscillator],
    "n_horizons": [2],
    "over": ["step"],
    "parameter": ["W"],
    "path": ["x.nc", "x.zarr", "x.nwb", "x.mat"],
    "sigma": [20.0],
    "span": [(0.5, 1.5)],
    "statistic": [lambda x: x.mean()],
    "tau": [50.0],
    "times": [np.array([0.0, 5.0])],
    "values": [np.array([0.0, 1.0])],
    "window": [(-100.0, 300.0)],
    "windows": [{"all": (100.0, 2000.0)}],
}
#: Parameters with a default whose value here makes the result quick.
QUICKLY: dict[str, Any] = {
    "iterations": 2,
    "n_components": 2,
    "method": ErrorRegression(window=3, iterations=2),
    "metrics": ["cka", "ridge_r"],
    "modulation": 1.0,
    "n_boot": 20,
    "n_draws": 4,
    "n_folds": 2,
    "n_null": 4,
    "n_permutations": 20,
    "n_repeats": 2,
    "n_shifts": 20,
    "n_splits": 4,
    "segment": 100.0,
    "steps": 2,
}
#: What a labelled parameter of this name means: how names in the zoo begin ("symbols(": what the
#: function of that name made), or what is made of the first argument.
MEANT: dict[str, tuple[Any, ...]] = {
    "acf": ("autocorrelation(",),
    "coded": ("symbols(",),
    "covariate": ("position", zoo.position_of),
    "cycle": ("limit_cycle",),
    "cycles": ("cycles",),
    "cross": ("decoded_cross",),
    "decoded": ("decoded_each",),
    "encoded": ("encoded",),
    "posterior": ("posterior",),
    "distance": ("spectral_distance(",),
    "branches": ("branches",),
    "field": ("flow_field",),
    "events": (lambda first: np.array([100.0, 1000.0, 2000.0]),),
    "fit": ("intrinsic_timescale(",),
    "graph": ("transitions(",),
    "inputs": (lambda first: first.isel(channel=[0, 1]).rename(channel="input"),),
    "label": (lambda first: first["coherence"],),
    "growth": ("transient_growth(",),
    "linear": ("linearised",),
    "evaluated": ("evaluate_rdms(",),
    "models": (lambda first: first.rename(subject="model"),),
    "rdms": ("rdms",),
    "others": (lambda first: first**2,),
    "mask": (lambda first: (first > 0).astype(float),),
    "observed": ("sequences",),
    "panels": ("over_steps", "prior_sweep"),
    "points": ("fixed_points",),
    "prediction": ("forecast(", "regression"),
    "rate": ("population_rate(",),
    "projections": ("components",),
    "rates": ("population_rate(",),
    "recording": ("recording", "run"),
    "reference": ("score_reference(",),
    "reliability": ("split_half_reliability(",),
    "result": ("regression", "lyapunov"),
    "score": ("compare(",),
    "scores": ("projected", "level"),
    "statistics": ("interval_statistics(",),
    "selected": ("selection(",),
    "starts": (lambda first: first["state"].rename(equilibrium="draw"),),
    "states": ("series", "rate_of_run"),
    "targets": ("outputs",),
    "units": ("match_units(",),
    "tuning": ("tuning_map(",),
    "true": ("true_words", "word_frequencies("),
    "generated": ("word_frequencies(",),
    "W": ("matrix",),
}

_FIRST = "it shows the first entry, which is another one now"
_SECONDS = "figures take seconds as they are, and their axis says so"
_BINS = "each bin counts for itself, so that others may be missing"
#: Functions that need not keep a relation, with the reason.
EXEMPT: dict[str, dict[str, str]] = {
    "example": {
        "neurodyn.analysis.model_differences": "it takes a comparison of several models",
        "neurodyn.io.to_pynapple": "its package may be missing; the tests of that bridge have it",
        "neurodyn.io.to_rsatoolbox": "its package may be missing; the tests of that bridge have it",
        "neurodyn.io.to_nix": "names in a file are drawn, and to_neo makes what it writes",
        "neurodyn.analysis.embed_distances": "it takes a matrix of systems",
        "neurodyn.plot.distance_map": "it draws a matrix of systems",
        "neurodyn.plot.distances": "it draws a matrix of systems",
        "neurodyn.plot.mean_shape": "it draws the mean of a list of systems",
        "neurodyn.plot.rdm": "it draws a matrix of conditions",
        "neurodyn.analysis.fixed_points": "its inputs do not vary in time",
        "neurodyn.analysis.flow_field": "its inputs do not vary in time",
        "neurodyn.drive.poisson": "what it draws has no labels",
        "neurodyn.experiments.result": "it joins the parts of an experiment",
        "neurodyn.labels.like": "it takes a plain array",
        "neurodyn.labels.pair_channels": "it takes the names of two dims",
        "neurodyn.analysis.skeleton_distances": "it takes a list",
        "neurodyn.spikes.concat": "it takes a list",
        "neurodyn.spikes.from_times": "it takes plain arrays",
        "neurodyn.trials.resample": "it takes one of two, a step or a clock",
    },
    "order": {
        "neurodyn.analysis.intrinsic_timescale": "four draws of a bootstrap vary by chance",
        "neurodyn.plot.branches": _FIRST,
        "neurodyn.plot.attractor": "its axes are chosen by position",
        "neurodyn.plot.elbow": "points of seeds are spread in the order of the seeds",
        "neurodyn.spikes.times": "times stand trial after trial, in the order of the trials",
        "neurodyn.io.to_neo": "signals of a Block stand in a list, under annotations",
        "neurodyn.labels.entry": _FIRST,
        "neurodyn.plot.error_regression": _FIRST,
        "neurodyn.plot.projections": "it draws two objects beside each other, in their own orders",
        "neurodyn.spikes.positions": "positions are what it returns",
    },
    "selection": {
        "neurodyn.analysis.fi_curve": "`where` gives other dims to what it does not concern",
        "neurodyn.labels.entry": _FIRST,
        "neurodyn.spikes.positions": "positions are what it returns, in the order of the table",
    },
    "pairs": {
        "neurodyn.analysis.match_units": "it asks which units of the two correspond",
        "neurodyn.analysis.mixture_divergence": "distributions of states have no times",
        "neurodyn.analysis.symbolise": "values belong to outputs, not to times",
        "neurodyn.plot.projections": "it draws two objects beside each other",
    },
    "variable": {},
    "words": {"neurodyn.analysis.targeted_axes": "regression needs numbers, or two words"},
    "clock": {
        "neurodyn.io.to_neo": "samples at uneven times become a signal of its kind",
        "neurodyn.analysis.compare": _BINS,
        "neurodyn.analysis.count_correlation": _BINS,
        "neurodyn.analysis.fano_factor": _BINS,
        "neurodyn.analysis.firing_rate": _BINS,
        "neurodyn.analysis.noise_correlation": _BINS,
        "neurodyn.analysis.signal_correlation": _BINS,
        "neurodyn.analysis.synchrony": _BINS,
        "neurodyn.analysis.targeted_axes": "each time is regressed for itself",
        "neurodyn.labels.between": _BINS,
        "neurodyn.labels.bin_width": _BINS,
        "neurodyn.plot.cross_temporal": _SECONDS,
        "neurodyn.plot.decoding": _SECONDS,
        "neurodyn.plot.expectations": _SECONDS,
        "neurodyn.plot.fano": _SECONDS,
        "neurodyn.plot.latent_bands": _SECONDS,
        "neurodyn.plot.posterior": _SECONDS,
        "neurodyn.plot.psth": _SECONDS,
        "neurodyn.plot.time_constants": _SECONDS,
    },
}
