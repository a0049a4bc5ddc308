"""Words of symbols: statistics of the sequences that a source emits."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.analysis.shared.results import described, results
from neurodyn.labels import LabelError, clock
from neurodyn.labels.only import takes


@takes(symbols=["time"])
def word_frequencies(
    symbols: xr.DataArray, length: int, *, n_symbols: int | None = None
) -> xr.Dataset:
    """How often each word occurs in windows that slide over the sequences.

    Parameters
    ----------
    symbols
        Whole numbers from 0, with dim `time`; windows do not cross from one trial (or any other
        dim) to the next.
    length
        Symbols in a word.
    n_symbols
        Number of symbols; default: as `symbolise` noted, else the largest seen, plus one.

    Returns
    -------
    Dataset on `word`, words that occur in lexical order: ``count`` and ``probability``, the
    coordinate ``word`` spells them.

    Raises
    ------
    LabelError, ValueError
        If there is no `time`, values are no symbols, or sequences are shorter than a word.
    """
    array = _symbols(symbols)
    if not 1 <= length <= array.shape[-1]:
        raise ValueError(
            f"`length` must lie between 1 and the {array.shape[-1]} steps of a sequence, got "
            f"{length}."
        )
    n_symbols = _n_symbols(symbols, array, n_symbols)
    windows = np.lib.stride_tricks.sliding_window_view(array, length, axis=-1)
    words, counts = np.unique(windows.reshape(-1, length), axis=0, return_counts=True)
    return _words(words, counts / counts.sum(), counts, n_symbols)


def true_words(machine: Any, length: int) -> xr.Dataset:
    """Exact word probabilities of a source that knows them.

    Parameters
    ----------
    machine
        With ``words(length) -> words, probability``, as :class:`neurodyn.tasks.StateMachine`.
    length
        Symbols in a word.

    Returns
    -------
    Dataset on `word`, as of :func:`word_frequencies`, without counts.
    """
    words, probability = machine.words(length)
    return _words(words, probability, None, int(words.max()) + 1)


def word_divergence(
    true: xr.Dataset, generated: xr.Dataset, *, pseudocount: float = 0.5
) -> xr.Dataset:
    r"""Kullback-Leibler divergence of generated from true words.

    The divergence is :math:`\sum_w p(w) \ln (p(w) / q(w))` with
    :math:`q(w) = (n_w + a) / (N + a K)`, where K counts the words that are possible or occurred:
    a word that should occur and did not would else make it infinite. It is not 0 for a perfect
    source of finite length: about ``(K - 1) / 2 N`` for independent words, more for sliding
    windows; draw true sequences of the same length to see the floor.

    Parameters
    ----------
    true
        Probabilities, from :func:`true_words` or :func:`word_frequencies`.
    generated
        Counts, from :func:`word_frequencies`.
    pseudocount
        The a above; 0.5 is the choice of Krichevsky and Trofimov.

    Returns
    -------
    Dataset: ``divergence`` [nat]; ``illegal``, the fraction of generated words whose true
    probability is 0; ``n_words`` and ``n_illegal``, distinct words; ``missing``, the true
    probability of words that were not generated.

    Raises
    ------
    ValueError
        If words differ in length or in the number of symbols, there are no counts, or the
        pseudocount is not positive.

    References
    ----------
    Kullback & Leibler, Ann. Math. Stat. 1951; Krichevsky & Trofimov, IEEE Trans. Inf. Theory 1981.
    """
    if true.attrs["length"] != generated.attrs["length"]:
        raise ValueError(
            f"`true` has words of {true.attrs['length']} symbols, `generated` of "
            f"{generated.attrs['length']}."
        )
    if true.attrs["n_symbols"] != generated.attrs["n_symbols"]:
        raise ValueError(
            f"`true` is over {true.attrs['n_symbols']} symbols, `generated` over "
            f"{generated.attrs['n_symbols']}, and words are spelt by their number: give "
            "word_frequencies the `n_symbols` of the source."
        )
    if "count" not in generated:
        raise ValueError("`generated` has no counts: it is made by word_frequencies.")
    if not pseudocount > 0:
        raise ValueError(f"`pseudocount` must be positive, got {pseudocount}.")
    p = dict(zip(true["word"].values.tolist(), true["probability"].values.tolist(), strict=True))
    n = dict(zip(generated["word"].values.tolist(), generated["count"].values, strict=True))
    total, distinct = sum(n.values()), len(set(p) | set(n))
    q = {w: (n.get(w, 0) + pseudocount) / (total + pseudocount * distinct) for w in p}
    divergence = sum(p[w] * np.log(p[w] / q[w]) for w in p if p[w] > 0)
    wrong = [w for w in n if p.get(w, 0.0) <= 0]
    illegal, missing = sum(n[w] for w in wrong) / total, sum(p[w] for w in p if w not in n)
    variables = {
        "divergence": ((), divergence, "nat", "divergence of generated from true words"),
        "illegal": ((), illegal, "1", "fraction of generated words that cannot occur"),
        "n_words": ((), len(n), "1", "distinct words generated"),
        "n_illegal": ((), len(wrong), "1", "distinct words generated that cannot occur"),
        "missing": ((), missing, "1", "true probability of words that were not generated"),
    }
    return results(variables, pseudocount=float(pseudocount), length=int(true.attrs["length"]))


@takes(symbols=["time"])
def entropy_rate(
    symbols: xr.DataArray, length: int, *, n_symbols: int | None = None
) -> xr.DataArray:
    """Entropy of the next symbol given those before it, from the words that occur.

    The difference of the entropies of words of `length` and of `length` - 1 symbols, each
    estimated from frequencies with the correction of Miller for few samples. A bound from above,
    as far as it is unbiased: longer words see more of the past, and need more data.

    Parameters
    ----------
    symbols, n_symbols
        As for :func:`word_frequencies`.
    length
        Symbols in the longer words, the next one included.

    Returns
    -------
    DataArray [nat per step].

    References
    ----------
    Miller, in Information Theory in Psychology, 1955 (the correction).
    """

    def entropy(n: int) -> float:
        if n == 0:
            return 0.0
        words = word_frequencies(symbols, n, n_symbols=n_symbols)
        p, total = words["probability"].values, int(words["count"].sum())
        return float(-(p * np.log(p)).sum() + (len(p) - 1) / (2 * total))

    if length < 1:
        raise ValueError(f"`length` must be at least 1, got {length}.")
    value = entropy(length) - entropy(length - 1)
    attrs = {"units": "nat", "long_name": "entropy rate per step", "length": int(length)}
    return xr.DataArray(value, name="entropy_rate", attrs=attrs)


@takes(symbols=["time"])
def lagged_pairs(symbols: xr.DataArray, lags: Any, *, n_symbols: int | None = None) -> xr.DataArray:
    """Probability of each symbol a number of steps after each other one.

    Parameters
    ----------
    symbols, n_symbols
        As for :func:`word_frequencies`.
    lags
        Numbers of steps, at least 1.

    Returns
    -------
    DataArray ``probability`` (lag, symbol, next): rows sum to 1, NaN after symbols that do not
    occur. Of a :class:`neurodyn.tasks.StateMachine` the exact values are ``machine.pairs(lag)``.
    """
    array = _symbols(symbols)
    n = _n_symbols(symbols, array, n_symbols)
    lags = np.atleast_1d(np.asarray(lags))
    if lags.dtype.kind not in "iu" or lags.min() < 1 or lags.max() >= array.shape[-1]:
        raise ValueError(
            f"`lags` must be whole numbers from 1 to less than the {array.shape[-1]} steps of a "
            f"sequence, got {lags}."
        )
    table = np.zeros((len(lags), n, n))
    for i, lag in enumerate(lags):
        np.add.at(table[i], (array[..., :-lag].ravel(), array[..., lag:].ravel()), 1)
    with np.errstate(invalid="ignore"):
        table = table / table.sum(-1, keepdims=True)
    about = {"units": "1", "long_name": "probability of the next symbol"}
    lag = described("lag", lags, "1", "steps ahead")
    return xr.DataArray(table, {"lag": lag}, ("lag", "symbol", "next"), "probability", about)


def _symbols(symbols: xr.DataArray) -> np.ndarray:
    """Checked symbols with time last."""
    if not isinstance(symbols, xr.DataArray) or "time" not in symbols.dims:
        dims = symbols.dims if isinstance(symbols, xr.DataArray) else type(symbols).__name__
        raise LabelError(f"symbols must be a DataArray with the dim 'time', got {dims}.")
    # A word is a run of neighbouring symbols, so these must be one step apart.
    clock(symbols, what="symbols", default=1.0)
    array = symbols.transpose(..., "time").values
    if array.dtype.kind not in "iu" or not array.size or array.min() < 0:
        raise LabelError(
            f"symbols must be whole numbers from 0, got {array.dtype}; symbolise turns outputs "
            "into symbols."
        )
    return array


def _n_symbols(symbols: xr.DataArray, array: np.ndarray, given: int | None) -> int:
    seen = int(array.max()) + 1
    n = int(symbols.attrs.get("n_symbols", seen)) if given is None else int(given)
    if n < seen:
        raise ValueError(f"There are {seen} symbols at least, but `n_symbols` is {n}.")
    return n


def _words(words: np.ndarray, probability: Any, counts: Any, n_symbols: int) -> xr.Dataset:
    between = "" if n_symbols <= 10 else "."
    spelt = [between.join(str(s) for s in word) for word in words.tolist()]
    variables = {"probability": ("word", np.asarray(probability), "1", "probability of the word")}
    if counts is not None:
        variables["count"] = ("word", counts, "1", "occurrences of the word")
    length = int(words.shape[1])
    return results(variables, {"word": np.asarray(spelt)}, length=length, n_symbols=n_symbols)
