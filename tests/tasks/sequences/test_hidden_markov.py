"""Hidden Markov models against sums over all paths of hidden states."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.tasks import HiddenMarkov

#: An irregular model with a move and an emission that are impossible.
MOVES = np.array([[0.7, 0.3, 0.0], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]])
EMITS = np.array([[0.8, 0.2], [0.5, 0.5], [0.0, 1.0]])
FIRST = np.array([0.2, 0.5, 0.3])
WORDS = np.array(list(itertools.product(range(2), repeat=5)))


@pytest.fixture(scope="module")
def task():
    return HiddenMarkov(transitions=MOVES, emissions=EMITS, initial=FIRST, n_noise=2, n_steps=200)


@pytest.fixture(scope="module")
def joint():
    """Probability of every path with every word, ``(path, word)``, and the paths."""
    paths = np.array(list(itertools.product(range(3), repeat=5)))
    moves = FIRST[paths[:, 0]] * MOVES[paths[:, :-1], paths[:, 1:]].prod(1)
    return moves[:, None] * EMITS[paths[:, None, :], WORDS[None]].prod(-1), paths


def test_likelihood_posterior_and_path_are_those_of_all_paths(task, joint):
    joint, paths = joint
    chance = joint.sum(0)
    found = task.log_likelihood(WORDS.reshape(4, 8, 5))
    assert found.shape == (4, 8)
    np.testing.assert_allclose(np.exp(found).ravel(), chance, rtol=1e-7)
    assert np.exp(found).sum() == pytest.approx(1.0, abs=1e-12)
    of_state = (paths[:, :, None] == np.arange(3)).astype(float)
    expected = np.einsum("pw,pts->wts", joint, of_state) / chance[:, None, None]
    np.testing.assert_allclose(task.posterior(WORDS), expected, rtol=1e-6, atol=1e-9)
    decoded = task.decode(WORDS)
    place = decoded @ (3 ** np.arange(5)[::-1])
    np.testing.assert_allclose(joint[place, np.arange(32)], joint.max(0), rtol=1e-7)
    one_hot = np.eye(2, dtype=np.float32)[WORDS]
    np.testing.assert_array_equal(task.log_likelihood(one_hot), found.ravel())


def test_impossible_sequences_have_no_likelihood():
    silent = HiddenMarkov(transitions=np.eye(2)[::-1], emissions=np.eye(2))
    assert silent.log_likelihood([0, 1, 0]) == pytest.approx(np.log(0.5))
    assert silent.log_likelihood([0, 0, 1]) == -np.inf


def test_drawn_sequences_have_the_exact_statistics(task):
    states, symbols = (np.asarray(a) for a in task.paths(3, 400))
    trials = task.batch(3, 400)
    np.testing.assert_array_equal(symbols, jnp.argmax(trials.targets, -1))
    np.testing.assert_array_equal(states[:, 0], trials.conditions["start"])
    np.testing.assert_allclose(np.bincount(states[:, 0]) / 400, FIRST, atol=0.08)
    late, emitted = states[:, 50:], symbols[:, 50:]
    np.testing.assert_allclose(np.bincount(late.ravel()) / late.size, task.stationary(), atol=0.01)
    shares = np.bincount(emitted.ravel()) / emitted.size
    np.testing.assert_allclose(shares, task.frequencies(), atol=0.01)
    counts = np.zeros((2, 2))
    np.add.at(counts, (emitted[:, :-2].ravel(), emitted[:, 2:].ravel()), 1)
    np.testing.assert_allclose(counts / counts.sum(1, keepdims=True), task.pairs(2), atol=0.015)
    noise = np.asarray(trials.inputs)
    assert abs(noise.mean()) < 0.01
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    # The mean log-likelihood of long sequences is the entropy rate.
    low, high = task.entropy_rate()
    assert 0 < high - low < 1e-3
    rate = -task.log_likelihood(symbols).mean() / task.n_steps
    assert rate == pytest.approx(low, abs=0.005)


def test_presets_are_the_published_models():
    two = HiddenMarkov()
    np.testing.assert_allclose(two.transitions, [[0.95, 0.05], [0.05, 0.95]])
    np.testing.assert_allclose(two.emissions, [[0.99, 0.01, 0], [0, 0.01, 0.99]], atol=1e-7)
    four = HiddenMarkov.chain(4, stay=0.8)
    np.testing.assert_allclose(four.transitions[1], [0.1, 0.8, 0.1, 0])
    np.testing.assert_allclose(four.emissions[1], [0.66, 0.01, 0.33], atol=1e-7)
    np.testing.assert_allclose(four.stationary(), [1 / 6, 1 / 3, 1 / 3, 1 / 6], atol=1e-7)
    full, cycle = HiddenMarkov.full(3), HiddenMarkov.cycle(4)
    np.testing.assert_allclose(full.transitions[1], [0.005, 0.99, 0.005], atol=1e-7)
    # A symbol half of the way to the next state's: exp(-0.2 (0.5 / 0.1) ** 2).
    assert float(full.emissions[0, 1] / full.emissions[0, 0]) == pytest.approx(np.exp(-5), rel=1e-5)
    np.testing.assert_allclose(cycle.transitions[3], [0.05, 0, 0, 0.95], atol=1e-7)
    np.testing.assert_allclose(cycle.stationary(), 0.25, atol=1e-7)
    assert HiddenMarkov.chain(3, n_steps=7).n_steps == 7


def test_the_entropy_rate_of_a_visible_chain_is_that_of_its_moves():
    visible = HiddenMarkov.chain(2, stay=0.9, emissions=np.eye(2))
    expected = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    np.testing.assert_allclose(visible.entropy_rate(3), expected, rtol=1e-6)


def test_what_makes_no_model_is_refused(task):
    for options, match in (
        ({"transitions": [[0.5, 0.4], [0.5, 0.5]]}, "`transitions` must sum to 1"),
        ({"transitions": MOVES, "emissions": EMITS[:2]}, "3 states"),
        ({"transitions": np.eye(2)}, "pass `initial=`"),
        ({"initial": [0.5, 0.25, 0.25]}, "`initial` must have 2"),
        ({"emissions": [[1.0, -1.0], [0.0, 1.0]]}, "at least 0"),
    ):
        with pytest.raises(ValueError, match=match):
            HiddenMarkov(**options)
    with pytest.raises(ValueError, match="from 0 to 1"):
        task.log_likelihood([[0, 2]])
    with pytest.raises(ValueError, match="whole numbers"):
        task.decode([0.5, 0.5, 0.1])
    apart = HiddenMarkov(transitions=np.eye(2), initial=[1.0, 0.0])
    assert apart.log_likelihood([0, 0]) == pytest.approx(2 * np.log(0.99), rel=1e-5)
