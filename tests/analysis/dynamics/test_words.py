import itertools

import numpy as np
import pytest
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import (
    entropy_rate,
    lagged_pairs,
    symbolise,
    true_words,
    word_divergence,
    word_frequencies,
)
from neurodyn.labels import LabelError
from neurodyn.tasks import StateMachine


def series(*trials):
    return xr.DataArray(np.array(trials), dims=("trial", "time"))


def markov(n, seed=0):
    """A long run of the default machine, drawn without the task."""
    rng = np.random.default_rng(seed)
    moves = {0: [(1.0, 0, 1)], 1: [(0.7, 1, 0), (0.3, 0, 2)], 2: [(1.0, 1, 0)]}
    state, emitted = 0, []
    for _ in range(n):
        r, chosen = rng.random(), moves[state]
        _, symbol, state = chosen[0] if r < chosen[0][0] else chosen[1]
        emitted.append(symbol)
    return series(emitted)


def test_words_are_counted_in_sliding_windows_inside_each_trial():
    got = word_frequencies(series([0, 1, 1, 0], [1, 1, 1, 1]), 2)
    found = dict(zip(got["word"].values.tolist(), got["count"].values.tolist(), strict=True))
    assert found == {"01": 1, "10": 1, "11": 4}
    np.testing.assert_allclose(got["probability"], np.array([1, 1, 4]) / 6)
    labels.check(got)


def test_counting_agrees_with_a_loop():
    rng = np.random.default_rng(1)
    array = rng.integers(0, 3, (4, 50))
    got = word_frequencies(series(*array), 3)
    counted = {}
    for row in array:
        for i in range(48):
            word = "".join(map(str, row[i : i + 3]))
            counted[word] = counted.get(word, 0) + 1
    assert dict(zip(got["word"].values, got["count"].values, strict=True)) == counted
    assert list(got["word"].values) == sorted(counted)


def test_true_words_are_those_of_the_machine():
    machine = StateMachine()
    true = true_words(machine, 12)
    words, p = machine.words(12)
    assert true.sizes["word"] == 49
    np.testing.assert_array_equal(true["probability"], p)
    assert true["word"].values[3] == "".join(map(str, words[3]))


def test_divergence_of_known_distributions():
    coin = StateMachine(edges=[("s", 0, "s", 0.25), ("s", 1, "s", 0.75)])
    true = true_words(coin, 1)
    generated = word_frequencies(series([0] * 30 + [1] * 30), 1)
    q = 30.5 / 61
    expected = 0.25 * np.log(0.25 / q) + 0.75 * np.log(0.75 / q)
    got = word_divergence(true, generated)
    assert float(got["divergence"]) == pytest.approx(expected, rel=1e-6)
    assert float(got["illegal"]) == float(got["missing"]) == 0
    labels.check(got)


def test_illegal_and_missing_words():
    machine = StateMachine()
    true = true_words(machine, 2)  # 00, 01, 10 occur, 11 occurs after s2 -> s1? no: s1 emits 0
    legal = set(true["word"].values)
    assert "11" not in legal
    got = word_divergence(true, word_frequencies(series([1, 1, 0, 1, 1]), 2))
    # Windows: 11, 10, 01, 11.
    assert float(got["illegal"]) == 0.5
    assert (int(got["n_words"]), int(got["n_illegal"])) == (3, 1)
    assert float(got["missing"]) == pytest.approx(machine.word_probability([[0, 0]])[0])
    # With a = 0.5 and four words in all, 11 takes (2.5)/(4 + 2) of the mass.
    q = {"00": 0.5 / 6, "01": 1.5 / 6, "10": 1.5 / 6}
    p = dict(zip(true["word"].values, true["probability"].values, strict=True))
    expected = sum(p[w] * np.log(p[w] / q[w]) for w in q)
    assert float(got["divergence"]) == pytest.approx(expected, rel=1e-6)


def test_a_long_true_sample_is_near_the_truth_and_another_source_is_not():
    machine = StateMachine()
    true = true_words(machine, 12)
    right = word_divergence(true, word_frequencies(markov(5000), 12))
    assert 0 < float(right["divergence"]) < 0.03
    assert float(right["illegal"]) == 0
    coin = np.random.default_rng(0).integers(0, 2, 5000)
    wrong = word_divergence(true, word_frequencies(series(coin), 12))
    assert float(wrong["divergence"]) > 1
    assert float(wrong["illegal"]) > 0.9


def test_entropy_rate_approaches_the_analytic_one():
    machine = StateMachine()
    estimate = entropy_rate(markov(40_000), 12)
    assert float(estimate) == pytest.approx(machine.entropy_rate(), abs=0.01)
    # Of one symbol, with no past: the entropy of its frequencies.
    p = np.array([1.3 / 2.3, 1 / 2.3])
    np.testing.assert_allclose(entropy_rate(markov(40_000), 1), -(p * np.log(p)).sum(), atol=0.01)
    periodic = series(list(range(3)) * 500)
    assert float(entropy_rate(periodic, 4)) == pytest.approx(0, abs=5e-3)


def test_lagged_pairs_agree_with_the_exact_ones_and_with_all_paths():
    machine = StateMachine()
    lags = [1, 2, 3, 7]
    got = lagged_pairs(markov(60_000), lags)
    for lag in lags:
        np.testing.assert_allclose(got.sel(lag=lag), machine.pairs(lag), atol=0.02)
    # Exact pairs by summing over the symbols in between.
    joint = np.zeros((2, 2))
    for word in itertools.product([0, 1], repeat=4):
        joint[word[0], word[-1]] += machine.word_probability([word])[0]
    np.testing.assert_allclose(machine.pairs(3), joint / joint.sum(1, keepdims=True), rtol=1e-6)


def test_symbols_are_the_nearest_values():
    outputs = xr.DataArray([[[-0.9], [0.1], [-0.1], [2.0]]], dims=("trial", "time", "output"))
    got = symbolise(outputs, [-0.8, 0.8])
    assert got.dims == ("trial", "time")
    assert got.values.tolist() == [[0, 1, 0, 1]]
    assert symbolise(outputs.isel(output=0), [-0.8, 0.0, 0.8]).values.tolist() == [[0, 1, 1, 2]]
    plane = xr.DataArray([[1.0, 0.0], [0.0, 1.0]], dims=("time", "output"))
    assert symbolise(plane, [[0.0, 0.9], [0.9, 0.0]]).values.tolist() == [1, 0]


def test_bad_input_is_refused():
    good = series([0, 1, 0, 1])
    with pytest.raises(ValueError, match="between 1 and the 4"):
        word_frequencies(good, 5)
    with pytest.raises(LabelError, match="whole numbers"):
        word_frequencies(good.astype(float), 2)
    with pytest.raises(LabelError, match="'time'"):
        word_frequencies(good.rename(time="step"), 2)
    with pytest.raises(ValueError, match="n_symbols"):
        word_frequencies(good, 2, n_symbols=1)
    two, three = word_frequencies(good, 2), word_frequencies(good, 3)
    with pytest.raises(ValueError, match="2 symbols"):
        word_divergence(two, three)
    with pytest.raises(ValueError, match="over 2 symbols, `generated` over 11"):
        word_divergence(two, word_frequencies(good, 2, n_symbols=11))
    with pytest.raises(ValueError, match="no counts"):
        word_divergence(two, true_words(StateMachine(), 2))
    with pytest.raises(ValueError, match="pseudocount"):
        word_divergence(two, two, pseudocount=0.0)
    with pytest.raises(ValueError, match="at least 1"):
        entropy_rate(good, 0)
    with pytest.raises(ValueError, match="`lags`"):
        lagged_pairs(good, [4])
    with pytest.raises(LabelError, match="channels"):
        symbolise(xr.DataArray(np.zeros((3, 2)), dims=("time", "output")), [0.0, 1.0])
    with pytest.raises(LabelError, match="NaN"):
        symbolise(xr.DataArray([np.nan], dims="time"), [0.0, 1.0])
