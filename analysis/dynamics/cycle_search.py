"""Search for cycles of piecewise-linear maps with too many regions to try them all."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float

from neurodyn.analysis.dynamics.pieces import Pieces, primitive_words, solve_words
from neurodyn.common.random import as_key

#: A search ends after this number of rounds in a row without a new cycle.
PATIENCE = 2


def search_words(
    pieces: Pieces,
    order: int,
    *,
    starts: int,
    inner: int,
    box: float,
    states: Float[np.ndarray, "time latent"] | None,
    key: Any,
) -> tuple[Bool[np.ndarray, "word phase gate"], int]:
    """Words of the cycles of one order that a heuristic search finds.

    Each start assumes regions, solves for the cycle through them, and runs the map from there. If
    it passes the regions that were assumed, the cycle is real; otherwise the regions that it did
    pass are assumed next. Starts that cannot go on (no isolated solution, or a word that was
    assumed before in this start) are drawn anew. All starts of a round run together.

    Parameters
    ----------
    pieces
        The map.
    order
        Number of points of the cycles.
    starts
        Starts in a round. Rounds go on until two in a row find nothing new.
    inner
        How often each start may assume other regions.
    box
        Regions to start from are those of points drawn uniformly from ``[-box, box]`` in every
        dimension, so that only regions that exist are drawn.
    states
        A trajectory; if given, every second start assumes the regions of a stretch of it.
    key
        Seed.

    Returns
    -------
    words
        Different words of real cycles.
    rounds
        How many rounds it took.

    References
    ----------
    Eisenmann, Monfared, Göring & Durstewitz, NeurIPS 2023 (SCYFI).
    """
    seed = np.asarray(jax.random.key_data(as_key(key, needed_for="The search"))).tolist()
    rng = np.random.default_rng(seed)
    pool = None if states is None else pieces.mask(states)
    found = np.empty((0, order, pieces.n_gates), bool)
    rounds, idle = 0, 0
    while idle < PATIENCE:
        new = _round(pieces, order, starts, inner, box, pool, rng)
        merged = primitive_words(np.concatenate([found, new]))
        idle = 0 if len(merged) > len(found) else idle + 1
        found, rounds = merged, rounds + 1
    return found, rounds


def _round(pieces, order, starts, inner, box, pool, rng) -> np.ndarray:
    words = _draw(pieces, starts, order, box, pool, rng)
    before = [words]
    real = []
    for _ in range(inner):
        solved = solve_words(pieces, words)
        real.append(words[solved.real])
        visited = _run(pieces, solved.states[:, 0], order)
        stuck = solved.real | ~np.isfinite(solved.states[:, 0]).all(-1)
        for earlier in before[-2:]:  # assumed before: a fixed point or a two-cycle of the search
            stuck |= (visited == earlier).all((1, 2))
        words = np.where(
            stuck[:, None, None], _draw(pieces, starts, order, box, pool, rng), visited
        )
        before.append(words)
    return np.concatenate(real)


def _run(pieces: Pieces, start: np.ndarray, order: int) -> np.ndarray:
    """Regions that the map passes when it starts from these states."""
    states, masks = start, []
    for _ in range(order):
        masks.append(pieces.mask(states))
        states = pieces.step(states)
    return np.stack(masks, axis=1)


def _draw(pieces, starts, order, box, pool, rng) -> np.ndarray:
    points = rng.uniform(-box, box, (starts * order, pieces.n_latent))
    words = pieces.mask(points).reshape(starts, order, -1)
    if pool is not None:
        first = rng.integers(0, len(pool) - order + 1, starts)
        stretch = pool[first[:, None] + np.arange(order)]
        words[::2] = stretch[::2]
    return words
