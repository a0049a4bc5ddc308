"""The measures of the library by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from math import inf, pi

from neurodyn.analysis.comparison import alignment, dynamics, similarity
from neurodyn.analysis.comparison.measure import Measure, Pairwise
from neurodyn.analysis.dynamics import words
from neurodyn.analysis.operators.dsa import dsa
from neurodyn.analysis.populations import dimensionality
from neurodyn.analysis.prediction import decoding, ridge
from neurodyn.analysis.spike_trains import current_clamp, firing, spike_intervals, synchrony
from neurodyn.analysis.timescales import time_constants

_ALL = (
    Measure(
        similarity.cka,
        "linear CKA",
        range=(0.0, 1.0),
        higher_is_better=True,
        reference=("kornblith2019",),
        pairwise=alignment.CKA,
    ),
    Measure(
        alignment.debiased_cka,
        "debiased linear CKA",
        higher_is_better=True,
        reference=("song2012",),
        pairwise=alignment.DEBIASED_CKA,
    ),
    Measure(
        similarity.procrustes,
        "Procrustes angle",
        "rad",
        (0.0, pi / 2),
        higher_is_better=False,
        reference=("williams2021",),
        pairwise=alignment.PROCRUSTES,
    ),
    Measure(
        dsa,
        "angle between dynamics (DSA)",
        "rad",
        (0.0, pi),
        higher_is_better=False,
        reference=("ostrow2023",),
        pairwise=dynamics.DSA,
    ),
    Measure(
        ridge.ridge_r,
        "ridge predictivity, held-out r",
        range=(-1.0, 1.0),
        higher_is_better=True,
        reference=("schrimpf2020",),
        pairwise=Pairwise(
            lambda x, folds: ridge.ridge_side(x, *folds),
            ridge.ridge_score,
            per_unit=True,
            cross_validated=True,
        ),
    ),
    Measure(
        dimensionality.participation_ratio,
        "participation ratio",
        range=(1.0, inf),
        reference=("gao2017",),
    ),
    Measure(
        time_constants.timescale, "intrinsic timescale", "ms", (0.0, inf), reference=("murray2014",)
    ),
    Measure(
        decoding.decode,
        "held-out r2 of a decoded label",
        range=(-inf, 1.0),
        reference=("hoerl1970",),
    ),
    Measure(
        words.word_divergence,
        "divergence of generated from true words",
        "nat",
        (0.0, inf),
        reference=("kullback1951", "krichevsky1981"),
    ),
    Measure(
        words.entropy_rate, "entropy rate per step", "nat", (0.0, inf), reference=("miller1955",)
    ),
    Measure(firing.firing_rate, "firing rate", "Hz", (0.0, inf), reference=("adrian1926",)),
    Measure(
        firing.fano_factor, "Fano factor of spike counts", range=(0.0, inf), reference=("fano1947",)
    ),
    Measure(
        spike_intervals.interval_statistics,
        "CV, CV2 and LV of interspike intervals",
        range=(0.0, inf),
        reference=("softky1993", "holt1996", "shinomoto2003"),
    ),
    Measure(
        synchrony.synchrony,
        "synchrony index of a population",
        range=(0.0, 1.0),
        reference=("golomb1994", "golomb2007"),
    ),
    Measure(
        current_clamp.fi_curve,
        "firing rate against injected current",
        "Hz",
        (0.0, inf),
        reference=("adrian1926",),
    ),
)

#: Every measure by name, those of your own included once they are registered
#: (:func:`neurodyn.register`). Those with a `pairwise` can be given to `compare` by name.
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}


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
