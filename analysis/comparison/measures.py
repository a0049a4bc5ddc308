"""The measures of the library by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from neurodyn.analysis.dynamics import records as dynamics
from neurodyn.analysis.operators import records as operators
from neurodyn.analysis.populations import records as populations
from neurodyn.analysis.prediction import records as prediction
from neurodyn.analysis.representations import records as representations
from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.similarity import records as similarity
from neurodyn.analysis.spike_trains import records as spike_trains
from neurodyn.analysis.timescales import records as timescales

#: The rooms that have measures, each with its own in its `records`.
_ROOMS = (
    similarity,
    representations,
    operators,
    prediction,
    populations,
    timescales,
    dynamics,
    spike_trains,
)

#: Every measure by name, those of your own included once they are registered
#: (:func:`neurodyn.register`). Those with a `pairwise` can be given to `compare` by name.
MEASURES: dict[str, Measure] = {
    measure.name: measure for room in _ROOMS for measure in room.RECORDS
}


def pairwise_measures(metrics: str | Measure | Iterable[str | Measure]) -> list[Measure]:
    """Measures of two populations, looked up where they are given by name.

    Raises
    ------
    TypeError
        For a metric that is neither a name nor a `Measure`.
    ValueError
        If there is no such measure, it is of one population, or one is given twice.
    """
    given = [metrics] if isinstance(metrics, (str, Measure)) else list(metrics)
    found = [_pairwise(metric) for metric in given]
    names = [measure.name for measure in found]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`metrics` must hold one measure at least and each once, got {names}.")
    return found


def _pairwise(metric: str | Measure) -> Measure:
    if isinstance(metric, str):
        metric = _named(metric)
    elif not isinstance(metric, Measure):
        raise TypeError(
            f"`metrics` holds names and analysis.Measure, got {type(metric).__name__}: wrap a "
            "function of two (sample, unit) arrays, Measure(function, title, higher_is_better=..., "
            "pairwise=analysis.of_samples(function))."
        )
    if metric.pairwise is None:
        raise ValueError(
            f"the measure {metric.name!r} describes one population and has no `pairwise`, so "
            "compare cannot use it: call its function on both sides."
        )
    return metric


def _named(name: str) -> Measure:
    if name in MEASURES:
        return MEASURES[name]
    known = [n for n, measure in MEASURES.items() if measure.pairwise]
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown measure {name!r}: compare knows {', '.join(known)}.{hint}")
