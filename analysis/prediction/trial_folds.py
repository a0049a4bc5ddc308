"""Folds and permutations of trials that respect classes and groups."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Int

from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.folds import n_folds_for


def trial_folds(
    key: Any,
    groups: Int[np.ndarray, " trial"],
    strata: Int[np.ndarray, " trial"],
    n_folds: int | None,
) -> Bool[np.ndarray, "fold trial"]:
    """Trials that each fold holds out: whole groups, and of each class as many in every fold.

    Parameters
    ----------
    key
        JAX key.
    groups
        Number of each trial's group.
    strata
        Class of each trial, all trials of a group being of one; zeros where classes do not count.
    n_folds
        Default 10, or one a group where there are fewer.

    Raises
    ------
    ValueError
        If there are fewer than three groups, or not between two and their number of folds.
    """
    n = int(groups.max()) + 1
    n_folds = n_folds_for(n, n_folds)
    of_group = np.zeros(n, int)
    of_group[groups] = strata
    random = np.asarray(jax.random.permutation(key, n))
    rank = np.empty(n, int)
    rank[np.lexsort((random, of_group))] = np.arange(n)
    return (rank % n_folds)[groups][None, :] == np.arange(n_folds)[:, None]


def permutations(
    key: Any,
    groups: Int[np.ndarray, " trial"],
    labels: np.ndarray,
    n: int,
    *,
    within: Bool[np.ndarray, "fold trial"] | None = None,
) -> tuple[Int[np.ndarray, "draw trial"], str]:
    """Orders of trials in which labels are exchanged, and in words between what.

    Parameters
    ----------
    key
        Seed or JAX key.
    groups
        Number of each trial's group.
    labels
        ``(trial, time)``. Where they differ within groups, trials of one group are exchanged, and
        what differs between groups stays; else whole groups are exchanged.
    n
        Number of permutations.
    within
        Folds that were balanced by the labels. Orders then keep them balanced: labels are exchanged
        within folds, and whole folds of one size with each other. Otherwise permuted labels would
        lie in worse folds than the true ones, and p values would be too small.
    """
    rng = generator(key, needed_for="A null distribution")
    n_groups = int(groups.max()) + 1
    first = np.unique(groups, return_index=True)[1]
    alone = n_groups == groups.size
    if not alone and (labels != labels[first][groups]).any():
        target = np.argsort(groups, kind="stable")
        orders = np.empty((n, groups.size), int)
        orders[:, target] = np.argsort(groups[None, :] + rng.random((n, groups.size)), axis=1)
        return orders, "labels exchanged between trials of a group"
    fold = np.zeros(n_groups, int) if within is None else within.argmax(0)[first]
    size = np.bincount(fold)
    order = np.empty((n, n_groups), int)
    rank = np.argsort(np.argsort(size[None] + rng.random((n, size.size)), axis=1), axis=1)
    by_size = np.argsort(np.argsort(size, kind="stable"))
    target = np.argsort(by_size[fold], kind="stable")
    order[:, target] = np.argsort(rank[:, fold] + rng.random((n, n_groups)), axis=1)
    return first[order][:, groups], f"labels exchanged between {'trials' if alone else 'groups'}"
