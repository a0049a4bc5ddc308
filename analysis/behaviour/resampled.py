"""Trials drawn again with replacement, within their sessions, in draws that no order changes."""

from __future__ import annotations

import zlib
from typing import Any

import jax
import numpy as np

from neurodyn.common.checks import plain_number, whole
from neurodyn.common.random import as_key


def draws_of(key: Any, name: str) -> np.random.Generator:
    """Random numbers that belong to a key and the labels of a group of trials."""
    words = np.asarray(jax.random.key_data(as_key(key, needed_for="A bootstrap"))).tolist()
    return np.random.default_rng([*words, zlib.crc32(name.encode())])


def counts(
    rng: np.random.Generator, cell: np.ndarray, stratum: np.ndarray, n_cells: int, n_boot: int
) -> np.ndarray:
    """How many trials of each cell a bootstrap draws, (n_boot, n_cells).

    Trials of one cell, such as those with one level and one choice, stand for each other, so
    what is drawn depends on their number and not on their order.
    """
    drawn = np.zeros((n_boot, n_cells))
    for one in np.unique(stratum):
        there = np.bincount(cell[stratum == one], minlength=n_cells)
        held = np.flatnonzero(there)
        total = int(there.sum())
        drawn[:, held] += rng.multinomial(total, there[held] / total, size=n_boot)
    return drawn


def resamples(
    rng: np.random.Generator, values: np.ndarray, stratum: np.ndarray, n_boot: int
) -> np.ndarray:
    """Values drawn again within each stratum, (n_boot, n)."""
    drawn = []
    for one in np.unique(stratum):
        own = np.sort(values[stratum == one])
        drawn.append(own[rng.integers(0, own.size, (n_boot, own.size))])
    return np.concatenate(drawn, axis=1)


def ends(draws: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The percentile interval over the first axis."""
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    return low, high


def check(level: float, n_boot: int) -> None:
    """Refuse a coverage outside of (0, 1), and no draws.

    Raises
    ------
    ValueError
        Naming the argument.
    """
    if not 0 < plain_number("level", level) < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    whole("n_boot", n_boot)
