"""Estimators with the interface of scikit-learn, fitted in each fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.analysis.prediction.decoded_labels import Target
from neurodyn.analysis.prediction.decoders import Times, scored

_scored = jax.jit(scored, static_argnames=("n_classes", "times"))


def checked_estimator(model: Any, *, what: str) -> Any:
    """Return an estimator, or refuse what is none.

    Raises
    ------
    TypeError
        If it has no `fit` and `predict`.
    """
    if not all(callable(getattr(model, name, None)) for name in ("fit", "predict")):
        raise TypeError(
            f"{what}, or an estimator of scikit-learn (with `fit` and `predict`), got {model!r}."
        )
    return model


def out_of_fold(
    model: Any,
    x: np.ndarray,
    y: np.ndarray,
    held_out: np.ndarray,
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    at: np.ndarray | None = None,
    scoring: str | None = None,
) -> np.ndarray:
    """Predictions of each row from the fold that held it out.

    Parameters
    ----------
    model
        An estimator, of which copies are fitted.
    x
        Predictors ``(row, time, unit)``; the times of a row are held out together.
    y
        What is predicted, ``(row, time, ...)``.
    held_out
        Rows of each fold.
    grid
        Values of parameters to choose from, on the other folds, one of them left out at a time.
    at
        Predictors ``(row, time, unit)`` that predictions are made from; default: `x`.
    scoring
        By which scikit-learn's name they are judged; default: by the score of the estimator.
    """
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    at = x if at is None else at
    fold = np.asarray(held_out).argmax(0)
    found = None
    for k in range(len(held_out)):
        train, test = fold != k, fold == k
        if not test.any():
            continue
        one = clone(model)
        if grid is not None:
            inner = PredefinedSplit(np.repeat(fold[train], x.shape[1]))
            one = GridSearchCV(one, dict(grid), cv=inner, scoring=scoring)
        one.fit(x[train].reshape(-1, x.shape[2]), _rows(y[train]))
        guess = np.asarray(one.predict(at[test].reshape(-1, x.shape[2])))
        shape = (len(at), at.shape[1], *y.shape[2:])
        found = np.empty(shape, guess.dtype) if found is None else found
        found[test] = guess.reshape(int(test.sum()), *shape[1:])
    return found


def _rows(y: np.ndarray) -> np.ndarray:
    """Rows and times stacked; a single column as a vector, as scikit-learn wants it."""
    flat = y.reshape(y.shape[0] * y.shape[1], *y.shape[2:])
    return flat[:, 0] if flat.ndim == 2 and flat.shape[1] == 1 else flat


def decoded_by(
    model: Any,
    x: np.ndarray,
    what: Target,
    held_out: np.ndarray,
    orders: np.ndarray,
    times: Times,
    grid: Mapping[str, Sequence[Any]] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions ``(train, trial, time, column)``, and scores ``(train, order, time)``.

    As `decoders.decoded`, of which this is the slow form.
    """
    n_times = x.shape[1]
    fits = [slice(None)] if times == "together" else [slice(t, t + 1) for t in range(n_times)]
    n_classes = what.n_classes
    # Classifiers predict the number of the class; regressors predict the label itself.
    label = what.codes.astype(int) if n_classes else what.goal[..., 0]

    def columns(values):
        one = values[..., None]
        return (one == np.arange(n_classes)).astype(np.float64) if n_classes else one

    def score(found, y):
        pair = (jnp.asarray(columns(v), jnp.result_type(float)) for v in (found, y))
        return _scored(*pair, jnp.asarray(what.middle), n_classes, times)

    guesses, scores = [], []
    for fit in fits:
        seen = slice(None) if times == "cross" else fit
        each = []
        for order in orders:
            y = label[order]
            found = out_of_fold(model, x[:, fit], y[:, fit], held_out, grid, at=x[:, seen])
            if not each:
                guesses.append(columns(found))
            each.append(score(found, y[:, seen]))
        scores.append(np.stack(each))
    return np.stack(guesses), np.stack(scores).astype(np.float64)
