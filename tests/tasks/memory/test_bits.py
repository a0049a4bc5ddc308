"""NParity and NDMS."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodyn.tasks import NDMS, NParity
from neurodyn.tasks.memory.arguments import bucket

BOTH = pytest.mark.parametrize("make", [NParity, NDMS])


def parity(bits, n):
    return sum(bits[-n:]) % 2


def dms(bits, n):
    return int(bits[-n] == bits[-1])


ORACLE = {NParity: parity, NDMS: dms}


@BOTH
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), ns=st.sampled_from([[2], [2, 3, 4, 5], [7, 3], [10]]))
def test_labels_against_a_loop(make, seed, ns):
    task = make(ns, n_heads=5, capacity=10)
    trials = task.batch(seed, 16)
    length = int(trials.length)
    assert max(ns) + 2 <= length <= 4 * max(ns) + 1
    assert trials.inputs.shape == (16, 48, 1)
    assert trials.targets.shape == trials.mask.shape == (16, 1, 5)
    bits = np.asarray(trials.inputs[..., 0]).astype(int)
    assert not bits[:, length:].any()
    for row, target in zip(bits[:, :length].tolist(), np.asarray(trials.targets), strict=True):
        assert [ORACLE[make](row, n) for n in ns] == target[0, : len(ns)].tolist()
    used = [1.0] * len(ns) + [0.0] * (5 - len(ns))
    assert (np.asarray(trials.mask) == np.array(used)).all()


@BOTH
@pytest.mark.parametrize("hold", [1, 3])
def test_every_step_against_a_loop(make, hold):
    task = make([2, 5], n_heads=3, length=60, burn_in=10, scored="every", p=0.5, hold=hold)
    trials = task.batch(0, 4)
    assert trials.inputs.shape == (4, 60 * hold, 1)
    assert int(trials.length) == 60 * hold
    bits = np.asarray(trials.inputs[..., 0]).astype(int)
    assert (np.diff(bits.reshape(4, 60, hold), axis=-1) == 0).all()
    bits, targets, mask = bits[:, ::hold], np.asarray(trials.targets), np.asarray(trials.mask)
    for i in range(4):
        for t in range(60 * hold):
            last_of_bit = t % hold == hold - 1
            scored = last_of_bit and t // hold >= 10
            for h, n in enumerate([2, 5]):
                assert mask[i, t, h] == pytest.approx(scored / 50)
                if scored:
                    assert targets[i, t, h] == ORACLE[make](bits[i, : t // hold + 1].tolist(), n)
            assert mask[i, t, 2] == 0


def test_answers_need_enough_bits():
    trials = NParity([2, 6], length=20, scored="every").batch(0, 3)
    assert (np.asarray(trials.mask)[:, :, 0] > 0).sum(1).tolist() == [19] * 3
    assert (np.asarray(trials.mask)[:, :, 1] > 0).sum(1).tolist() == [15] * 3
    np.testing.assert_allclose(trials.mask.sum(1), 1.0, rtol=1e-6)


def test_every_ends_in_what_last_says():
    last = NDMS([3, 4], length=20).batch(5, 8)
    every = NDMS([3, 4], length=20, scored="every").batch(5, 8)
    np.testing.assert_array_equal(last.inputs, every.inputs)
    np.testing.assert_array_equal(last.targets[:, 0], every.targets[:, -1])


def test_lengths_are_uniform_over_the_published_range():
    task = NParity(3)
    lengths = np.asarray(
        jax.vmap(lambda k: task.batch(k, 1).length)(jax.random.split(jax.random.key(0), 4000))
    )
    counts = np.bincount(lengths)[5:]
    assert lengths.min() == 5
    assert lengths.max() == 13
    assert abs(counts - 4000 / 9).max() < 5 * np.sqrt(4000 / 9)


@pytest.mark.parametrize("n", [2, 3, 4, 10])
def test_chance_levels(n):
    """P(odd) with p ~ U(0, 1) is n / (2 (n + 1)) for even n and 1/2 for odd n."""
    m = 40_000
    odd = float(NParity(n).batch(0, m).targets.mean())
    expected = n / (2 * (n + 1)) if n % 2 == 0 else 0.5
    assert abs(odd - expected) < 5 * np.sqrt(0.25 / m)
    match = float(NDMS(n).batch(0, m).targets.mean())
    assert abs(match - 0.5) < 5 * np.sqrt(0.25 / m)


def test_bits_have_the_stated_probabilities():
    trials = NParity(2, length=200).batch(0, 400)
    p, share = np.asarray(trials.conditions["p"]), np.asarray(trials.inputs).mean((1, 2))
    assert np.abs(share - p).max() < 5 * np.sqrt(0.25 / 200)
    assert abs(p.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 400)
    assert abs(p.std() - np.sqrt(1 / 12)) < 0.04
    assert set(np.asarray(NDMS(2).batch(0, 50).conditions["p"])) == {0.5}
    given_p = np.linspace(0, 1, 50)
    trials = NParity(2, length=100).batch(0, 50, p=given_p)
    np.testing.assert_allclose(trials.conditions["p"], given_p, rtol=1e-6)
    assert not trials.inputs[0].any()
    assert trials.inputs[-1].all()


def test_loss_is_summed_over_heads_and_not_averaged():
    task = NParity([2, 3, 4], n_heads=6)
    trials = task.batch(0, 5)
    logits = np.random.default_rng(0).normal(size=(5, 1, 12)).astype(np.float32)
    expected = np.zeros(5)
    for i in range(5):
        for h in range(3):
            pair = logits[i, 0, 2 * h : 2 * h + 2].astype(float)
            expected[i] += np.log(np.exp(pair).sum()) - pair[int(trials.targets[i, 0, h])]
    np.testing.assert_allclose(task.loss(jnp.asarray(logits), trials), expected, rtol=1e-5)
    gradient = jax.grad(lambda o: task.loss(o, trials).sum())(jnp.asarray(logits))
    assert (np.asarray(gradient)[..., :6] != 0).all()
    assert (np.asarray(gradient)[..., 6:] == 0).all()


@pytest.mark.parametrize("options", [{}, {"scored": "every", "length": 30, "burn_in": 5}])
def test_scores_of_known_answers(options):
    task = NParity([2, 5, 3], n_heads=4, **options)
    trials = task.batch(0, 10)
    answers = np.asarray(trials.targets).copy()
    answers[..., 1] = 1 - answers[..., 1]
    logits = jnp.asarray(np.eye(2, dtype=np.float32)[answers].reshape(*answers.shape[:2], 8))
    score = task.score(logits, trials)
    np.testing.assert_allclose(score["correct"], 2 / 3, rtol=1e-4)
    np.testing.assert_allclose(score["correct_largest"], 0.0)
    np.testing.assert_allclose(score["correct_by_head"][:, [0, 2]], 1.0, rtol=1e-4)
    assert np.isnan(score["correct_by_head"][:, 3]).all()


@BOTH
def test_a_curriculum_recompiles_only_for_a_new_buffer(make):
    traces = 0

    @eqx.filter_jit
    def step(task, key):
        nonlocal traces
        traces += 1
        trials = task.batch(key, 8)
        return trials.length, trials.mask.sum((0, 1))

    task = make(2, n_heads=10, capacity=11)
    for n in range(2, 12):  # one head more each time
        task = task.with_ns(list(range(2, n + 1)))
        length, weight = step(task, jax.random.key(n))
        assert n + 2 <= int(length) <= 4 * n + 1
        np.testing.assert_allclose(weight, [8.0] * (n - 1) + [0.0] * (11 - n))
        assert int(task.n_max) == n
        assert np.asarray(task.active).sum() == n - 1
    assert traces == 1

    small = make(2)
    sizes = {small.with_ns(n).n_bits for n in range(2, 102)}
    assert len(sizes) <= 12
    assert small.with_ns(9).with_ns(2).n_bits == small.with_ns(9).n_bits


def test_heads_can_be_changed_inside_compiled_code():
    @eqx.filter_jit
    def advance(task):
        task = eqx.tree_at(lambda t: t.ns, task, task.ns + 1)
        return task.batch(jax.random.key(0), 4), task.n_max

    trials, n_max = advance(NParity(2, capacity=10))
    assert int(n_max) == 3
    expected = NParity(3, capacity=10).batch(0, 4)
    np.testing.assert_array_equal(trials.targets, expected.targets)
    np.testing.assert_array_equal(trials.inputs, expected.inputs)


@given(n=st.integers(1, 5000))
def test_buckets_are_tight(n):
    size = bucket(n)
    assert size >= n
    assert size <= max(8, 1.5 * n)
    power = int(np.log2(size))
    assert size in (2**power, 3 * 2 ** (power - 1))


def test_one_sequence():
    trial = NParity([2, 3]).sample(jax.random.key(0))
    assert trial.inputs.shape == (16, 1)
    assert trial.targets.shape == (1, 2)
    assert trial.length.shape == ()
    assert int(NParity(2).sample(jax.random.key(0), length=7).length) == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NParity(0), "`ns`"),
        (lambda: NDMS(1), ">= 2"),
        (lambda: NParity([]), "`ns`"),
        (lambda: NParity([2.5]), "`ns`"),
        (lambda: NParity("three"), "`ns`"),
        (lambda: NParity(5, n_heads=1.5), "`n_heads`"),
        (lambda: NParity(5, capacity=-1), "`capacity`"),
        (lambda: NParity(5, length=20, burn_in=-1, scored="every"), "`burn_in`"),
        (lambda: NParity([2, 3], n_heads=1), "need as many heads"),
        (lambda: NParity(2, p=1.5), "`p` must be at most 1"),
        (lambda: NParity(2, p=(0.8, 0.2)), "low, high"),
        (lambda: NParity(2, p=(0.1, 0.2, 0.3)), "low, high"),
        (lambda: NParity(5, length=5), "`length` must exceed"),
        (lambda: NParity(5, length=50, burn_in=50, scored="every"), "`length` must exceed"),
        (lambda: NParity(5, burn_in=5), "`burn_in`"),
        (lambda: NParity(5, scored="some"), "`scored`"),
        (lambda: NParity(5, hold=0), "`hold`"),
        (lambda: NParity(5, burn_in=5, scored="every"), "goes with a `length`"),
        (lambda: NParity(2).batch(0, 4, length=100), "`length` must be a whole number from 2 to"),
        (lambda: NParity([2, 5]).batch(0, 4, length=4), "from 5 to"),
        (lambda: NParity(2).batch(0, 4, length=7.5), "`length` must be a whole number"),
        (lambda: NParity(2).batch(0, 4, p=2.0), "`p` must be at most 1"),
        (lambda: NParity(2).batch(0, 4, p=[0.1, 0.2]), "one value or 4 values"),
        (lambda: NParity(2, n_heads=1).with_ns([2, 3]), "need as many heads"),
        (lambda: NParity(5, length=20).with_ns(20), "`length` must exceed"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@BOTH
def test_levels_stand_for_zero_and_one(make):
    plain, signed = make(3).batch(0, 8), make(3, levels=(-1, 1)).with_ns(3).batch(0, 8)
    length = int(plain.length)
    assert (signed.inputs[:, :length] == 2 * plain.inputs[:, :length] - 1).all()
    assert not signed.inputs[:, length:].any()
    assert (signed.targets == plain.targets).all()
    with pytest.raises(ValueError, match="`levels` must be two different inputs"):
        make(3, levels=(1, 1))
