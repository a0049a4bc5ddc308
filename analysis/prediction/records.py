"""The measures of what can be predicted from populations."""

from __future__ import annotations

from math import inf

import jax.numpy as jnp

from neurodyn.analysis.prediction import decoding, nonnegative, pls, ridge
from neurodyn.analysis.shared.measure import Measure, Pairwise


def _per_unit(prepare, score) -> Pairwise:
    return Pairwise(prepare, score, per_unit=True, cross_validated=True)


def _reverse(forward: Pairwise) -> Pairwise:
    """The median over the units of the model that the recording predicts."""

    def score(side, y):
        x, folds = side
        return jnp.nanmedian(forward.score(forward.prepare(y, folds), x))

    return Pairwise(lambda x, folds: (x, folds), score, cross_validated=True)


_RIDGE = _per_unit(lambda x, folds: ridge.ridge_side(x, *folds), ridge.ridge_score)
_PLS = _per_unit(lambda x, folds: pls.pls_side(x, folds.held_out), pls.pls_score)
_NONNEGATIVE = _per_unit(
    lambda x, folds: nonnegative.nonnegative_side(x, folds.held_out), nonnegative.nonnegative_score
)


def _correlation(function, title: str, pairwise: Pairwise, reference: str, name: str = ""):
    return Measure(
        function,
        f"{title}, held-out r",
        range=(-1.0, 1.0),
        higher_is_better=True,
        reference=(reference,),
        pairwise=pairwise,
        name=name,
    )


#: `neurodyn.analysis.comparison.measures` registers them. Those that begin with "reverse" predict
#: the model from the recording: what does the model have that the recording has not?
RECORDS = (
    _correlation(ridge.ridge_r, "ridge predictivity", _RIDGE, "schrimpf2020"),
    _correlation(pls.pls_r, "PLS predictivity", _PLS, "schrimpf2020"),
    _correlation(
        nonnegative.nonnegative_r, "non-negative predictivity", _NONNEGATIVE, "lawson1974"
    ),
    _correlation(
        ridge.ridge_r,
        "ridge, model from recording",
        _reverse(_RIDGE),
        "hoerl1970",
        "reverse_ridge_r",
    ),
    _correlation(
        pls.pls_r, "PLS, model from recording", _reverse(_PLS), "wold2001", "reverse_pls_r"
    ),
    _correlation(
        nonnegative.nonnegative_r,
        "non-negative, model from recording",
        _reverse(_NONNEGATIVE),
        "lawson1974",
        "reverse_nonnegative_r",
    ),
    Measure(
        decoding.decode,
        "held-out r2 of a decoded label",
        range=(-inf, 1.0),
        reference=("hoerl1970",),
    ),
)
