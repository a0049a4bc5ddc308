"""The twenty rules against the numbers of the published code (gyyang/multitask 817e23d)."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import tasks
from neurodyn.tasks.durations import DurationTable
from neurodyn.tasks.multitask.rules import RULES, RuleTable, family
from neurodyn.tasks.multitask.scoring import direction_of
from neurodyn.tasks.multitask.stimuli import N_DRAWN, draw_stimuli
from neurodyn.tasks.multitask.trial import bump

#: Fewest and most steps of a trial of each family at 20 ms, and their mean.
STEPS = {
    "fd": (65, 133, 99),
    "react": (50, 149, 99.5),
    "delay": (60, 170, 107.5),
    "dm": (50, 124, 83.7),
    "delaydm": (70, 209, 132),
    "dms": (55, 165, 102.5),
    "dmc": (40, 170, 97.5),
}
MATCHING = ("dmsgo", "dmsnogo", "dmcgo", "dmcnogo")
BUMP = (0.8, 0.70600, 0.48522, 0.25972, 0.10827)
SUM = 4.01061
EACH = 40  # trials of each rule


@functools.cache
def task(variant="yang", **options):
    return tasks.Yang2019(variant=variant, noise_std=0.0, **options)


@functools.cache
def every_rule(variant="yang"):
    """Trials of all rules, `EACH` for each, without noise."""
    codes = np.asarray(task(variant).condition_table()["rule"])
    drawn = task(variant).batch(3, EACH * len(codes), rule=np.repeat(codes, EACH))
    return jax.tree.map(np.asarray, drawn)


def of(rule, variant="yang"):
    """The trials of one rule."""
    code = task(variant).code(rule)
    mine = every_rule(variant).conditions["rule"] == code
    return jax.tree.map(lambda a: a[mine], every_rule(variant))


@functools.cache
def drawn_steps():
    """Steps of 4000 trials of each rule (rule, trial, epoch)."""
    u = jax.random.uniform(jax.random.key(0), (4000, 6))
    draw = jax.vmap(jax.vmap(task().table.durations.draw, (0, None)), (None, 0))
    return np.asarray(jax.jit(draw)(u, jnp.arange(20)))


def as_outputs(trials, variant="yang"):
    """Outputs with which a network gives the targets."""
    return np.log(trials.targets / (1 - trials.targets)) if variant == "yang" else trials.targets


@functools.cache
def many_stimuli(rule, n=20_000, variant="yang"):
    """Directions, strengths and targets of many trials."""
    table = RuleTable.build(variant, 20.0)
    code, rings = jnp.asarray(table.names.index(rule)), jnp.asarray([0, 1])
    u = jax.random.uniform(jax.random.key(1), (n, N_DRAWN))
    drawn = jax.jit(jax.vmap(lambda u: draw_stimuli(table, code, rings, u, {})))(u)
    return jax.tree.map(np.asarray, drawn)


@eqx.filter_jit
def drawn_conditions(task, key, n, **given):
    """Conditions, common length and steps of trials; their inputs are not computed."""
    trials = task.batch(key, n, **given)
    return trials.conditions, trials.length, trials.n_valid


def right_if(rule, first, variant="yang"):
    """How often it is right to go to the first stimulus where `first`, else to the second."""
    drawn = many_stimuli(rule, variant=variant)
    chosen = np.where(first(drawn.strengths), *drawn.directions.T)
    return np.mean(np.abs(chosen - drawn.target) < 1e-5)


def test_channels():
    yang, driscoll = task(), task("driscoll")
    assert (yang.n_inputs, yang.n_outputs, yang.n_steps) == (85, 33, 209)
    assert (driscoll.n_inputs, driscoll.n_outputs) == (20, 3)
    assert yang.input_names[0] == "fixation"
    assert yang.input_names[1::32][:2] == ("mod1_ring_0", "mod2_ring_0")
    assert yang.input_names[65:] == tuple(f"rule_{name}" for name in RULES)
    trials = of("contextdm2")
    np.testing.assert_array_equal(
        trials.inputs[:, 0, 65:], np.tile(np.eye(20)[9], (EACH, 1)), strict=False
    )


def test_stimuli_are_bumps():
    np.testing.assert_allclose(bump(jnp.zeros(()), 32)[:5], BUMP, atol=5e-6)
    for angle in (0.0, 0.05, 1.234, 6.0):
        assert float(bump(jnp.asarray(angle), 32).sum()) == pytest.approx(SUM, abs=1e-5)
    at, opposite = (np.asarray(bump(jnp.asarray(a), 32)) for a in (0.0, np.pi))
    assert at @ at == pytest.approx(2.26874, abs=1e-5)
    assert np.linalg.norm(at - opposite) == pytest.approx(2.13014, abs=1e-5)
    seen = direction_of(0.05 + bump(jnp.asarray(1.234), 32), "yang")
    assert np.radians(seen) == pytest.approx(1.234, abs=1e-5)
    trials = task().batch(0, 2, rule=task().code("fdgo"), direction1=0.0, modality1=[1, 2])
    end = np.asarray(trials.inputs)[:, int(trials.length) - 1]
    np.testing.assert_allclose(end[0, 1:6], BUMP, atol=5e-6)
    np.testing.assert_allclose(end[1, 33:38], BUMP, atol=5e-6)
    assert not end[0, 33:65].any()


@pytest.mark.parametrize("rule", RULES)
def test_durations_inputs_and_weights_of_every_rule(rule):
    trials, law = of(rule), task().table.durations
    code, (low, high, mean) = task().code(rule), STEPS[family(rule)]
    assert law.shortest[code].sum() == low
    assert law.longest[code].sum() == high
    steps = drawn_steps()[code].sum(1)
    assert (steps.min() >= low) & (steps.max() <= high)
    assert steps.mean() == pytest.approx(mean, abs=2.0)
    go, end = np.stack([x / 20 for x in trials.epochs["response"].T])
    np.testing.assert_array_equal(end, trials.n_valid)
    # 33 weights of 1, that of fixation four times as much, and 25 times as much in the response.
    scored = go - 5, end - go - 5
    np.testing.assert_allclose(trials.mask.sum((1, 2)), 36 * scored[0] + 900 * scored[1])
    cued = family(rule) not in ("react", "dms", "dmc")
    steps = np.arange(209)
    on = steps < np.where(cued, go, end)[:, None]
    np.testing.assert_array_equal(trials.inputs[..., 0], on)
    if "go" in rule and family(rule) == "react":
        np.testing.assert_allclose(trials.inputs[..., 1:65].sum((1, 2)), 25 * SUM, rtol=1e-5)
    if family(rule) == "dm":
        shown = trials.conditions["stimulus_duration"] / 20
        strength = sum(trials.conditions[f"strength{i}_mod{m}"] for i in (1, 2) for m in (1, 2))
        found = trials.inputs[..., 1:65].sum((1, 2))
        np.testing.assert_allclose(found, shown * strength * SUM, rtol=1e-5)
    if rule in MATCHING:
        due = trials.conditions["match"] == (0 if rule.endswith("nogo") else 1)
        np.testing.assert_array_equal(trials.conditions["response_due"], due)
        assert 0.15 < due.mean() < 0.85
    else:
        assert trials.conditions["response_due"].all()


def test_targets_are_published_ones():
    for rule, peak in (("fdgo", 0), ("fdanti", 16)):
        given = {"direction1": 0.0, "modality1": [1, 2]}
        trials = task().batch(0, 2, rule=task().code(rule), **given)
        targets, go = np.asarray(trials.targets[0]), int(trials.epochs["response"][0, 0] / 20)
        assert targets[go - 1, 0] == pytest.approx(0.8)
        np.testing.assert_allclose(targets[:go, 1:], 0.05)
        assert targets[go, 0] == pytest.approx(0.05)
        assert targets[go, 1 + peak] == pytest.approx(0.85)
    held = of("dmsgo")
    without = held.conditions["response_due"] == 0
    np.testing.assert_allclose(held.targets[without][..., 0], 0.8)
    assert (held.mask[without][..., 0].max(1) == 100).all()


@pytest.mark.parametrize("variant", ["yang", "driscoll"])
def test_the_targets_as_outputs_are_right(variant):
    trials = every_rule(variant)
    outputs = as_outputs(trials, variant)
    scores = task(variant).score(outputs, trials)
    assert scores["correct"].min() == scores["correct_held"].min() == scores["fixation"].min() == 1
    assert np.nanmax(scores["error"]) < 1e-3
    np.testing.assert_allclose(task(variant).loss(outputs, trials), 0, atol=1e-9)
    # What comes after a trial does not count.
    outputs = np.where(
        np.arange(outputs.shape[1])[:, None] < trials.n_valid[:, None, None], outputs, 9
    )
    assert task(variant).score(outputs, trials)["correct"].min() == 1
    means = task(variant).summary(scores, trials)
    assert means["correct_min"] == means["correct_dmcnogo"] == 1
    assert {f"correct_{rule}" for rule in task(variant).rules} <= set(means)


def test_the_loss_is_the_mean_of_the_masked_error_squared():
    trials = of("delaygo")
    outputs = np.random.default_rng(0).normal(size=trials.targets.shape).astype(np.float32)
    mask, error = np.sqrt(trials.mask), 1 / (1 + np.exp(-outputs)) - trials.targets
    expected = [
        np.mean((m * e)[:n] ** 2) for m, e, n in zip(mask, error, trials.n_valid, strict=True)
    ]
    np.testing.assert_allclose(task().loss(outputs, trials), expected, rtol=1e-5)


def test_chance():
    trials = every_rule()
    rng, shape = np.random.default_rng(0), trials.targets.shape
    outputs = np.full(shape, -3.0, np.float32)
    anywhere = rng.uniform(0, 2 * np.pi, shape[0])
    outputs[..., 1:] += 4 * np.cos(anywhere[:, None] - np.arange(32) * np.pi / 16)[:, None]
    going = task().score(outputs, trials)["correct"]
    due = trials.conditions["response_due"] == 1
    assert going[due].mean() == pytest.approx(0.2, abs=0.04)
    assert not going[~due].any()
    outputs[..., 0] = 3
    holding = task().score(outputs, trials)["correct"]
    np.testing.assert_array_equal(holding, ~due)
    assert due[np.isin(trials.conditions["rule"], [16, 17, 18, 19])].mean() == pytest.approx(
        0.5, abs=0.12
    )


def test_shortcuts_reach_what_the_documentation_says():
    close = functools.partial(pytest.approx, abs=0.012)
    assert right_if("contextdm1", lambda s: s[:, 0].sum(1) > s[:, 1].sum(1)) == close(0.750)
    assert right_if("contextdm1", lambda s: s[:, 0, 1] > s[:, 1, 1]) == close(0.500)
    assert right_if("contextdm1", lambda s: s[:, 0, 0] > s[:, 1, 0]) == 1
    assert right_if("multidm", lambda s: s[:, 0, 0] > s[:, 1, 0]) == close(0.602)
    assert right_if("multidm", lambda s: s[:, 0].max(1) > s[:, 1].max(1)) == close(0.741)
    assert right_if("multidm", lambda s: s[:, 0].sum(1) > s[:, 1].sum(1)) == 1
    assert right_if("multidelaydm", lambda s: s[:, 0, 0] > s[:, 1, 0]) == close(0.805)
    assert right_if("multidelaydm", lambda s: s[:, 0].max(1) > s[:, 1].max(1)) == close(0.981)
    assert right_if("delaydm1", lambda s: s[:, 1, 0] < 1) == close(0.866)
    assert right_if("dm1", lambda s: s[:, 0, 0] > 1) == close(0.593)
    assert right_if("dm2", lambda s: s[:, 0, 0] >= 0) == close(0.5)


@pytest.mark.parametrize("variant", ["yang", "driscoll"])
def test_no_strategy_that_leaves_out_something_does_better_than_the_shortcut(variant):
    within_one_ring = [lambda s: s[:, 0, 0] > 1, lambda s: s[:, 1, 0] < 1]
    over_rings = [lambda s: s[:, 0].max(1) > s[:, 1].max(1), lambda s: s[:, 1].sum(1) < 2]
    summed = [lambda s: s[:, 0].sum(1) > s[:, 1].sum(1)]
    ring = [lambda s: s[:, 0, 0] > s[:, 1, 0]]
    left_out = {"dm1": [], "contextdm1": over_rings + summed, "multidm": over_rings + ring}
    left_out |= {f"{kind.replace('dm', 'delaydm')}": v for kind, v in left_out.items()}
    for rule, more in left_out.items():
        if rule in task(variant).rules:
            scores = [right_if(rule, first, variant) for first in within_one_ring + more]
            assert task(variant).shortcuts[rule] == pytest.approx(max(scores), abs=0.012), rule
    assert set(task(variant).shortcuts) == set(task(variant).rules)


def test_matches():
    for rule in MATCHING:
        assert np.mean(many_stimuli(rule).match) == pytest.approx(0.5, abs=0.012)
    drawn = many_stimuli("dmsgo")
    first, second = drawn.directions.T
    away = np.abs((first - second + np.pi) % (2 * np.pi) - np.pi)
    assert away[drawn.match == 0].min() >= np.pi / 9 - 1e-5
    first, second = (np.round(d / (0.1 * np.pi), 3) for d in many_stimuli("dmcgo").directions.T)
    for direction in (first, second):
        values, counts = np.unique(direction, return_counts=True)
        np.testing.assert_allclose(values, np.arange(1, 20, 2), atol=1e-3)
        assert abs(counts / 2000 - 1).max() < 0.12
    # The directions are independent: each pair is as frequent as any other.
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0, abs=0.03)
    away = many_stimuli("contextdelaydm2")
    first, second = away.directions.T
    assert (np.abs((first - second + np.pi) % (2 * np.pi) - np.pi) >= np.pi / 2 - 1e-5).all()


def test_contexts_show_the_same_stimuli():
    one, other = (task().batch(7, EACH, rule=code) for code in (8, 9))
    np.testing.assert_array_equal(one.inputs[..., :65], other.inputs[..., :65])
    differ = np.asarray(one.conditions["target"] != other.conditions["target"])
    assert differ.mean() == pytest.approx(0.5, abs=0.25)


def test_a_batch_shares_what_it_is_told_to():
    lengths = []
    for seed in range(4):
        conditions, length, steps = drawn_conditions(task(), jax.random.key(seed), 5)
        lengths.append(int(length))
        assert steps is None
        for name in ("rule", "fixation_duration", "modality1"):
            assert len(np.unique(conditions[name])) == 1
        assert len(np.unique(conditions["direction1"])) == 5
    assert len(set(lengths)) > 1
    conditions, length, steps = drawn_conditions(task(shared=()), jax.random.key(0), 40)
    assert length is None
    assert len(np.unique(conditions["rule"])) > 8
    assert len(np.unique(steps)) > 8
    given = {"rule": task().code("delaygo"), "delay_duration": np.repeat([200.0, 1600.0], 20)}
    _, length, steps = drawn_conditions(task(), jax.random.key(0), 40, **given)
    assert length is None
    assert np.ptp(steps[:20]) == 0
    assert steps[20] - steps[0] == 70


def test_rules_come_as_often_as_they_are_weighted():
    given = task(rules=("dm1", "contextdm1", "dmcgo"), shared=())
    rule = drawn_conditions(given, jax.random.key(0), 2000)[0]["rule"]
    codes, counts = np.unique(rule, return_counts=True)
    assert codes.tolist() == [6, 8, 18]
    np.testing.assert_allclose(counts / 2000, [1 / 7, 5 / 7, 1 / 7], atol=0.03)
    only = eqx.tree_at(lambda t: t.weights, given, jnp.asarray([0.0, 0.0, 1.0]))
    assert (drawn_conditions(only, jax.random.key(1), 2000)[0]["rule"] == 18).all()
    assert given.n_steps == 170
    assert given.n_inputs == 85


def test_rule_algebra_changes_the_input_alone():
    mixture = {"fdanti": 1, "delaygo": 1, "fdgo": -1}
    code = task().code("delayanti")
    mixed = task().with_rule_input("delayanti", mixture).batch(0, EACH, rule=code)
    plain = task().batch(0, EACH, rule=code)
    shown = np.asarray(mixed.inputs[0, 0, 65:])
    np.testing.assert_array_equal(np.flatnonzero(shown), [0, 2, 3])
    np.testing.assert_array_equal(shown[[0, 2, 3]], [-1, 1, 1])
    np.testing.assert_array_equal(mixed.inputs[..., :65], plain.inputs[..., :65])
    np.testing.assert_array_equal(mixed.targets, plain.targets)


def test_driscolls_variant():
    trials = of("delaydm1", "driscoll")
    assert trials.inputs.shape[2] == 20
    given = task("driscoll").batch(
        0, 2, rule=task("driscoll").code("fdanti"), direction1=[30.0, 90.0], modality1=2
    )
    end = int(given.length) - 1
    np.testing.assert_allclose(given.inputs[0, end, 1:5], [0, 0, 0.5, np.sqrt(3) / 2], atol=1e-6)
    np.testing.assert_allclose(
        given.targets[:, end], [[0, -0.5, -np.sqrt(3) / 2], [0, -1, 0]], atol=1e-6
    )
    difference = np.abs(trials.conditions["evidence"]) / 2
    assert 0.005 <= difference.min() < 0.1 < 0.6 < difference.max() <= 0.8
    noisy = tasks.Yang2019(variant="driscoll").batch(0, 8, rule=0)
    noise = np.asarray(noisy.inputs - task("driscoll").batch(0, 8, rule=0).inputs)
    length = int(noisy.length)
    assert noise[:, :length].std() == pytest.approx(0.1 * np.sqrt(10), rel=0.02)
    assert not noise[:, length:].any()


def test_psychometric_choices():
    trials = of("dm1")
    outputs = as_outputs(trials)
    chosen = np.asarray(task().score(outputs, trials)["choice"])
    np.testing.assert_array_equal(chosen, (trials.conditions["evidence"] < 0).astype(int))
    outputs[..., 0] = 3
    assert (task().score(outputs, trials)["choice"] == -1).all()


def test_draws_are_cut_to_whole_steps():
    table = DurationTable.build(
        30.0, ("cue", "go"), [{"cue": (90, 210), "go": [210, 390]}, {"go": 90}]
    )
    assert table.shortest.tolist() == [[3, 7], [0, 3]]
    assert table.longest.tolist() == [[6, 13], [0, 3]]
    u = jnp.asarray([[0.0, 0.0], [0.999999, 0.999999], [0.5, 0.49]])
    drawn = [table.draw(each, jnp.asarray(0)).tolist() for each in u]
    assert drawn == [[3, 7], [6, 13], [5, 7]]
    assert table.draw(u[1], jnp.asarray(1)).tolist() == [0, 3]
    with pytest.raises(ValueError, match=r"0.7 ms does not divide `go` \(0.9 ms\).*another"):
        DurationTable.build(0.7, ("go",), [{"go": 0.9}])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "paper"}, "one of yang, driscoll"),
        ({"rules": ("fdgo", "dm3")}, "'dm3' is none of fdgo, reactgo"),
        ({"rules": ()}, "`rules` must be different names"),
        ({"shared": ("length",)}, "'length' is none of rule, durations, modality"),
        ({"shared": ("durations",)}, "add 'rule' to `shared`"),
        ({"weights": [1.0, 2.0]}, "20 numbers, one for each rule"),
        ({"weights": [0.0] * 20}, "one of them above 0"),
        ({"dt": 150.0}, r"`dt` = 150 ms does not divide `fixation` \(700 ms\).*take 100 ms"),
        (
            {"dt": 30.0},
            r"`dt` = 30 ms does not divide `fixation` \(700 ms\) into steps: take 25 ms",
        ),
        ({"variant": "driscoll", "rules": ("dm1",)}, "'dm1' is none of"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tasks.Yang2019(**options)


def test_bad_conditions_are_refused():
    with pytest.raises(ValueError, match=r"may last 24\d steps, but this task has room for 209"):
        task().batch(0, 2, rule=task().code("delaydm1"), wait_duration=1000.0)
    with pytest.raises(ValueError, match="takes the codes"):
        task(rules=("fdgo", "dm1")).batch(0, 2, rule=3)
    with pytest.raises(ValueError, match="'dmsgo' is none of fdgo, dm1"):
        task(rules=("fdgo", "dm1")).code("dmsgo")
    with pytest.raises(ValueError, match="'modality1' must lie in"):
        task().batch(0, 2, modality1=0)
