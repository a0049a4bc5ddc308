"""The measures by name: what each is, where it comes from, and how `compare` computes it.

A measure that compares two populations has a `Pairwise`: `prepare` does once what depends on the
model alone, `score` the rest, so that a thousand shuffles of the recording cost little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float

from neurodyn.analysis import dimensionality, predictivity, similarity, timescales

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
        BibTeX key of the source.
    bibtex
        Its entry.
    pairwise
        How `compare` computes it; None for measures of one population.
    """

    title: str
    function: Callable[..., Any]
    units: str
    range: tuple[float, float]
    higher_is_better: bool | None
    reference: str
    bibtex: str
    pairwise: Pairwise | None = None


def _samples(x: Activity) -> Float[Array, "sample unit"]:
    return x.reshape(-1, x.shape[-1])


def _of_samples(prepare: Callable, score: Callable) -> Pairwise:
    return Pairwise(lambda x, setup: prepare(_samples(x)), lambda side, y: score(side, _samples(y)))


_KORNBLITH = """@inproceedings{kornblith2019similarity,
  title = {Similarity of Neural Network Representations Revisited},
  author = {Kornblith, Simon and Norouzi, Mohammad and Lee, Honglak and Hinton, Geoffrey},
  booktitle = {Proceedings of the 36th International Conference on Machine Learning},
  series = {PMLR}, volume = {97}, pages = {3519--3529}, year = {2019}
}"""
_SONG = """@article{song2012feature,
  title = {Feature Selection via Dependence Maximization},
  author = {Song, Le and Smola, Alex and Gretton, Arthur and Bedo, Justin and Borgwardt, Karsten},
  journal = {Journal of Machine Learning Research}, volume = {13}, pages = {1393--1434},
  year = {2012}
}"""
_WILLIAMS = """@inproceedings{williams2021shape,
  title = {Generalized Shape Metrics on Neural Representations},
  author = {Williams, Alex H. and Kunz, Erin and Kornblith, Simon and Linderman, Scott W.},
  booktitle = {Advances in Neural Information Processing Systems}, volume = {34},
  pages = {4738--4750}, year = {2021}
}"""
_SCHRIMPF = """@article{schrimpf2020integrative,
  title = {Integrative Benchmarking to Advance Neurally Mechanistic Models of Human Intelligence},
  author = {Schrimpf, Martin and Kubilius, Jonas and Lee, Michael J. and
            Ratan Murty, N. Apurva and Ajemian, Robert and DiCarlo, James J.},
  journal = {Neuron}, volume = {108}, number = {3}, pages = {413--423}, year = {2020},
  doi = {10.1016/j.neuron.2020.07.040}
}"""
_GAO = """@article{gao2017theory,
  title = {A theory of multineuronal dimensionality, dynamics and measurement},
  author = {Gao, Peiran and Trautmann, Eric and Yu, Byron and Santhanam, Gopal and Ryu, Stephen
            and Shenoy, Krishna and Ganguli, Surya},
  journal = {bioRxiv}, year = {2017}, doi = {10.1101/214262}
}"""
_MURRAY = """@article{murray2014hierarchy,
  title = {A hierarchy of intrinsic timescales across primate cortex},
  author = {Murray, John D. and Bernacchia, Alberto and Freedman, David J. and Romo, Ranulfo and
            Wallis, Jonathan D. and Cai, Xinying and Padoa-Schioppa, Camillo and
            Pasternak, Tatiana and Seo, Hyojung and Lee, Daeyeol and Wang, Xiao-Jing},
  journal = {Nature Neuroscience}, volume = {17}, number = {12}, pages = {1661--1663},
  year = {2014}, doi = {10.1038/nn.3862}
}"""

_INF = float("inf")

#: Every measure by name. Those with a `pairwise` can be given to `compare`.
MEASURES: dict[str, Measure] = {
    "cka": Measure(
        "linear CKA",
        similarity.cka,
        "1",
        (0.0, 1.0),
        True,
        "kornblith2019similarity",
        _KORNBLITH,
        _of_samples(similarity.cka_side, similarity.cka_score),
    ),
    "cka_debiased": Measure(
        "debiased linear CKA",
        similarity.debiased_cka,
        "1",
        (-_INF, _INF),
        True,
        "song2012feature",
        _SONG,
        _of_samples(similarity.debiased_side, similarity.debiased_score),
    ),
    "procrustes": Measure(
        "Procrustes angle",
        similarity.procrustes,
        "rad",
        (0.0, 1.5707963267948966),
        False,
        "williams2021shape",
        _WILLIAMS,
        _of_samples(similarity.procrustes_side, similarity.procrustes_score),
    ),
    "ridge": Measure(
        "ridge predictivity, held-out r",
        predictivity.ridge_r,
        "1",
        (-1.0, 1.0),
        True,
        "schrimpf2020integrative",
        _SCHRIMPF,
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
        "gao2017theory",
        _GAO,
    ),
    "timescale": Measure(
        "intrinsic timescale",
        timescales.timescale,
        "ms",
        (0.0, _INF),
        None,
        "murray2014hierarchy",
        _MURRAY,
    ),
}
