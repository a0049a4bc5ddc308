"""Symbolic dynamics: which linear regions a trajectory visits, and in which order."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from neurodyn.analysis.dynamics.pieces import Pieces, gate_codes
from neurodyn.analysis.dynamics.symbol_sequences import (
    as_rows,
    at_level,
    read_sequence,
    read_states,
    visits_of,
)
from neurodyn.analysis.shared.results import described, results, table
from neurodyn.labels.only import takes


@takes(states=[])
def symbols(system: Any, states: xr.DataArray | ArrayLike) -> xr.Dataset:
    """Write a trajectory as a sequence of the linear regions that it visits.

    A region is where the same rectifiers of the map are open (their argument is above zero).
    Regions are numbered by how long the trajectory stays in them, the most visited being 0.

    Parameters
    ----------
    system
        A map with ``n_relu``, ``step``, ``mask`` and ``affine``: any model of the PLRNN family.
    states
        Trajectory of its latent states: array ``(time, latent)`` or ``(trial, time, latent)``, or a
        DataArray with these dims, the last one under any name.

    Returns
    -------
    ``symbol`` ([trial], time)
        Number of the region.
    ``frequency``, ``coverage`` (region)
        Share of the time spent there, and cumulated over the regions so far.
    ``visits``, ``dwell`` (region)
        How often it was entered (or started in), and the mean number of steps of a visit.
    ``mask`` (region, gate)
        Which rectifiers are open; the coordinate ``code`` (region) writes it as text. Missing
        where there are no rectifiers.
    ``centroid`` (region, latent)
        Mean state, the place of the region in a geometric graph.

    Raises
    ------
    TypeError
        If `system` is no such map.
    LabelError
        If dims or sizes do not fit.
    ValueError
        If the trajectory is not finite: it has diverged, and has no symbols.

    References
    ----------
    Brenner et al., NeurIPS 2024 (almost-linear RNNs).
    """
    pieces = Pieces(system)
    array, coords = read_states(states, pieces.n_latent)
    rows = array.reshape(-1, pieces.n_latent)
    masks, index, counts = np.unique(
        pieces.mask(rows), axis=0, return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    sequence = rank[index.reshape(array.shape[:-1])]
    masks, counts = masks[order], counts[order]
    centroid = np.stack(
        [np.bincount(sequence.ravel(), column) / counts for column in rows.T.astype(np.float64)], -1
    )
    visits = sum(np.bincount(visits_of(row), minlength=order.size) for row in as_rows(sequence))
    dims = ("trial", "time")[2 - sequence.ndim :]
    gates = {"mask": (("region", "gate"), masks, "1", "whether a rectifier is open")}
    return results(
        {
            "symbol": (dims, sequence, "1", "linear region"),
            "frequency": ("region", counts / index.size, "1", "share of time"),
            "coverage": ("region", np.cumsum(counts) / index.size, "1", "cumulative share of time"),
            "visits": ("region", visits, "1", "number of visits"),
            "dwell": ("region", counts / visits, "1", "mean duration of a visit in steps"),
            "centroid": (("region", "latent"), centroid, "1", "mean state in the region"),
            **(gates if pieces.n_gates else {}),
        },
        {**coords, "code": ("region", gate_codes(masks), "1", "open rectifiers, as text")},
        system=type(system).__name__,
        n_regions_possible=2.0**pieces.n_gates,
    )


def transitions(coded: xr.Dataset | ArrayLike) -> xr.Dataset:
    """Count which region follows which, visit by visit.

    A visit is a stretch of time in one region, so that no region follows itself here: how long
    visits last is in ``dwell`` of `symbols`.

    Parameters
    ----------
    coded
        Result of `symbols`, or a sequence of symbols ``(time,)`` or ``(trial, time)``: integers
        from 0.

    Returns
    -------
    ``count`` (region, region_to)
        Transitions from a visit to the next.
    ``probability`` (region, region_to)
        The same as shares of each row; NaN in the row of a region that was never left.
    ``adjacency`` (region, region_to)
        The topological graph: whether it was ever observed.
    ``connectome`` (region, region_to)
        The joint form of Brenner et al. 2024: transitions between visits that ended, plus one count
        on the diagonal for each such visit, as shares of all counts. Its rows do not sum to 1.

    Raises
    ------
    LabelError
        If there are no symbols, or they are not integers from 0.

    References
    ----------
    Brenner et al., NeurIPS 2024.
    """
    sequence, regions = read_sequence(coded)
    n = regions.size
    count, joint = np.zeros((n, n), int), np.zeros((n, n), int)
    for row in as_rows(sequence):
        visits = visits_of(row)
        np.add.at(count, (visits[:-1], visits[1:]), 1)
        ended = visits[:-1]
        np.add.at(joint, (ended[:-1], ended[1:]), 1)
        np.add.at(joint, (ended, ended), 1)
    left = count.sum(1, keepdims=True)
    with np.errstate(invalid="ignore"):
        probability = np.where(left > 0, count / left, np.nan)
    dims = ("region", "region_to")
    variables = {
        "count": (dims, count, "1", "number of transitions"),
        "probability": (dims, probability, "1", "probability of the transition"),
        "adjacency": (dims, count > 0, "1", "whether the transition occurs"),
        "connectome": (dims, joint / max(joint.sum(), 1), "1", "share of transitions and visits"),
    }
    coords: dict[str, Any] = {"region": regions, "region_to": regions}
    if isinstance(coded, xr.Dataset) and "code" in coded:
        code = coded["code"].variable
        coords |= {"code": code, "code_to": ("region_to", code.values, code.attrs)}
    return table(variables, coords, level="visit")


def topological_entropy(coded: xr.Dataset | ArrayLike, *, level: str = "visit") -> xr.DataArray:
    """Entropy of the topological graph: how fast the number of possible symbol sequences grows.

    It is the logarithm of the spectral radius of the matrix of observed transitions. That is the
    entropy of the *dynamics* only if the regions form a Markov partition (every sequence that the
    graph allows occurs), which trained models need not do; in general it is an upper bound on the
    entropy of the symbol sequences. `word_growth` counts the sequences that do occur.

    Parameters
    ----------
    coded
        Result of `symbols`, or a sequence of symbols ``(time,)`` or ``(trial, time)``.
    level
        ``"visit"``: nats per visit, without the self-loops. ``"step"``: nats per step, with them;
        for a system that stays in a region for many steps this is far too large, since the graph
        then allows visits of any length (0.88 instead of 0.009 nats per step in a model of the
        Lorenz system).

    Returns
    -------
    DataArray without dims [nats per visit or step]. 0 where the graph has no cycle.

    Raises
    ------
    LabelError
        If there are no symbols.
    ValueError
        For an unknown level.
    """
    sequence, regions = read_sequence(coded)
    adjacency = np.zeros((regions.size, regions.size))
    for row in at_level(sequence, level):
        adjacency[row[:-1], row[1:]] = 1.0
    radius = np.abs(np.linalg.eigvals(adjacency)).max()
    return xr.DataArray(
        np.log(max(radius, 1.0)),
        name="topological_entropy",
        attrs={"units": "1", "long_name": f"topological entropy in nats per {level}"},
    )


def word_growth(
    coded: xr.Dataset | ArrayLike, max_length: int = 10, *, level: str = "visit"
) -> xr.Dataset:
    """Count the different words in a symbol sequence, by their length.

    If all words of length k are seen, ``log(n_words) / k`` bounds the topological entropy of the
    code from above and tends to it; it is that of the dynamics only where the regions separate all
    orbits. ``growth`` usually comes closer at the same length, but is no bound. A sequence too
    short to show all words makes both too small: compare ``n_words`` with ``n_windows``.

    Parameters
    ----------
    coded
        Result of `symbols`, or a sequence of symbols ``(time,)`` or ``(trial, time)``.
    max_length
        Longest words.
    level
        Whether symbols are those of visits or of steps.

    Returns
    -------
    ``n_words`` (length)
        Different words of 1 ... `max_length` symbols.
    ``n_windows`` (length)
        Stretches of the sequence of that length: no more words can be seen.
    ``growth`` (length)
        ``log(n_words)`` minus that of words one shorter [nats per visit or step]; NaN for words of
        one symbol.

    Raises
    ------
    LabelError
        If there are no symbols.
    ValueError
        For an unknown level, or if the sequence is shorter than the words.
    """
    sequence, regions = read_sequence(coded)
    n, rows = regions.size, at_level(sequence, level)
    longest = max(row.size for row in rows)
    if not 1 <= max_length <= longest:
        raise ValueError(
            f"max_length must be from 1 to {longest}, the {level}s in the longest sequence; got "
            f"{max_length}."
        )
    words = rows
    n_words, n_windows = [], []
    for length in range(1, max_length + 1):
        if length > 1:  # a word is the word without its last symbol, and that symbol
            words = [
                word[: max(row.size - length + 1, 0)] * n + row[length - 1 :]
                for word, row in zip(words, rows, strict=True)
            ]
        joined = np.concatenate(words)
        distinct, names = np.unique(joined, return_inverse=True)
        words = np.split(names, np.cumsum([word.size for word in words])[:-1])
        n_words.append(distinct.size)
        n_windows.append(joined.size)
    growth = np.diff(np.log(n_words), prepend=np.nan)
    variables = {
        "n_words": ("length", n_words, "1", "number of different words"),
        "n_windows": ("length", n_windows, "1", "number of stretches of that length"),
        "growth": ("length", growth, "1", f"growth of the number of words in nats per {level}"),
    }
    length = described("length", np.arange(1, max_length + 1), "1", "word length")
    return table(variables, {"length": length}, level=level)
