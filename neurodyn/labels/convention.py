"""The labelling convention: dims and their order, sources, kinds, units of coordinates."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

Number = float | int | np.floating | np.integer
#: Start and stop [ms].
Window = Sequence[Number] | np.ndarray

#: "neurodyn-1" stored positions of units and trials with spikes; this one stores their labels.
CONVENTION = "neurodyn-2"
#: Largest difference of two equal time stamps [ms]: far below any sampling step in use, far above
#: the rounding of float64 in recordings of hours.
TIME_TOLERANCE = 1e-6
#: Bytes above which data stay in their file, and are not loaded by functions that need all at once.
LARGE = 1 << 30
#: Attribute ``sample`` of times that label the end of a step, as those of runs and tasks do.
END_OF_STEP = "end of step"

#: Dims in their order, which the dims of every variable follow. A study may have dims of its own
#: besides, in any place: `neurodyn.labels.dataset` takes them as ``dims``.
DIMS = {
    "metric": "measures in a comparison",
    "model": "models in a comparison",
    "model_to": "models seen as what others are compared with",
    "recording": "recordings in a comparison",
    "recording_to": "recordings seen as what others are compared with",
    "window": "windows of time",
    "seed": "members of an ensemble",
    "draw": "draws of a null or a bootstrap",
    "resample": "draws of a bootstrap, beside those of a null",
    "fold": "folds or splits of a cross-validation",
    "step": "training steps",
    "evaluation": "evaluations made during training",
    "sweep": "recording sweeps, or values of a swept parameter",
    "repetition": "repeated measurements of the same quantity, such as halves of the trials",
    "condition": "experimental conditions",
    "trial": "trials",
    "trial_to": "trials seen as the second of a pair",
    "sample": "stacked trials or conditions and times",
    "epoch": "named intervals of a trial",
    "spike": "spikes, all units together",
    "interval": "intervals between spikes, all units together",
    "lag": "lags",
    "length": "lengths of words in a sequence of symbols",
    "time": "time",
    "horizon": "steps ahead of the latest observation",
    "iteration": "iterations of an inference",
    "frequency": "frequencies",
    "equilibrium": "equilibria of a system",
    "cycle": "cycles (periodic orbits) of a map, its fixed points among them",
    "phase": "points of a cycle, in order",
    "region": "regions of state space in which a piecewise-linear map is linear",
    "region_to": "regions seen as the target of a transition",
    "layer": "layers of a network, the lowest first",
    "channel": "recording channels",
    "origin": "entries of a state seen as the origin of an effect",
    "presynaptic": "units seen as the origin of a connection",
    "dimension": "entries of a state of several parts",
    "unit": "neurons, or hidden units of a model",
    "unit_to": "units seen as the second of a pair",
    "input": "input channels of a model",
    "output": "outputs of a model",
    "latent": "latent variables",
    "gate": "rectifiers of a piecewise-linear map",
    "component": "principal components, modes",
    "word": "words: sequences of symbols",
    "symbol": "symbols",
    "next": "symbols that follow",
    "exponent": "Lyapunov exponents, the largest first",
    "gap": "times at which a unit was not observed, though others were",
}
SOURCES = ("model", "recording", "task", "analysis")
#: Kinds of variables.
KINDS = (
    "rate",
    "spike_count",
    "spike_time",
    "voltage",
    "current",
    "field",
    "calcium",
    "hidden",
    "latent",
    "input",
    "output",
    "target",
    "weight",
    "statistic",
)

_RANK = {dim: rank for rank, dim in enumerate(DIMS)}
#: Attribute in which a Dataset lists the dims of its study.
OWN_DIMS = "dims"
#: Attribute, 1 of a variable in which infinity is a value: a mode that never decays has no end of
#: its timescale.
INFINITE = "infinite"

#: Units and long name of the coordinates that have a fixed meaning.
COORDS = {
    "time": ("ms", "time"),
    "lag": ("ms", "lag"),
    "frequency": ("Hz", "frequency"),
    "tau": ("ms", "time constant"),
    "rt": ("ms", "reaction time"),
    "start_time": ("ms", "start of the trial on the clock of the recording"),
    "stop_time": ("ms", "end of the trial on the clock of the recording"),
    "n_valid": ("1", "number of samples of the whole trial"),
    "valid_until": ("ms", "end of the trial"),
    "spike_time": ("ms", "spike time"),
    "spike_unit": ("1", "label of the unit"),
    "spike_trial": ("1", "label of the trial"),
    "unit_key": ("1", "label by which spikes name the unit"),
    "trial_key": ("1", "label by which spikes name the trial"),
    "observed_start": ("ms", "first time the unit was observed"),
    "observed_stop": ("ms", "last time the unit was observed"),
    "gap": ("1", "gap in which the unit was not observed"),
    "gap_start": ("ms", "start of a gap in which the unit was not observed"),
    "gap_stop": ("ms", "end of a gap in which the unit was not observed"),
    "ei": ("1", "sign of the outgoing weights"),
}


#: The table of spikes: coordinates on `spike`, and the dims whose labels they hold.
SPIKE_COLUMNS = {"spike_time": None, "spike_unit": "unit", "spike_trial": "trial"}
#: Coordinates with the labels by which spikes name the entries of a dim: those with which the
#: Dataset was built. So spikes are found after `assign_coords` has given the dim new labels.
SPIKE_KEYS = {"unit": "unit_key", "trial": "trial_key"}
#: Coordinates on `unit` of units that were not observed throughout a continuous recording.
OBSERVED_EDGES = ("observed_start", "observed_stop")
#: Coordinates on (unit, gap), in trials on (trial, unit, gap), with the gaps of each unit; NaN if a
#: unit has fewer than others.
GAPS = ("gap_start", "gap_stop")


def ordered(dims: Iterable[Hashable]) -> tuple[str, ...]:
    """Dims in the order of the convention; others stay in their places.

    Parameters
    ----------
    dims
        Names of dims.

    Examples
    --------
    >>> from neurodyn import labels
    >>> labels.ordered(["unit", "animal", "trial"])
    ('trial', 'animal', 'unit')
    """
    names = [str(dim) for dim in dims]
    known = iter(sorted((dim for dim in names if dim in _RANK), key=_RANK.__getitem__))
    return tuple(next(known) if dim in _RANK else dim for dim in names)


class LabelError(ValueError):
    """Labels do not follow the convention, or those of two objects do not match."""

    __module__ = "neurodyn.labels"
