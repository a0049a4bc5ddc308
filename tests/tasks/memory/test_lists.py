"""Lists, sequences and bits in memory: what is shown, what is due, and what strategies score."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import tasks

N = 2000
RNG = np.random.default_rng(0)


@functools.cache
def drawn(name: str):
    """The task without noise, many trials of it, and their conditions, as tests share them."""
    make = getattr(tasks, name)
    noisy = "noise_std" in make.__init__.__annotations__
    task = make(noise_std=None) if noisy else make()
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    return task, trials, trials.conditions


def scores(task, trials, named):
    """Scores of the classes that are named at each step, (trial, time)."""
    outputs = 4.0 * jnp.asarray(np.eye(task.n_outputs, dtype=np.float32)[named])
    found = eqx.filter_jit(task.score)(outputs, trials)
    return {name: np.asarray(values) for name, values in found.items()}


def near(found, expected, n=N):
    """Within four standard errors of as many answers that are right or wrong."""
    assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / n) + 1e-6


def during(task, trials, name):
    begin = np.arange(task.n_steps) * task.dt
    start, stop = trials.epochs[name].astype(float).T
    return (begin >= start[:, None] - 1e-3) & (begin < stop[:, None] - 1e-3)


def every(task, per_item):
    """Answers of items at all steps of their periods."""
    return np.repeat(per_item, task.pace.period, axis=1)


def test_n_back():
    task, trials, _ = drawn("NBack")
    period, n, size = 20, 2, 8
    assert (task.n_steps, task.dt) == (22 * period, 50)
    shown = trials.inputs.reshape(N, 22, period, size)
    codes = shown[:, :, 0].argmax(-1)
    np.testing.assert_array_equal(shown[:, :, :10], np.eye(size)[codes][:, :, None].repeat(10, 2))
    assert (shown[:, :, 10:] == 0).all()
    match = np.zeros((N, 22), int)
    match[:, n:] = codes[:, n:] == codes[:, :-n]
    np.testing.assert_array_equal(trials.targets[..., 0], every(task, match))
    weights = np.zeros((22, period))
    weights[n:, 10:] = 1
    np.testing.assert_array_equal(trials.mask[..., 0], np.tile(weights.ravel(), (N, 1)))
    # Symbols are equally frequent, and so many match.
    np.testing.assert_allclose(np.bincount(codes.ravel()) / codes.size, 1 / size, rtol=0.05)
    near(match[:, n:].mean(), 0.3, N * 20)
    found = scores(task, trials, every(task, match))
    assert (found["correct"] == 1).all()
    assert np.nanmean(found["hits"]) == 1
    assert np.nanmean(found["false_alarms"]) == 0
    never = scores(task, trials, every(task, 0 * match))
    near(never["correct"].mean(), task.chance, N * 20)
    assert np.nanmean(never["hits"]) == 0
    before = np.zeros((N, 22), int)
    before[:, 1:] = codes[:, 1:] == codes[:, :-1]
    compared = scores(task, trials, every(task, before))["correct"].mean()
    near(compared, task.shortcuts["compares with the symbol before"], N * 20)


def test_n_back_with_a_cue_for_n():
    task = tasks.NBack(n=(1, 2, 3), p_match=0.6, n_symbols=3, gap=0.0, noise_std=None, level=2.0)
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    back = trials.conditions["n_back"]
    assert task.n_items == 23
    np.testing.assert_array_equal(np.bincount(back, minlength=4) > 600, [0, 1, 1, 1])
    cues = trials.inputs[..., 3:]
    np.testing.assert_array_equal(cues, 2 * (back[:, None, None] == [1, 2, 3]) * np.ones_like(cues))
    codes = trials.inputs[:, ::10, :3].argmax(-1)
    assert (trials.inputs[..., :3].max(-1) == 2).all()  # no gaps
    for n in (1, 2, 3):
        of = back == n
        match = codes[of][:, n:] == codes[of][:, :-n]
        np.testing.assert_array_equal(trials.targets[of][:, 9::10, 0][:, n:], match)
        near(match.mean(), 0.6, match.size)
        # Without a gap, answers count at the last step of each symbol.
        weights = np.zeros((23, 10))
        weights[n:, -1] = 1
        np.testing.assert_array_equal(trials.mask[of][0, :, 0], weights.ravel())
    given = task.batch(0, N, n_back=3)
    assert (given.conditions["n_back"] == 3).all()


def test_serial_recall():
    task, trials, _ = drawn("SerialRecall")
    assert task.n_steps == 10 + 100 + 10
    assert {k: v[0].tolist() for k, v in trials.epochs.items()} == {
        "list": [0, 10],
        "delay": [10, 110],
        "recall": [110, 120],
    }
    codes = trials.inputs[:, :10].argmax(-1)
    assert (codes < 8).all()
    assert (trials.inputs[:, 10:110] == 0).all()
    assert (trials.inputs[:, 110:] == np.eye(9)[8]).all()
    np.testing.assert_array_equal(trials.targets[:, 110:, 0], codes)
    np.testing.assert_array_equal(trials.mask[:, :, 0], np.tile([0] * 110 + [1] * 10, (N, 1)))
    named = np.zeros((N, 120), int)
    named[:, 110:] = codes
    found = scores(task, trials, named)
    assert (found["all_correct"] == 1).all()
    named[:, 110:] = RNG.integers(0, 8, codes.shape)
    near(scores(task, trials, named)["correct"].mean(), task.chance, N * 10)
    named[:, 110:] = codes[:, -1:]
    known = scores(task, trials, named)["correct"].mean()
    near(known, task.shortcuts["knows the last symbol alone"], N * 10)


def test_associative_recall():
    task, trials, given = drawn("AssociativeRecall")
    codes = trials.inputs.argmax(-1)
    keys, values = codes[:, 0:8:2], codes[:, 1:8:2] - 26
    assert ((keys < 26) & (values >= 0) & (values < 10)).all()
    assert all(len(set(row)) == 4 for row in keys)
    assert (codes[:, 8:10] == 36).all()
    asked = np.take_along_axis(keys, given["asked"][:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(codes[:, 10], asked)
    answer = np.take_along_axis(values, given["asked"][:, None], axis=1)[:, 0]
    assert trials.mask[:, :, 0].sum(0).tolist() == [0] * 10 + [N]
    np.testing.assert_array_equal(trials.targets[:, 10, 0], answer)
    assert (scores(task, trials, np.tile(answer[:, None], 11))["correct"] == 1).all()
    guess = np.tile(RNG.integers(0, 10, (N, 1)), 11)
    near(scores(task, trials, guess)["correct"].mean(), task.chance)
    last = scores(task, trials, np.tile(values[:, -1:], 11))["correct"].mean()
    near(last, task.shortcuts["knows the last pair alone"])


def test_sternberg():
    task, trials, given = drawn("Sternberg")
    size, present, shown = given["size"], given["present"], given["shown"]
    listed = during(task, trials, "list")
    np.testing.assert_array_equal(listed.sum(1), 24 * size)
    np.testing.assert_array_equal(during(task, trials, "delay").sum(1), 40)
    probed = during(task, trials, "probe")
    np.testing.assert_array_equal(trials.inputs[..., 0], ~(listed & False) & ~probed)
    np.testing.assert_array_equal(trials.inputs[..., -1], probed)
    symbols = trials.inputs[..., 1:-1]
    inside = np.zeros(N, bool)
    for i in range(N):
        codes = symbols[i][listed[i]].reshape(size[i], 24, 10)
        assert (codes == codes[:, :1]).all()
        items = codes[:, 0].argmax(-1)
        assert (codes[:, 0].sum(-1) == 1).all()
        assert len(set(items)) == size[i]
        inside[i] = shown[i] in items
        if given["position"][i] >= 0:
            assert items[given["position"][i]] == shown[i]
        assert (symbols[i][probed[i]] == np.eye(10)[shown[i]]).all()
    np.testing.assert_array_equal(inside, present)
    np.testing.assert_array_equal(given["position"] >= 0, present)
    near(present.mean(), 0.5)
    assert set(np.bincount(size, minlength=7)[1:] > 250) == {True}
    right = np.where(probed, present[:, None] + 1, 0)
    np.testing.assert_array_equal(trials.targets[..., 0], right)
    late = probed & (probed.cumsum(1) > 2)
    np.testing.assert_array_equal(trials.mask[..., 0], ~probed + 5.0 * late)
    found = scores(task, trials, right)
    assert (found["correct"] == 1).all()
    for answer in (1, 2):
        blind = scores(task, trials, np.where(probed, answer, 0))["correct"].mean()
        near(blind, task.chance)
    last = given["position"] == size - 1
    known = scores(task, trials, np.where(probed, 1 + last[:, None], 0))["correct"].mean()
    near(known, task.shortcuts["knows the last symbol alone"])


@pytest.mark.parametrize("order", ["forward", "backward", "cued"])
def test_sequence_memory(order):
    if order == "forward":
        task, trials, given = drawn("SequenceMemory")
    else:
        task = tasks.SequenceMemory(order=order, noise_std=None)
        trials = jax.tree.map(np.asarray, task.batch(0, N))
        given = trials.conditions
    items = np.stack([given[f"item_{i}"] for i in range(3)], 1)
    assert len({*map(tuple, items)}) == 120
    assert all(len(set(row)) == 3 for row in items)
    for i in range(3):
        on = during(task, trials, f"item_{i}")[..., None]
        assert (
            np.where(on, trials.inputs[..., 1:7] - np.eye(6)[items[:, i]][:, None], 0) == 0
        ).all()
    total = trials.inputs[..., 1:7].sum((1, 2))
    assert (total == 30).all()
    backward = np.full(N, order == "backward")
    if order == "cued":
        backward = given["order"] == 1
        cued = during(task, trials, "cue")[..., None] * np.eye(2)[given["order"]][:, None]
        np.testing.assert_array_equal(trials.inputs[..., 7:], cued)
        near(backward.mean(), 0.5)
    due = np.where(backward[:, None], items[:, ::-1], items)
    responses = [during(task, trials, f"response_{i}") for i in range(3)]
    held = ~np.any(responses, axis=0)
    there = np.arange(task.n_steps) < trials.n_valid[:, None]
    np.testing.assert_array_equal(trials.inputs[..., 0], held & there)

    def named(answers):
        return sum(on * (answers[:, [i]] + 1) for i, on in enumerate(responses))

    np.testing.assert_array_equal(trials.targets[..., 0], named(due))
    found = scores(task, trials, named(due))
    assert (found["correct"] == 1).all()
    if order != "forward":
        # Who forgets the cue is right half of the time, but for the middle.
        forward = scores(task, trials, named(items))["correct"].mean()
        assert forward == pytest.approx((2 / 3 if order == "cued" else 1 / 3), abs=0.03)
        return
    blind = scores(task, trials, named(RNG.integers(0, 6, items.shape)))
    near(blind["correct"].mean(), task.chance, N * 3)
    different = RNG.permuted(np.tile(np.arange(6), (N, 1)), axis=1)[:, :3]
    near(scores(task, trials, named(different))["all_correct"].mean(), 1 / 120)
    shuffled = scores(task, trials, named(RNG.permuted(items, axis=1)))["correct"].mean()
    near(shuffled, task.shortcuts["knows the locations, not their order"], N * 3)
    others = [RNG.permutation([c for c in range(6) if c != row[2]]) for row in items]
    last = np.column_stack([np.array(others)[:, :2], items[:, 2]])
    known = scores(task, trials, named(last))["correct"].mean()
    near(known, task.shortcuts["knows the last location alone"], N * 3)


@pytest.mark.parametrize("name", ["XOR", "HalfAdder"])
def test_logic(name):
    task, trials, given = drawn(name)
    a, b = given["bit_0"], given["bit_1"]
    shown, decides = during(task, trials, "bits"), during(task, trials, "decision")
    wanted = np.stack([a != b, (a == 1) & (b == 1)][: task.n_outputs], -1)
    np.testing.assert_array_equal(trials.targets, decides[..., None] * wanted[:, None])
    expected = np.stack([shown * a[:, None], shown * b[:, None], decides], -1)
    np.testing.assert_array_equal(trials.inputs, expected)

    def correct(answer):
        outputs = jnp.asarray(decides[..., None] * np.stack(answer, -1)[:, None], jnp.float32)
        return np.asarray(task.score(outputs, trials)["correct"]).mean()

    n = task.n_outputs
    assert correct([a != b, a & b][:n]) == 1
    ones, zeros = np.ones(N, int), np.zeros(N, int)
    constants = itertools.product((zeros, ones), repeat=n)
    near(max(correct(each) for each in constants), task.chance)
    near(correct([a, zeros][:n]), task.shortcuts["one bit alone"])
    near(correct([a | b, a & b][:n]), task.shortcuts["either bit"])


def test_bits_one_after_the_other():
    task = tasks.XOR(10.0, between=50.0, bits=20.0, delay=0.0, level=0.5, noise_std=None)
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    names = task.timeline.names
    assert names == ("fixation", "first", "between", "second", "delay", "decision")
    for i, epoch in enumerate(("first", "second")):
        on = during(task, trials, epoch) * trials.conditions[f"bit_{i}"][:, None]
        np.testing.assert_array_equal(trials.inputs[..., i], 0.5 * on)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.NBack(n=0), "`n` must be a whole number >= 1"),
        (lambda: tasks.NBack(n=[]), "one value at least"),
        (lambda: tasks.NBack(p_match=1.2), "`p_match`"),
        (lambda: tasks.NBack(item=75.0), "not a whole number of steps"),
        (lambda: tasks.NBack(n=[1, 2]).batch(0, 2, n_back=3), "takes the codes"),
        (lambda: tasks.SerialRecall(delay=-1), "`delay`"),
        (lambda: tasks.AssociativeRecall(n_pairs=4, n_keys=3), "`n_keys`"),
        (lambda: tasks.Sternberg(sizes=(10,)), "`n_symbols` must be a whole number >= 11"),
        (lambda: tasks.Sternberg(sizes=()), "`sizes`"),
        (lambda: tasks.Sternberg(grace=1000.0), "`grace` must be shorter than the probe"),
        (lambda: tasks.SequenceMemory(length=7), "`length` must be a whole number from 1 to 6"),
        (lambda: tasks.SequenceMemory(n_locations=20, length=4), "more than 10000 sequences"),
        (lambda: tasks.SequenceMemory(order="sorted"), "`order` must be"),
        (lambda: tasks.SequenceMemory(cue=100.0), "`cue` goes with order='cued'"),
        (lambda: tasks.XOR(bits=0.0), "at least one step"),
        (lambda: tasks.HalfAdder(noise_std=-1.0), "`noise_std`"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
