"""Blocks: their lengths, priors and repetitions against what they should be on paper."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import tasks
from neurodyn.tasks.mixtures.transitions import Blocks
from tests.systems import Filter

SIDES = ("left", "right")
N = 40_000


@functools.cache
def contrast():
    return tasks.ContrastDecision()


@eqx.filter_jit
def _drawn(blocks, key, n, task):
    return blocks.draw(key, n, task)


def drawn(blocks, seed=0, n=N, task=None):
    given, shown = _drawn(blocks, jax.random.key(seed), n, contrast() if task is None else task)
    return {name: np.asarray(values) for name, values in (given | shown).items()}


def lengths(found):
    """Lengths of whole blocks."""
    return np.diff(np.flatnonzero(found["trial_in_block"] == 0))


def test_priors_are_those_of_the_brain_laboratory():
    blocks = Blocks.priors("side", SIDES)
    found = drawn(blocks)
    opening = found["block"] == 2
    np.testing.assert_array_equal(opening, np.arange(N) < 90)
    for code in (0, 1):
        assert np.mean(found["side"][found["block"] == code] == code) == pytest.approx(
            0.8, abs=0.01
        )
    starts = np.flatnonzero(found["trial_in_block"] == 0)
    assert (np.diff(found["block"][starts[1:]]) != 0).all()  # in turn
    long = lengths(found)[1:]
    assert (long.min() >= 20) & (long.max() <= 100)
    # The mean of an exponential of scale 60 from 20 to 100, rounded down.
    expected = 20 + 60 - 80 / (np.exp(80 / 60) - 1) - 0.5
    assert long.mean() == pytest.approx(expected, abs=2.5)
    sides = [drawn(blocks, seed, 90)["side"].mean() for seed in range(40)]
    assert np.mean(sides) == pytest.approx(0.5, abs=0.03)


def test_sides_repeat_or_alternate():
    found = drawn(Blocks.repeating("side", SIDES))
    assert set(lengths(found)) == {200}
    again = found["side"][1:] == found["side"][:-1]
    kind = found["block"][1:]
    assert again[kind == 0].mean() == pytest.approx(0.8, abs=0.01)
    assert again[kind == 1].mean() == pytest.approx(0.2, abs=0.01)
    assert found["side"].mean() == pytest.approx(0.5, abs=0.02)
    # A law of one's own: the state after 0 is 1, and after 1 either.
    laws = [[[0.0, 1.0], [0.5, 0.5]]]
    found = drawn(Blocks("side", SIDES, laws, kinds=("one",), length=7), n=4000)["side"]
    assert (found[1:][found[:-1] == 0] == 1).all()
    assert found.mean() == pytest.approx(2 / 3, abs=0.03)


def test_schedules_of_tasks_and_of_numbers():
    three = tasks.Mixture({name: Filter() for name in ("a", "b", "c")})
    found = drawn(Blocks.schedule("task", ("c", "a", "b")), n=9, task=three)["task"]
    following = {2: 0, 0: 1, 1: 2}
    assert [following[code] for code in found[:-1]] == found[1:].tolist()
    found = drawn(
        Blocks.schedule("task", ("a", "b", "c"), length=5, order="random"), n=3000, task=three
    )
    starts = found["task"][::5]
    assert (np.diff(starts) != 0).all()
    assert np.bincount(starts) / 600 == pytest.approx(np.full(3, 1 / 3), abs=0.06)
    decide = tasks.PerceptualDecision()
    groups = {"left": (-0.5, -0.1), "right": (0.1, 0.2, 0.5)}
    found = drawn(Blocks.priors("coherence", groups, p=0.9, opening=0), task=decide)
    mostly = found["coherence"] > 0
    assert mostly[found["block"] == 1].mean() == pytest.approx(0.9, abs=0.01)
    values, counts = np.unique(found["coherence"][mostly], return_counts=True)
    np.testing.assert_allclose(values, (0.1, 0.2, 0.5))
    np.testing.assert_allclose(counts / counts.mean(), 1, atol=0.05)


def test_numbers_of_blocks_do_not_recompile():
    traces = 0

    @eqx.filter_jit
    def draw(blocks, key):
        nonlocal traces
        traces += 1
        return blocks.draw(key, 50, contrast())

    for p, length, opening in ((0.8, (20, 100), 90), (0.6, 10, 0), (1.0, (5, 7), 3)):
        draw(Blocks.priors("side", SIDES, p=p, length=length, opening=opening), jax.random.key(0))
    assert traces == 1
    assert jnp.issubdtype(Blocks.priors("side", SIDES).laws.dtype, jnp.floating)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Blocks.priors("side", ("left",)), "two different names or more"),
        (lambda: Blocks.priors("side", SIDES, p=1.2), "`p` must be at most 1"),
        (lambda: Blocks.priors("side", SIDES, length=(100, 20)), "`length` must be a whole number"),
        (lambda: Blocks.repeating("side", SIDES, length=0), "`length` must be a whole number >= 1"),
        (lambda: Blocks("side", SIDES, [[[1, 0], [1, 1]]], kinds=("a",)), "rows add up to 1"),
        (lambda: Blocks.schedule("side", SIDES, order="sorted"), "'cycle' or 'random'"),
        (lambda: Blocks.priors("side", {"left": (), "right": (1.0,)}), "needs finite values"),
    ],
)
def test_bad_blocks_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
