"""Matches after a delay: to a category, between distractors, of one of two items, of pairs."""

import numpy as np
import pytest

from neurodyn import tasks
from tests.tasks.strategies import (
    N,
    answered,
    check,
    check_stimuli,
    check_targets,
    drawn,
    during,
    scores,
)

COIN = np.random.default_rng(0).integers(0, 2, N)
STEP = np.sqrt(2 * 100 / 20)


def test_match_to_category():
    task, trials, given = drawn("DelayedMatchToCategory")
    check_targets(task, trials)
    sample, test = given["sample_direction"], given["test_direction"]
    assert set(sample) == set(test) == {15 + 30 * k for k in range(12)}
    # p(match) is one half exactly, over the design; categories are halves of the circle.
    a, b = (np.asarray(c) for c in task.condition_table().values())
    assert ((a < 180) == (b < 180)).mean() == 0.5
    np.testing.assert_array_equal(given["sample_category"], sample > 180)
    np.testing.assert_array_equal(given["choice_correct"], (sample > 180) == (test > 180))
    apart = abs((sample - test + 180) % 360 - 180)
    near = np.where(apart == 90, COIN, apart < 90)
    found = {"test_alone": test > 180, "directions_less_than_90_degrees_apart_match": near}
    check(task, **{name: answered(task, trials, choice) for name, choice in found.items()})
    # Two directions d apart share a category with probability 1 - d / 180.
    far = abs((a - b + 180) % 360 - 180)
    same = np.where(far == 90, 0.5, far < 90)
    assert np.isclose(np.mean(np.where((a < 180) == (b < 180), same, 1 - same)), 0.75)
    preferred = np.arange(32) * 11.25
    bumps = [
        0.8 * np.exp(-(((d[:, None] - preferred + 180) % 360 - 180) ** 2) / (2 * 22.5**2))
        for d in (sample, test)
    ]
    shown = sum(
        during(task, trials, name)[..., None] * bump[:, None]
        for name, bump in zip(("sample", "test"), bumps, strict=True)
    )
    check_stimuli(task, trials, shown, 0.05 * STEP)
    with pytest.raises(ValueError, match="lie on the boundary, 15 or 195 degrees"):
        tasks.DelayedMatchToCategory(boundary=15)
    with pytest.raises(ValueError, match="all belong to one category"):
        tasks.DelayedMatchToCategory(directions=[10.0, 100.0])


def test_paired_association():
    task, trials, given = drawn("DelayedPairedAssociation")
    check_targets(task, trials)
    paired = given["sample"] == given["test"]
    np.testing.assert_array_equal(given["choice_correct"], np.where(paired, 0, -1))
    assert abs(paired.mean() - 0.5) < 4 * np.sqrt(0.25 / N)
    found = {
        f"{name}_alone": answered(task, trials, given[name] - 1) for name in ("sample", "test")
    }
    check(task, **found)
    shown = [
        during(task, trials, name)[..., None] * np.eye(2)[given[name]][:, None]
        for name in ("sample", "test")
    ]
    check_stimuli(task, trials, np.concatenate(shown, -1), 0.05 * STEP)
    assert tasks.DelayedPairedAssociation(wait=0.0).n_steps == task.n_steps


@pytest.mark.parametrize("most", [1, 2])
def test_match_with_distractors(most):
    task, trials, given = drawn("MatchWithDistractors", n_distractors=most)
    between, n = given["distractors"], given["sample_stimulus"]
    assert abs(np.bincount(between) / N - 1 / (most + 1)).max() < 4 * np.sqrt(0.25 / N)
    np.testing.assert_array_equal(trials.n_valid * 20, 300 + 500 + 1500 * (between + 1))
    shown = during(task, trials, "sample", "match")[..., None] * np.eye(8)[n][:, None]
    for i in range(most):
        other = given[f"distractor_{i}"]
        np.testing.assert_array_equal(other >= 0, between > i)
        assert (other != n).all()
        there = during(task, trials, f"distractor_{i}")
        np.testing.assert_array_equal(there.sum(1) * 20, 500 * (between > i))
        shown = shown + there[..., None] * np.eye(8)[np.maximum(other, 0)][:, None]
    if most == 2:
        both = between == 2
        others = np.stack([given["distractor_0"], given["distractor_1"]], 1)[both]
        # One of the seven others comes back.
        assert abs((others[:, 0] == others[:, 1]).mean() - 1 / 7) < 4 * np.sqrt(0.125 / both.sum())
    check_stimuli(task, trials, shown, 0.05 * STEP)
    # The match is due after the grace, and nothing before; the first response counts.
    match = during(task, trials, "match")
    due = match & (np.cumsum(match, axis=1) > 5)
    np.testing.assert_array_equal(trials.targets[..., 0], due)
    hold = during(task, trials, *task.timeline.names[:-1])
    np.testing.assert_array_equal(trials.mask[..., 0], 1.0 * hold + 5.0 * due)
    assert (scores(task, trials, trials.targets[..., 0])["correct"] == 1).all()
    assert (scores(task, trials, np.zeros_like(due, int))["correct"] == 0).all()
    first = np.where(between > 0, trials.epochs["distractor_0"][:, 0], trials.epochs["match"][:, 0])
    answers = np.arange(task.n_steps)[None] * 20 >= first[:, None]
    found = scores(task, trials, answers.astype(int))
    np.testing.assert_array_equal(found["correct"], between == 0)
    np.testing.assert_array_equal(found["early"], between > 0)
    check(task, responds_to_the_first_test=found["correct"].mean())
    assert task.chance == 1 / (most + 1)


def test_delays_between_distractors_can_be_drawn():
    ranged = tasks.MatchWithDistractors(delay=(200.0, 400.0)).timeline
    assert (ranged.shortest[2], ranged.longest[2], ranged.shortest[6]) == (0, 20, 10)
    with pytest.raises(ValueError, match="`delay` must be a duration"):
        tasks.MatchWithDistractors(delay="long")


@pytest.mark.parametrize("n_stimuli", [2, 4])
def test_dual_match(n_stimuli):
    task, trials, given = drawn("DualDelayedMatch", n_stimuli=n_stimuli)
    assert task.n_steps * task.dt == 10 * 500
    items = np.stack([given["sample_a"], given["sample_b"]], 1)
    cues = np.stack([given["cue_0"], given["cue_1"]], 1)
    tests = np.stack([given["test_stimulus_0"], given["test_stimulus_1"]], 1)
    matches = np.stack([given["match_0"], given["match_1"]], 1)
    cued = np.take_along_axis(items, cues, axis=1)
    np.testing.assert_array_equal(matches, cued == tests)
    steps = [during(task, trials, f"test_{k}") for k in range(2)]

    def named(choices):
        return sum(step * (choices[:, [k]] + 1) for k, step in enumerate(steps))

    np.testing.assert_array_equal(trials.targets[..., 0], named(matches))
    late = sum((step & (np.cumsum(step, axis=1) > 5)) for step in steps)
    np.testing.assert_array_equal(trials.mask[..., 0], 1.0 * (sum(steps) == 0) + 5.0 * late)
    np.testing.assert_array_equal(trials.inputs[..., 0], sum(steps) == 0)
    found = scores(task, trials, trials.targets[..., 0])
    assert (found["correct"] == 1).all()
    assert (found["all_correct"] == 1).all()
    coins = np.stack([COIN, COIN[::-1]], 1)
    either = (items[:, :1] == tests) | (items[:, 1:] == tests)
    kept = (cues == cues[:, :1]) | (np.arange(2) == 0)
    strategies = {
        "test_alone": tests % 2,
        "one_item_alone": np.where(cues == 0, items[:, :1] == tests, coins),
        "ignores_the_cues": either,
        "forgets_what_is_not_cued_first": np.where(kept, matches, coins),
    }
    check(
        task, **{k: scores(task, trials, named(v))["correct"].mean() for k, v in strategies.items()}
    )
    hot = np.eye(n_stimuli)
    shown = [
        during(task, trials, "sample")[..., None] * hot[items[:, i]][:, None] for i in range(2)
    ]
    for group, codes in (("test", tests), ("cue", cues)):
        on = (during(task, trials, f"{group}_{k}")[..., None] for k in range(2))
        row = hot if group == "test" else np.eye(2)
        shown.append(sum(step * row[codes[:, k]][:, None] for k, step in enumerate(on)))
    check_stimuli(task, trials, np.concatenate(shown, -1), 0.05 * STEP)
