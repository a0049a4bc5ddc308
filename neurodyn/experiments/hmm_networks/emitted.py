"""Emitted symbols of a network against those of the hidden Markov model that it emulates."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.experiments.hmm_networks.driven import Driven
from neurodyn.experiments.hmm_networks.settings import Settings
from neurodyn.tasks import HiddenMarkov
from neurodyn.training import sinkhorn_divergence

#: Sequences of a divergence in the scores.
_N_DIVERGENCE = 512


def emissions(
    settings: Settings, source: HiddenMarkov, run: Driven, key: Any
) -> tuple[xr.Dataset, dict[str, tuple]]:
    """Statistics of emitted symbols: of the network, of a sample as large, and exact ones.

    Returns
    -------
    Dataset on (repetition, symbol, next, state, state_to), and scores.
    """
    k_sample, k_one, k_two = jax.random.split(key, 3)
    long = dataclasses.replace(source, n_steps=settings.run_steps)
    drawn = np.asarray(long.paths(k_sample, settings.n_trials)[1])
    both = (run.symbols, drawn)
    joint = np.stack([_pairs(s, long.emissions.shape[1]) for s in both])
    with np.errstate(invalid="ignore"):
        pairs = joint / joint.sum(-1, keepdims=True)
    decoded = np.stack([_moves(long, s) for s in both])
    frequency = joint.sum(-1)
    exact, moves = source.frequencies(), np.asarray(source.transitions, np.float64)
    exact_joint = exact[:, None] * np.nan_to_num(source.pairs())
    likelihood = [long.log_likelihood(s) / s.shape[1] for s in both]
    scores = {}
    for i, name in enumerate(("", "_source")):
        of = "a sample of the source" if name else "the network"
        possible = np.isfinite(likelihood[i])
        scores |= {
            f"frequency_error{name}": score(
                np.abs(frequency[i] - exact).max(), f"largest error of a frequency, {of}"
            ),
            f"pairs_error{name}": score(
                np.abs(joint[i] - exact_joint).sum() / 2, f"total variation of pairs, {of}"
            ),
            f"stay{name}": score(
                np.diag(decoded[i]) @ source.stationary(),
                f"probability of staying in a decoded state, {of}",
            ),
            f"log_likelihood{name}": score(
                likelihood[i][possible].mean() if possible.any() else np.nan,
                f"log-likelihood per step (nat), {of}",
            ),
            f"impossible{name}": score(1 - possible.mean(), f"share of impossible sequences, {of}"),
        }
    mine = _one_hot(_stretches(run.symbols, settings.n_steps)[:_N_DIVERGENCE], source)
    held = [_one_hot(np.asarray(source.paths(k, len(mine))[1]), source) for k in (k_one, k_two)]
    for name, first in (("divergence", mine), ("divergence_source", held[1])):
        of = "two batches of the source" if "source" in name else "network and source"
        value = sinkhorn_divergence(first, held[0], blur=settings.blur, iterations=100)
        scores[name] = score(float(value), f"Sinkhorn divergence, {of}")
    ds = labels.dataset(
        {
            "frequency": (
                ("repetition", "symbol"),
                np.concatenate([frequency, exact[None]]),
                "1",
                "frequency of a symbol",
            ),
            "pairs": (
                ("repetition", "symbol", "next"),
                np.concatenate([pairs, source.pairs()[None]]),
                "1",
                "probability of the next symbol",
            ),
            "decoded": (
                ("repetition", "state", "state_to"),
                np.concatenate([decoded, moves[None]]),
                "1",
                "probability of the next decoded state",
            ),
        },
        {"repetition": np.array(["network", "sample of the source", "exact"])},
        source="analysis",
        kind="statistic",
        dims=("state", "state_to"),
        values=False,
    )
    return ds, scores


def score(value: Any, about: str) -> tuple:
    """A number as a variable of a dataset."""
    return (), float(value), "1", about


def _pairs(symbols: np.ndarray, n: int) -> np.ndarray:
    """Joint frequency of successive symbols."""
    joint = np.zeros((n, n))
    np.add.at(joint, (symbols[:, :-1].ravel(), symbols[:, 1:].ravel()), 1)
    return joint / joint.sum()


def _moves(source: HiddenMarkov, symbols: np.ndarray) -> np.ndarray:
    """Transition probabilities of the most likely paths."""
    joint = _pairs(source.decode(symbols), len(source.transitions))
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(joint / joint.sum(1, keepdims=True))


def _stretches(symbols: np.ndarray, n: int) -> np.ndarray:
    """Sequences of `n` symbols, apart from each other by as much as they last."""
    starts = range(0, symbols.shape[1] - n + 1, 2 * n)
    return np.concatenate([symbols[:, i : i + n] for i in starts])


def _one_hot(symbols: np.ndarray, source: HiddenMarkov) -> jax.Array:
    n = source.emissions.shape[1]
    return jnp.asarray(np.eye(n, dtype=np.float32)[symbols].reshape(len(symbols), -1))
