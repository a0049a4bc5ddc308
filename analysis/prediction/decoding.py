"""Decoding of labels from the activity of single trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.analysis.prediction.decoded_labels import (
    Target,
    group_codes,
    in_label_order,
    label_values,
    of_units,
    target,
    trial_activity,
    under_labels,
)
from neurodyn.analysis.prediction.decoders import Options, Times, decoded
from neurodyn.analysis.prediction.decoding_scores import labelled_scores
from neurodyn.analysis.prediction.estimators import checked_estimator, decoded_by
from neurodyn.analysis.prediction.ridge import PENALTIES, as_penalties
from neurodyn.analysis.prediction.trial_folds import permutations, trial_folds
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key
from neurodyn.labels.only import takes

Decoder = Literal["ridge", "linear", "lda", "logistic"]


@takes(label=["trial"])
@one_lapack_thread
def decode(
    activity: xr.DataArray | xr.Dataset | xr.DataTree,
    label: Any,
    *,
    model: Decoder | Any = "ridge",
    times: Times = "together",
    groups: Any = None,
    n_folds: int | None = None,
    penalties: Any = None,
    shrinkage: float | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    n_null: int = 0,
    key: Any = 0,
) -> xr.Dataset:
    r"""Decode a label of each trial (or of each trial and time) from activity in other trials.

    Cross-validated over trials, or over groups of trials: all times of a trial are held out
    together, and what a decoder chooses is chosen within the training trials.

    Parameters
    ----------
    activity
        Dims ``(trial, time, unit)``, or ``(trial, unit)``; `latent` may stand for `unit`. Of a run
        its activity is taken, as everywhere, and not its outputs.
    label
        Numbers or words ``(trial,)`` or ``(trial, time)``: a DataArray, matched by its labels; an
        array, in the order of the labels of `activity` (:func:`neurodyn.labels.like`); or the name
        of a coordinate of `activity`. Words (or false and true) are classes; numbers are a
        continuous label, except for decoders of classes.
    model
        "ridge": ridge regression with an intercept; of two classes, decoded as 0 and 1, in their
        sorted order; of several, each against all others. "linear": the same without a penalty.
        "lda": linear discriminant analysis. "logistic": logistic regression of standardised units.
        The last two decode classes. Or an estimator of scikit-learn.
    times
        "together": one decoder for all times. "each": one for each time. "cross": the decoder of
        each time is tried at all times, which tells a code that stays from one that changes.
    groups
        Trials with the same value are held out together (a coordinate of `activity`, its name, or
        several), such as those of a condition or a session whose trials resemble each other.
    n_folds
        Default 10, or one a trial (or group) where there are fewer. Every fold holds as many trials
        of each class, where a group is of one class; a class with fewer trials than folds is
        missing in some folds, but never in the training trials. Numbers are balanced likewise where
        each value occurs twice at least.
    penalties
        Of "ridge": penalties to choose from, as for :func:`neurodyn.analysis.ridge_r`. Of
        "logistic": to choose from (1 / C of scikit-learn); default 1.
    shrinkage
        Of "lda": share of the identity in the covariance within classes, from 0 to 1. Default:
        after Ledoit & Wolf, anew in each fold.
    grid
        Parameters of an estimator of scikit-learn to choose from within the training trials.
    n_null
        Permutations of the labels for the null; 0 leaves it out. Labels are exchanged between
        trials; with `groups` between trials of a group where these differ, else between whole
        groups (attribute ``null`` says which). Folds stay balanced.
    key
        Seed or key of folds and permutations.

    Returns
    -------
    Dataset: ``prediction`` (trial, time) for held-out trials. Of decoders that predict numbers
    ``r2`` = :math:`1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2` over all, which is below 0
    where the mean label would be the better guess, and ``correlation`` of label and prediction, NaN
    where either is constant. Both have a dim ``time`` for decoders of each time.

    Of classes ``label`` holds the number of each (their attribute ``classes``), and there are
    ``decoded`` (trial, time), the class that is predicted; ``accuracy`` (time), the fraction
    of trials in which it is right; and ``balanced_accuracy`` (time), the mean over classes of the
    fraction of their trials, whose chance level is the attribute ``chance`` whatever the classes'
    sizes, ``n_per_class``. Attribute ``most_frequent`` is the share of the most frequent class,
    which a guess without activity would reach in ``accuracy``. Of three classes or more, and of
    decoders of classes, ``prediction`` is the number of the decoded one, and ``r2`` and
    ``correlation`` of ridge regression are those of all classes together.

    With ``times="cross"`` scores have the dims ``(train_time, time)``, and single predictions are
    left out. With `n_null` there are ``null`` (draw, ...), that of the balanced accuracy or of r2
    (attribute ``statistic``); ``p_value``, one-sided; and ``p_value_corrected``, against the
    largest of each draw over all times, which answers whether the label can be decoded at any.

    Raises
    ------
    LabelError, ValueError
        If dims or lengths do not fit, values are not finite, the label does not vary, a class has a
        single trial (or group), there are fewer than three trials (or groups), or a decoder without
        penalty or shrinkage has more units than training trials.

    Notes
    -----
    "ridge" with ``times="together"`` costs the square of the number of times, and estimators of
    scikit-learn, logistic regression among them, are fitted one by one: times x folds x
    permutations of them.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12:55; Ledoit & Wolf (2004), J. Multivar. Anal. 88:365;
    King & Dehaene (2014), Trends Cogn. Sci. 18:203 (decoders of each time at all times); Ojala &
    Garriga (2010), J. Mach. Learn. Res. 11:1833 (permutations).
    """
    _check_options(model, times, penalties, shrinkage, grid, n_null)
    activity = of_units(activity)
    label = under_labels(activity, label)
    activity, arrived = in_label_order(activity)
    x = trial_activity(activity)
    codes, names = label_values(activity, label, x.shape, as_classes=_of_classes(model))
    if names is not None and not isinstance(model, str) and not _of_classes(model):
        raise ValueError(f"`label` holds words, and {model!r} predicts numbers: pass a classifier.")
    what = target(codes, names, one_each=model not in ("ridge", "linear"))
    grouped = group_codes(activity, groups, len(codes))
    fold_key, null_key = as_key(key), jax.random.fold_in(as_key(key), 1)
    strata = _strata(what, grouped)
    held_out = trial_folds(fold_key, grouped, strata, n_folds)
    balanced = held_out if strata.any() else None
    orders, exchanged = permutations(null_key, grouped, codes, n_null, within=balanced)
    # The labels as they are come first, so that ties with them are ties.
    orders = np.concatenate([np.arange(len(codes))[None], orders])
    guess, scores = _guesses(x, what, held_out, orders, model, times, penalties, shrinkage, grid)
    attrs = {
        "model": model if isinstance(model, str) else repr(model),
        "times": times,
        "n_folds": len(held_out),
        "n_groups": int(grouped.max()) + 1,
        "null": exchanged if n_null else "",
    }
    numbers = not _of_classes(model)
    return labelled_scores(activity, arrived, what, guess, scores, times, attrs, numbers=numbers)


def _of_classes(model: Any) -> bool:
    """Whether a decoder takes numbers for classes too."""
    if isinstance(model, str):
        return model in ("lda", "logistic")
    from sklearn.base import is_classifier

    return bool(is_classifier(model))


def _check_options(model, times, penalties, shrinkage, grid, n_null) -> None:
    """Refuse options that the decoder does not have."""
    if isinstance(model, str) and model not in get_args(Decoder):
        raise ValueError(f"model is one of {get_args(Decoder)} or an estimator, got {model!r}.")
    if not isinstance(model, str):
        checked_estimator(model, what=f"model is one of {get_args(Decoder)}")
    if times not in get_args(Times):
        raise ValueError(f"times is one of {get_args(Times)}, got {times!r}.")
    if penalties is not None and model not in ("ridge", "logistic"):
        raise ValueError(f"penalties belong to 'ridge' and 'logistic', not to {model!r}.")
    if shrinkage is not None and (model != "lda" or not 0 <= shrinkage <= 1):
        raise ValueError(f"shrinkage, from 0 to 1, belongs to 'lda'; got {shrinkage} of {model!r}.")
    if grid is not None and isinstance(model, str):
        raise ValueError(f"grid belongs to estimators of scikit-learn, not to {model!r}.")
    if n_null < 0:
        raise ValueError(f"n_null must be 0 at least, got {n_null}.")


def _strata(what: Target, groups: np.ndarray) -> np.ndarray:
    """Class or value of each trial, by which folds are balanced; refuses classes of one group.

    Zeros where values do not repeat, or vary within trials or groups.
    """
    values, codes = np.unique(what.codes, return_inverse=True)
    codes = codes.reshape(what.codes.shape)
    first = np.unique(groups, return_index=True)[1]
    of_group = codes[first]
    constant = bool((codes == of_group[groups][:, :1]).all())
    number = np.bincount(of_group[:, 0], minlength=values.size)
    if what.names is not None:
        if not constant:
            held = [np.unique(groups[(codes == k).any(axis=1)]).size for k in range(values.size)]
            number = np.asarray(held)
        if (number < 2).any():
            alone = what.names[int(number.argmin())]
            raise ValueError(
                f"class {alone!s} occurs in a single trial or group, which would have to be "
                "decoded without an example: leave it out, or join it with another."
            )
    if not constant or (number < 2).any():
        return np.zeros(len(groups), int)
    return codes[:, 0]


def _guesses(x, what: Target, held_out, orders, model, times, penalties, shrinkage, grid):
    """Predictions ``(train, trial, time, column)``, and scores ``(train, order, time)``."""
    n_train = int((~held_out).sum(axis=1).min()) * (x.shape[1] if times == "together" else 1)
    unpenalised = model == "linear" or shrinkage == 0
    if unpenalised and x.shape[2] > (most := n_train - max(what.n_classes, 1)):
        raise ValueError(
            f"{model!r} without {'a penalty' if model == 'linear' else 'shrinkage'} needs more "
            f"training samples than units: there are {x.shape[2]} units, and {most} at most can be "
            f"fitted. Use model={'ridge' if model == 'linear' else 'lda'!r}"
            f"{'' if model == 'linear' else ' without shrinkage=0'}."
        )
    if model in ("ridge", "linear", "lda"):
        least = [float(jnp.finfo(x.dtype).eps)]
        given = least if model == "linear" else PENALTIES if penalties is None else penalties
        options = Options(
            jnp.asarray(held_out),
            as_penalties(given, x.dtype),
            jnp.asarray(np.nan if shrinkage is None else shrinkage, x.dtype),
            jnp.asarray(what.middle, x.dtype),
        )
        goal, orders = jnp.asarray(what.goal, x.dtype), jnp.asarray(orders)
        kind = "lda" if model == "lda" else "ridge"
        found = decoded(x, goal, options, orders, kind=kind, times=times, n_classes=what.n_classes)
        return tuple(np.asarray(a, np.float64) for a in found)
    if model == "logistic":
        model, grid = _logistic(penalties)
    return decoded_by(model, np.asarray(x, np.float64), what, held_out, orders, times, grid)


def _logistic(penalties: Any) -> tuple[Any, dict[str, list[float]] | None]:
    """Logistic regression of standardised units, and the penalties to choose from."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    if penalties is None:
        return model, None
    strengths = 1 / np.asarray(as_penalties(penalties, jnp.result_type(float)), np.float64)
    return model, {"logisticregression__C": strengths.tolist()}
