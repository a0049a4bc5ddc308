"""Random draws, shuffles and folds of conditions and subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurodyn.analysis.representations.evaluation import Trial

#: What is drawn, for the factors that results are to hold beyond.
FACTORS = {
    ("condition", "subject"): ("both", "subject", "condition"),
    ("condition",): ("condition",),
    ("subject",): ("subject",),
}


def as_they_are(
    rng: np.random.Generator, sizes: Mapping[str, int], folds: tuple[int, int], n: int
) -> Trial:
    """All conditions and subjects once, with `n` choices of folds."""
    c, s = (np.ones((n, sizes[name])) for name in ("condition", "subject"))
    return _split(rng, c, s, folds)


def bootstrap_draws(
    rng: np.random.Generator,
    sizes: Mapping[str, int],
    folds: tuple[int, int],
    over: tuple[str, ...],
    n: int,
) -> tuple[Trial, tuple[int, int, int]]:
    """Conditions and subjects drawn with replacement, with two choices of folds for each.

    Also the axes of the draws: draw, what is drawn (`FACTORS`), and choice of folds.
    """
    factors, choices = FACTORS[over], 2 if max(folds) > 1 else 1
    drawn = {}
    for name, size in sizes.items():
        chosen = rng.integers(0, size, (n, size))
        counts = np.stack([np.bincount(row, minlength=size) for row in chosen])
        of = [counts if f in ("both", name) else np.ones_like(counts) for f in factors]
        drawn[name] = np.repeat(np.stack(of, axis=1).reshape(-1, size), choices, axis=0) * 1.0
    return _split(rng, drawn["condition"], drawn["subject"], folds), (n, len(factors), choices)


def shuffles(
    rng: np.random.Generator, sizes: Mapping[str, int], folds: tuple[int, int], n: int
) -> Trial:
    """The conditions as they are, and then in `n` random orders; all with the same folds."""
    trial = as_they_are(rng, sizes, folds, 1)
    order = np.tile(np.arange(sizes["condition"]), (n, 1))
    repeated: list[Any] = [np.repeat(x, n + 1, axis=0) for x in trial]
    orders: Any = np.concatenate([trial.order, rng.permuted(order, axis=1)])
    return Trial(*repeated)._replace(order=orders)


def together(trials: list[Trial]) -> Trial:
    """All of these, one after the other."""
    joined: list[Any] = [np.concatenate(parts) for parts in zip(*trials, strict=True)]
    return Trial(*joined)


def _split(rng, conditions: np.ndarray, subjects: np.ndarray, folds: tuple[int, int]) -> Trial:
    order = np.tile(np.arange(conditions.shape[1]), (len(conditions), 1))
    of = [_folds(rng, x > 0, k) for x, k in zip((conditions, subjects), folds, strict=True)]
    parts: list[Any] = [conditions, subjects, order, *of]
    return Trial(*parts)


def _folds(rng, present: np.ndarray, k: int) -> np.ndarray:
    """A random fold for each entry that is there, all of about the same size."""
    at = np.where(present, rng.random(present.shape), np.inf)
    return at.argsort(axis=1).argsort(axis=1) % k
