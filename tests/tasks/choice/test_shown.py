"""Choices whose stimuli are terms: comparisons, clicks, shapes, senses, intervals, go/no-go."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm, poisson

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
#: Noise of each step, in units of ``noise_std``: sqrt(2 tau / dt).
STEP = np.sqrt(2 * 100 / 20)


def test_delayed_comparison():
    task, trials, given = drawn("DelayedComparison")
    check_targets(task, trials)
    f1, f2 = given["f1"], given["f2"]
    pairs = {(18, 10), (22, 14), (26, 18), (30, 22), (34, 26)}
    assert set(zip(f1, f2, strict=True)) == pairs | {(b, a) for a, b in pairs}
    np.testing.assert_array_equal(given["difference"], f2 - f1)
    assert task.n_steps * task.dt == 500 + 500 + 1000 + 500 + 300
    # On the ten pairs, once each, the second frequency alone is worth 0.7 exactly.
    table = [np.asarray(column) for column in task.condition_table().values()]
    assert len(table[0]) == 10
    share = {f: (table[1] > table[0])[table[1] == f].mean() for f in table[1]}
    assert np.mean([max(share[f], 1 - share[f]) for f in table[1]]) == 0.7
    alone = np.select([f2 < 16, f2 > 28], [0, 1], COIN)
    check(task, second_frequency_alone=answered(task, trials, alone))
    # Channels rise and fall with the frequency, from 0.4 to 1.2.
    shown = 0
    for name in ("f1", "f2"):
        x = (given[name] - 10) / 24
        tuned = np.stack([0.4 + 0.8 * x, 1.2 - 0.8 * x], -1)
        shown = shown + during(task, trials, name)[..., None] * tuned[:, None]
    check_stimuli(task, trials, shown, 0.05 * STEP)
    for bad in ([(10, 10)], [(0, 10)], [(10, 18, 26)]):
        with pytest.raises(ValueError, match="`pairs` must be rows of two positive"):
            tasks.DelayedComparison(pairs=bad)
    for bad in ((10, 18), [(10, 18), (14,)], []):
        with pytest.raises(ValueError, match="`pairs` must be rows of numbers, all equally long"):
            tasks.DelayedComparison(pairs=bad)


def test_go_nogo():
    task, trials, given = drawn("GoNoGo")
    check_targets(task, trials)
    assert set(trials.epochs) == {"stimulus", "delay", "decision"}
    np.testing.assert_array_equal(given["choice_correct"], given["cue"] - 1)
    found = {"always_goes": np.zeros(N, int), "never_goes": np.full(N, -1)}
    check(task, **{name: answered(task, trials, choice) for name, choice in found.items()})
    shown = during(task, trials, "stimulus")[..., None] * np.eye(2)[given["cue"]][:, None]
    check_stimuli(task, trials, shown, 0.05 * STEP)


def test_poisson_clicks():
    task, trials, given = drawn("PoissonClicks")
    check_targets(task, trials)
    clicks = trials.inputs[..., 1:]
    assert (clicks == np.round(clicks)).all()
    left, right = clicks.sum(1).T
    np.testing.assert_array_equal(left, given["left_clicks"])
    np.testing.assert_array_equal(right - left, given["difference"])
    inside = during(task, trials, "stimulus")
    assert (clicks[~inside] == 0).all()
    # Counts of a step are Poisson, 40 a second on both sides together.
    for share in np.unique(given["share"]):
        for side, rate in enumerate((40 * (1 - share), 40 * share)):
            counts = clicks[given["share"] == share][..., side][inside[given["share"] == share]]
            found = np.bincount(counts.astype(int), minlength=4)[:4] / len(counts)
            expected = poisson.pmf(np.arange(4), rate * 0.02)
            error = np.sqrt(expected * (1 - expected) / len(counts))
            assert (abs(found - expected) < 4.5 * error + 1e-9).all()
    at = np.arange(task.n_steps)
    last = np.argmax(np.where(clicks.sum(-1) > 0, at, -1), axis=1)
    at_last = clicks[np.arange(N), last]
    side = np.sign(at_last[:, 1] - at_last[:, 0])
    choice = np.where(side == 0, COIN, side > 0)
    check(task, side_of_the_last_click=answered(task, trials, choice))
    # Where there are equally many a coin decides.
    even = given["choice_correct"][given["difference"] == 0]
    assert 0.2 < even.mean() < 0.8
    # A click has the same area in steps of any length.
    left = tasks.PoissonClicks(5.0).stimuli()["left"]
    np.testing.assert_allclose(left.function({"_left": np.ones(1, int)}, None), [[4.0]])
    with pytest.raises(ValueError, match="4 clicks in a step"):
        tasks.PoissonClicks(dt=200.0, rate=50.0)
    assert tasks.PoissonClicks(react=True).timeline.longest == (10, 65)


def test_probabilistic_reasoning():
    task, trials, given = drawn("ProbabilisticReasoning")
    check_targets(task, trials)
    weights = np.array([-10, -0.9, -0.7, -0.5, -0.3, 0.3, 0.5, 0.7, 0.9, 10])
    np.testing.assert_allclose(task.weights, weights, rtol=1e-6)
    shapes = np.stack([given[f"shape_{i}"] for i in range(4)], axis=1)
    summed = weights[shapes].sum(1)
    np.testing.assert_allclose(given["log_odds"], summed, atol=1e-4)
    assert (np.bincount(shapes.ravel(), minlength=10) > 0.08 * 4 * N).all()
    # Shapes stay on until the delay.
    shown = sum(
        during(task, trials, *(f"shape_{k}" for k in range(i, 4)))[..., None]
        * np.eye(10)[shapes[:, i]][:, None]
        for i in range(4)
    )
    check_stimuli(task, trials, shown, 0.05 * STEP)
    # Exact over all ten thousand sequences: the ideal observer and both shortcuts.
    rows = weights[np.array(list(itertools.product(range(10), repeat=4)))]
    p = 1 / (1 + 10 ** -rows.sum(1))

    def worth(evidence):
        red = np.where(abs(evidence) < 1e-9, 0.5, evidence > 0)
        return (red * p + (1 - red) * (1 - p)).mean()

    assert round(worth(rows.sum(1)), 3) == 0.915
    exact = (worth(rows[:, 3]), worth(np.sign(rows).sum(1)))
    np.testing.assert_allclose(exact, list(task.shortcuts.values()), atol=5e-4)
    counted = np.sign(weights[shapes]).sum(1)
    found = {
        "last_shape_alone": shapes[:, 3] > 4,
        "shapes_of_either_sign_counted": np.where(counted == 0, COIN, counted > 0),
    }
    check(task, **{name: answered(task, trials, choice) for name, choice in found.items()})
    even = abs(summed) < 1e-9
    best = answered(task, trials, np.where(even, COIN, summed > 0))
    assert abs(best - 0.915) < 4 * np.sqrt(0.08 / N)
    certain = tasks.ProbabilisticReasoning(certain=True)
    for row, red in (((8, 8, 0, 8), 0), ((9, 0, 5, 6), 1)):
        codes = {f"shape_{i}": jnp.asarray(code, jnp.int32) for i, code in enumerate(row)}
        assert certain.answer(codes, jax.random.key(0))["choice_correct"] == red
    for bad in ({"shape_0": 10}, {"shape_3": 0.5}, {"shape_4": 0}):
        with pytest.raises(ValueError, match="shape_"):
            task.batch(0, N, **bad)


def test_multisensory_integration():
    task, trials, given = drawn("MultisensoryIntegration")
    check_targets(task, trials)
    assert set(given["rate"]) == set(range(9, 17))
    x, modality = (given["rate"] - 9) / 7, given["modality"]
    tuned = np.stack([0.4 + 0.8 * x, 1.2 - 0.8 * x], -1)
    there = np.stack([modality != 1, modality != 0], -1)
    shown = (there[..., None] * tuned[:, None]).reshape(N, 1, 4)
    inside = during(task, trials, "stimulus")
    check_stimuli(task, trials, inside[..., None] * shown, 0.25 * STEP)
    known = np.where(modality == 1, COIN, given["rate"] > 12.5)
    check(task, one_modality_alone=answered(task, trials, known))
    # d' of both modalities together is that of one times the square root of 2.
    summed = (trials.inputs[..., 1:] * inside[..., None]).sum(1).reshape(N, 2, 2) * there[..., None]
    right = (summed.sum(1) @ [1, -1] > 0) == given["choice_correct"]
    # Signal 0.8 (2 x - 1) in each sense for 1000 ms; two channels of white noise.
    d = 0.8 * abs(2 * x - 1) * 1000 / np.sqrt(2 * 0.25**2 * 2 * 100 * 1000)
    assert round(norm.cdf(d.min()), 2) == 0.77
    assert round(norm.cdf(d.min() * np.sqrt(2)), 2) == 0.85
    for code, senses in ((0, 1), (1, 1), (2, 2)):
        these = modality == code
        expected = norm.cdf(np.sqrt(senses) * d[these]).mean()
        assert abs(right[these].mean() - expected) < 4 * np.sqrt(0.08 / these.sum())
    with pytest.raises(ValueError, match="`rate` must be positive and not all the same"):
        tasks.MultisensoryIntegration(rate=[12.0, 12.0])
    with pytest.raises(ValueError, match="`boundary` must lie between low and high rates"):
        tasks.MultisensoryIntegration(rate=[20.0, 30.0])


def test_interval_discrimination():
    task, trials, given = drawn("IntervalDiscrimination")
    check_targets(task, trials)
    first, second, order = (given[k] for k in ("first_duration", "second_duration", "order"))
    assert len(next(iter(task.condition_table().values()))) == 6 * 5 * 2
    assert set(first) == set(second) == {200, 400, 600, 800, 1000, 1200}
    assert (first != second).all()
    assert (set(given["delay_duration"]), set(given["wait_duration"])) == (
        {400, 800},
        {0, 400, 800},
    )
    for name in ("first", "second"):
        lasted = np.diff(trials.epochs[name], axis=1)[:, 0]
        np.testing.assert_array_equal(lasted, given[f"{name}_duration"])
    blue = np.where(order == 0, second - first, first - second)
    np.testing.assert_array_equal(given["difference"], blue)
    colours = np.eye(2)[order], np.eye(2)[1 - order]
    shown = sum(
        during(task, trials, name)[..., None] * colour[:, None]
        for name, colour in zip(("first", "second"), colours, strict=True)
    )
    check_stimuli(task, trials, shown, 0.05 * STEP)
    # A long second stimulus probably lasted longer: 4 of 5 on average.
    longer = second > 700
    alone = np.where(longer, 1 - order, order)
    check(task, second_stimulus_alone=answered(task, trials, alone))
    for bad in ([400.0], [400.0, 400.0]):
        with pytest.raises(ValueError, match="`intervals` must be two at least"):
            tasks.IntervalDiscrimination(intervals=bad)
    with pytest.raises(ValueError, match="`intervals` must be a non-empty list of numbers"):
        tasks.IntervalDiscrimination(intervals=400.0)


def test_reactions_need_no_go_cue():
    """The fixation cue stays, the target switches after the grace, the first response counts."""
    task = tasks.GoNoGo(react=True)
    trials = jax.tree.map(np.asarray, task.batch(0, 40))
    assert (trials.inputs[..., 0] == 1).all()
    assert task.timeline.longest == (0, 75)
    go = trials.conditions["cue"]
    due = np.arange(75) >= 5
    np.testing.assert_array_equal(trials.targets[..., 0], due[None] * go[:, None])
    np.testing.assert_array_equal(trials.mask[..., 0], np.broadcast_to(1.0 * due, (40, 75)))
    found = scores(task, trials, trials.targets[..., 0])
    assert (found["correct"] == 1).all()
    np.testing.assert_array_equal(found["rt"][go == 1], 120)
    assert np.isnan(found["rt"][go == 0]).all()
