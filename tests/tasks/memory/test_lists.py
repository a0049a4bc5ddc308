"""Lists and sequences in memory: what is shown, what is due, and what strategies score."""

import jax
import numpy as np
import pytest

from neurodyn import tasks
from tests.tasks.strategies import N, drawn, during, near, scores

RNG = np.random.default_rng(0)


def every(task, per_item):
    """Answers of items at all steps of their periods."""
    return np.repeat(per_item, task.pace.period, axis=1)


def test_n_back():
    task, trials, _ = drawn("NBack", noise_std=None)
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
    task, trials, _ = drawn("SerialRecall", noise_std=None)
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
    task, trials, given = drawn("AssociativeRecall", noise_std=None)
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
    task, trials, given = drawn("Sternberg", noise_std=None)
    size, present, shown = given["size"], given["present"], given["shown"]
    listed = during(task, trials, "list")
    np.testing.assert_array_equal(listed.sum(1), 24 * size)
    np.testing.assert_array_equal(during(task, trials, "delay").sum(1), 40)
    probed = during(task, trials, "probe")
    np.testing.assert_array_equal(trials.inputs[..., 0], ~probed)
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
    task, trials, given = drawn("SequenceMemory", order=order, noise_std=None)
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
        forward = scores(task, trials, named(items))["correct"]
        # The middle is right either way.
        np.testing.assert_allclose(forward, np.where(backward, 1 / 3, 1), rtol=1e-6)
        if order == "cued":
            near(forward.mean(), task.shortcuts["ignores the cue"])
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


def test_shortcuts_of_other_designs():
    task, trials, _ = drawn("SerialRecall", length=3, n_symbols=4, delay=2)
    assert task.chance == 1 / 4
    last = np.repeat(trials.inputs[:, 2:3].argmax(-1), task.n_steps, axis=1)
    known = task.shortcuts["knows the last symbol alone"]
    near(scores(task, trials, last)["correct"].mean(), known, N * 3)
    task, trials, _ = drawn("AssociativeRecall", n_pairs=2, n_values=3)
    assert task.chance == 1 / 3
    last = np.repeat(trials.inputs[:, 3:4].argmax(-1) - 26, task.n_steps, axis=1)
    known = task.shortcuts["knows the last pair alone"]
    near(scores(task, trials, last)["correct"].mean(), known)
    task = tasks.NBack(n=(1, 3), n_symbols=3, p_match=0.6, noise_std=None)
    trials = jax.tree.map(np.asarray, task.batch(0, N, n_back=np.resize([1, 3], N)))
    codes = trials.inputs[:, :: task.pace.period, :3].argmax(-1)
    before = np.concatenate([np.zeros((N, 1), int), codes[:, 1:] == codes[:, :-1]], axis=1)
    known = task.shortcuts["compares with the symbol before"]
    near(scores(task, trials, every(task, before))["correct"].mean(), known, N * 20)
    assert task.chance == 0.6
    task, trials, given = drawn("Sternberg", sizes=(2, 5))
    last = given["position"] == given["size"] - 1
    answers = during(task, trials, "probe") * (1 + last[:, None])
    known = task.shortcuts["knows the last symbol alone"]
    near(scores(task, trials, answers)["correct"].mean(), known)
    task, trials, given = drawn("SequenceMemory", n_locations=4, length=2, order="cued")
    responses = [during(task, trials, f"response_{i}") for i in range(2)]
    items = np.stack([given["item_0"], given["item_1"]], 1)
    forward = sum(on * (items[:, [i]] + 1) for i, on in enumerate(responses))
    assert task.chance == 1 / 4
    near(scores(task, trials, forward)["correct"].mean(), task.shortcuts["ignores the cue"])
    # The last location in its place, and another one in the other.
    guess = (items[:, 1] + RNG.integers(1, 4, N)) % 4
    first = given["order"] == 1
    named = np.stack([np.where(first, items[:, 1], guess), np.where(first, guess, items[:, 1])], 1)
    answers = sum(on * (named[:, [i]] + 1) for i, on in enumerate(responses))
    known = task.shortcuts["knows the last location alone"]
    near(scores(task, trials, answers)["correct"].mean(), known)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.NBack(n=0), "`n` must be a whole number >= 1"),
        (lambda: tasks.NBack(n=[]), "`n` must hold at least one number"),
        (lambda: tasks.NBack(p_match=1.2), "`p_match`"),
        (lambda: tasks.NBack(item=75.0), "not a whole number of steps"),
        (lambda: tasks.NBack(n=[1, 2]).batch(0, 2, n_back=3), "takes the codes"),
        (lambda: tasks.SerialRecall(delay=-1), "`delay`"),
        (lambda: tasks.AssociativeRecall(n_pairs=4, n_keys=3), "`n_keys`"),
        (lambda: tasks.Sternberg(sizes=(10,)), "`n_symbols` must be a whole number >= 11"),
        (lambda: tasks.Sternberg(sizes=()), "`sizes`"),
        (lambda: tasks.Sternberg(grace=1000.0), r"`grace` .* must be shorter than the probe"),
        (lambda: tasks.Sternberg(item=(1000.0, 1400.0)), "`item`"),
        (lambda: tasks.SequenceMemory(length=7), "`length` must be a whole number from 1 to 6"),
        (lambda: tasks.SequenceMemory(n_locations=20, length=4), "more than 10000 sequences"),
        (lambda: tasks.SequenceMemory(order="sorted"), "`order` must be"),
        (lambda: tasks.SequenceMemory(cue=100.0), "`cue` goes with order='cued'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
