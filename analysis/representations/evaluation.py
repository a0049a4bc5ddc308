"""Scores of models with subjects, with weights of conditions and subjects: functions in JAX."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.analysis.representations.candidates import fitted
from neurodyn.analysis.representations.comparisons import Comparison, scores, weights_of
from neurodyn.analysis.representations.pooled import with_mean, with_others
from neurodyn.analysis.representations.squares import place_of_pairs, upper

#: Conditions that a score needs.
LEAST = 3


class Study(NamedTuple):
    """What is compared.

    Attributes
    ----------
    models
        Components of each model.
    lists
        Dissimilarities of each subject.
    known
        1 for pairs with a value.
    variance
        Variance of the noise of each condition.
    """

    models: tuple[Float[Array, "component pair"], ...]
    lists: Float[Array, "subject pair"]
    known: Float[Array, " pair"]
    variance: Float[Array, " condition"]


class Plan(NamedTuple):
    """How it is compared (all of this is fixed when programs are compiled).

    Attributes
    ----------
    how
        The comparison.
    kinds
        Kind of each model.
    n_folds
        Folds of the conditions and of the subjects; 1: none are held out.
    """

    how: Comparison
    kinds: tuple[str, ...]
    n_folds: tuple[int, int]


class Trial(NamedTuple):
    """One or many ways to weigh, order and split what there is.

    Attributes
    ----------
    conditions, subjects
        How often each counts.
    order
        Which condition of the subjects stands for each of the models.
    of_condition, of_subject
        The fold of each.
    """

    conditions: Float[Array, "*many condition"]
    subjects: Float[Array, "*many subject"]
    order: Int[Array, "*many condition"]
    of_condition: Int[Array, "*many condition"]
    of_subject: Int[Array, "*many subject"]


@functools.partial(jax.jit, static_argnames="plan")
def evaluated(plan: Plan, study: Study, trials: Trial) -> Float[Array, "many row subject"]:
    """Score of each model with each subject, and under it the lower and the upper ceiling.

    NaN where folds hold too few conditions or subjects.
    """
    k, m = plan.n_folds
    i, j = upper(study.variance.size)
    where = jnp.asarray(place_of_pairs(study.variance.size))
    a, b = (x.ravel() for x in np.meshgrid(np.arange(k), np.arange(m)))

    def one(trial: Trial):
        take = where[trial.order[i], trial.order[j]]
        other = study._replace(
            lists=study.lists[:, take],
            known=study.known * study.known[take],
            variance=study.variance[trial.order],
        )

        def fold(a, b):
            return _fold(plan, other, trial, trial.of_condition == a, trial.of_subject == b)

        rows, enough = jax.vmap(fold)(jnp.asarray(a), jnp.asarray(b))
        # Each subject is tested in one fold of subjects, with every fold of conditions.
        return jnp.where(enough.all(), rows.sum(axis=0) / k, jnp.nan)

    return jax.lax.map(one, trials)


def _fold(plan: Plan, study: Study, trial: Trial, held, tested):
    """Rows of one fold, 0 for subjects that it does not test, and whether it holds enough."""
    how, (k, m) = plan.how, plan.n_folds
    conditions, subjects = trial.conditions, trial.subjects
    n, dtype = conditions.size, study.lists.dtype
    held, tested = held.astype(dtype), tested.astype(dtype)
    test = weights_of(n, study.known, condition=conditions * held, variance=study.variance)
    train = test
    if k > 1:
        rest = conditions * (1 - held)
        train = weights_of(n, study.known, condition=rest, variance=study.variance)
    fitting = subjects * (1 - tested) if m > 1 else subjects
    lists = study.lists
    predicted = jnp.stack(
        [
            fitted(kind, how, components, lists, fitting, train) @ components
            for kind, components in zip(plan.kinds, study.models, strict=True)
        ]
    )
    found = scores(how, predicted, lists, test)
    high = with_mean(how, lists, subjects, test)
    low = (with_mean if m > 1 else with_others)(how, lists, fitting, test)
    rows = jnp.concatenate([found, low[None], high[None]]) * tested[None, :]
    enough = (test.condition > 0).sum() >= LEAST
    enough &= (train.condition > 0).sum() >= LEAST
    return rows, enough & ((subjects > 0).sum() >= min(2 if m == 1 else m, subjects.size))


@functools.partial(jax.jit, static_argnames="plan")
def weights_on_all(plan: Plan, study: Study) -> list[Array]:
    """Weights of the components of each model, fitted to all subjects and conditions."""
    n, dtype = study.variance.size, study.lists.dtype
    w = weights_of(n, study.known, variance=study.variance, dtype=dtype)
    counts = jnp.ones(study.lists.shape[0], dtype)
    return [
        fitted(kind, plan.how, components, study.lists, counts, w)
        for kind, components in zip(plan.kinds, study.models, strict=True)
    ]
