"""The measures by name: what each is, where it comes from, and how `compare` computes it.

A measure that compares two populations has a `Pairwise`: `prepare` does once what depends on the
model alone, `score` the rest, so that a thousand shuffles of the recording cost little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float

from neurodyn.analysis.comparison import similarity
from neurodyn.analysis.dynamics import words
from neurodyn.analysis.populations import decoding, dimensionality, predictivity
from neurodyn.analysis.spike_trains import current_clamp, firing, spike_intervals, synchrony
from neurodyn.analysis.timescales import time_constants as timescales

__all__ = ["MEASURES", "Measure"]

Activity = Float[Array, "condition time unit"]


class Setup(NamedTuple):
    """What measures need beside the data."""

    held_out: Bool[Array, "fold condition"]
    penalties: Float[Array, " penalty"]


@dataclass(frozen=True)
class Pairwise:
    """How a measure compares two populations.

    Attributes
    ----------
    prepare
        ``(x, setup) -> side``, of the model's activity.
    score
        ``(side, y) -> score``, with the recorded activity: a scalar, or one value a unit.
    per_unit
        Whether it scores each recorded unit.
    """

    prepare: Callable[[Activity, Setup], Any]
    score: Callable[[Any, Activity], Array]
    per_unit: bool = False


@dataclass(frozen=True)
class Measure:
    """What there is to know about a measure.

    Attributes
    ----------
    title
        A few words for axes and tables.
    function
        The function of labelled data, or of arrays, that computes it.
    units
        Units of the value.
    range
        Lowest and highest value.
    higher_is_better
        Whether more alike is higher; None where the value is not a judgement.
    reference
        BibTeX keys of the source.
    pairwise
        How `compare` computes it; None for measures of one population.
    """

    title: str
    function: Callable[..., Any]
    units: str
    range: tuple[float, float]
    higher_is_better: bool | None
    reference: tuple[str, ...]
    pairwise: Pairwise | None = None


def _samples(x: Activity) -> Float[Array, "sample unit"]:
    return x.reshape(-1, x.shape[-1])


def _of_samples(prepare: Callable, score: Callable) -> Pairwise:
    return Pairwise(lambda x, setup: prepare(_samples(x)), lambda side, y: score(side, _samples(y)))


_INF = float("inf")

#: Every measure by name. Those with a `pairwise` can be given to `compare`.
MEASURES: dict[str, Measure] = {
    "cka": Measure(
        "linear CKA",
        similarity.cka,
        "1",
        (0.0, 1.0),
        True,
        ("kornblith2019",),
        _of_samples(similarity.cka_side, similarity.cka_score),
    ),
    "cka_debiased": Measure(
        "debiased linear CKA",
        similarity.debiased_cka,
        "1",
        (-_INF, _INF),
        True,
        ("song2012",),
        _of_samples(similarity.debiased_side, similarity.debiased_score),
    ),
    "procrustes": Measure(
        "Procrustes angle",
        similarity.procrustes,
        "rad",
        (0.0, 1.5707963267948966),
        False,
        ("williams2021",),
        _of_samples(similarity.procrustes_side, similarity.procrustes_score),
    ),
    "ridge": Measure(
        "ridge predictivity, held-out r",
        predictivity.ridge_r,
        "1",
        (-1.0, 1.0),
        True,
        ("schrimpf2020",),
        Pairwise(
            lambda x, setup: predictivity.ridge_side(x, *setup),
            predictivity.ridge_score,
            per_unit=True,
        ),
    ),
    "participation_ratio": Measure(
        "participation ratio",
        dimensionality.participation_ratio,
        "1",
        (1.0, _INF),
        None,
        ("gao2017",),
    ),
    "timescale": Measure(
        "intrinsic timescale",
        timescales.timescale,
        "ms",
        (0.0, _INF),
        None,
        ("murray2014",),
    ),
    "decoding": Measure(
        "held-out r2 of a decoded label",
        decoding.decode,
        "1",
        (-_INF, 1.0),
        None,
        ("hoerl1970",),
    ),
    "word_divergence": Measure(
        "divergence of generated from true words",
        words.word_divergence,
        "nat",
        (0.0, _INF),
        None,
        ("kullback1951", "krichevsky1981"),
    ),
    "entropy_rate": Measure(
        "entropy rate per step",
        words.entropy_rate,
        "nat",
        (0.0, _INF),
        None,
        ("miller1955",),
    ),
    "firing_rate": Measure(
        "firing rate",
        firing.firing_rate,
        "Hz",
        (0.0, _INF),
        None,
        ("adrian1926",),
    ),
    "fano_factor": Measure(
        "Fano factor of spike counts",
        firing.fano_factor,
        "1",
        (0.0, _INF),
        None,
        ("fano1947",),
    ),
    "interval_statistics": Measure(
        "CV, CV2 and LV of interspike intervals",
        spike_intervals.interval_statistics,
        "1",
        (0.0, _INF),
        None,
        ("softky1993", "holt1996", "shinomoto2003"),
    ),
    "synchrony": Measure(
        "synchrony index of a population",
        synchrony.synchrony,
        "1",
        (0.0, 1.0),
        None,
        ("golomb1994", "golomb2007"),
    ),
    "fi_curve": Measure(
        "firing rate against injected current",
        current_clamp.fi_curve,
        "Hz",
        (0.0, _INF),
        None,
        ("adrian1926",),
    ),
}
