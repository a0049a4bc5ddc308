import itertools
import math

import numpy as np
import pytest

from neurodyn.tasks import StateMachine

#: The default machine, written out once more: state -> [(probability, symbol, next state)].
MOVES = {0: [(1.0, 0, 1)], 1: [(0.7, 1, 0), (0.3, 0, 2)], 2: [(1.0, 1, 0)]}
#: Balance by hand: state 2 is entered from 1 with 0.3, all else returns to 0.
STATIONARY = np.array([1.0, 1.0, 0.3]) / 2.3


def enumerate_words(length):
    """Walk every path of the default machine."""
    found = {}

    def walk(state, word, p):
        if len(word) == length:
            found[word] = found.get(word, 0.0) + p
            return
        for chance, symbol, after in MOVES[state]:
            walk(after, (*word, symbol), p * chance)

    for state, p in enumerate(STATIONARY):
        walk(state, (), p)
    return found


@pytest.mark.parametrize("length", [1, 2, 5, 12])
def test_word_probabilities_are_those_of_all_paths(length):
    task = StateMachine()
    words, p = task.words(length)
    expected = enumerate_words(length)
    assert [tuple(w) for w in words] == sorted(expected)
    np.testing.assert_allclose(p, [expected[tuple(w)] for w in words], atol=1e-7)
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(task.word_probability(words), p, rtol=1e-12)


def test_there_are_49_words_of_twelve_symbols():
    assert len(StateMachine().words(12)[0]) == 49


def test_illegal_words_have_probability_zero():
    task = StateMachine()
    every = list(itertools.product([0, 1], repeat=6))
    legal = enumerate_words(6)
    p = task.word_probability(every)
    assert {w for w, one in zip(every, p, strict=True) if one > 0} == set(legal)
    # Three zeros never follow each other: 0 0 is s1 -> s2 -> s3, which emits 1.
    assert task.word_probability([[0, 0, 0]])[0] == 0
    with pytest.raises(ValueError, match="0 to 1"):
        task.word_probability([[0, 2]])


def test_entropy_rate_is_analytic():
    binary = -(0.7 * math.log(0.7) + 0.3 * math.log(0.3))
    assert StateMachine().entropy_rate() == pytest.approx(binary / 2.3, rel=1e-6)
    assert StateMachine().entropy_rate() == pytest.approx(0.266, abs=5e-4)
    # It is what one more symbol adds to the entropy of long words.
    blocks = []
    for length in (12, 13):
        p = np.array(list(enumerate_words(length).values()))
        blocks.append(-(p * np.log(p)).sum())
    assert StateMachine().entropy_rate() == pytest.approx(blocks[1] - blocks[0], abs=1e-4)


def test_a_coin_has_the_entropy_of_a_coin():
    coin = StateMachine(edges=[("s", 0, "s", 0.25), ("s", 1, "s", 0.75)])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert coin.entropy_rate() == pytest.approx(entropy, rel=1e-6)
    np.testing.assert_allclose(coin.words(2)[1], [1 / 16, 3 / 16, 3 / 16, 9 / 16], rtol=1e-6)


def test_no_entropy_rate_where_the_next_state_is_ambiguous():
    edges = [("a", 0, "a", 0.5), ("a", 0, "b", 0.5), ("b", 1, "a", 1.0)]
    with pytest.raises(ValueError, match="closed form"):
        StateMachine(edges=edges).entropy_rate()
    # Words are known all the same: after 1 the machine is in a, and 1 1 cannot occur.
    words, p = StateMachine(edges=edges).words(2)
    assert words.tolist() == [[0, 0], [0, 1], [1, 0]]
    np.testing.assert_allclose(p, [1 / 3, 1 / 3, 1 / 3], rtol=1e-6)


def test_drawn_sequences_have_these_probabilities():
    task = StateMachine(n_steps=8)
    n = 20_000
    trials = task.batch(0, n)
    symbols = np.asarray(task.symbols(trials.targets))
    words, p = task.words(8)
    code = 2 ** np.arange(8)[::-1]
    counts = np.bincount(symbols @ code, minlength=256)
    assert counts[words @ code].sum() == n
    # Each count is binomial: none of them beyond 4.5 standard deviations.
    expected = n * p
    assert (np.abs(counts[words @ code] - expected) < 4.5 * np.sqrt(expected * (1 - p))).all()
    start = np.bincount(np.asarray(trials.conditions["start"]), minlength=3) / n
    np.testing.assert_allclose(start, STATIONARY, atol=0.015)


def test_the_start_can_be_given():
    task = StateMachine()
    symbols = np.asarray(task.symbols(task.batch(0, 4, start=2).targets))
    assert (symbols[:, :2] == [1, 0]).all()
    with pytest.raises(ValueError, match="codes"):
        task.batch(0, 4, start=3)


def test_symbols_may_have_several_outputs():
    task = StateMachine(values=[[0.8, -0.8], [-0.8, 0.8]])
    trials = task.batch(1, 3)
    assert trials.targets.shape == (3, 24, 2)
    plain = StateMachine()
    np.testing.assert_array_equal(
        task.symbols(trials.targets), plain.symbols(plain.batch(1, 3).targets)
    )
    np.testing.assert_array_equal(task.symbols(0.1 * trials.targets), task.symbols(trials.targets))
    np.testing.assert_allclose(task.score(-trials.targets, trials)["correct"], 0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edges": []}, "list of"),
        ({"edges": [("a", 0, "a")]}, "list of"),
        ({"edges": [("a", 0, "b", 1.0)]}, "no edge begins"),
        ({"edges": [("a", 0, "a", 0.5)]}, "sum to 1"),
        ({"edges": [("a", 0, "a", 0.5), ("a", 0, "a", 0.5)]}, "listed twice"),
        ({"edges": [("a", 0, "a", -1.0), ("a", 1, "a", 2.0)]}, r"\(0, 1\]"),
        ({"edges": [("a", 1, "a", 1.0)]}, "without gaps"),
        ({"edges": [("a", 0, "a", 1.0), ("b", 1, "b", 1.0)]}, "reachable"),
        ({"edges": [("a", 0.5, "a", 1.0)]}, "symbol"),
        ({"values": [0.5, 0.5]}, "different output"),
        ({"values": [0.5]}, "different output"),
        ({"n_steps": 0}, "`n_steps`"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        StateMachine(**options)


def test_sequences_to_train_on_are_the_drawn_ones():
    task = StateMachine(dt=2.0)
    trials, stored = task.batch(3, 5), task.sequences(3, 5)
    np.testing.assert_array_equal(stored.data, trials.targets)
    np.testing.assert_array_equal(stored.conditions["start"], trials.conditions["start"])
    assert (stored.dt, stored.n_items, stored.names) == (2.0, 5, ("symbol",))
