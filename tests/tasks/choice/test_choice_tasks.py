"""PerceptualDecision, ContextDecision and DelayMatchToSample."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from neurodyn.tasks import ContextDecision, DelayMatchToSample, PerceptualDecision


def epoch(trials, name, dt, n_steps):
    """Steps of an epoch, (trial, time), by the definition in words."""
    start, stop = np.asarray(trials.epochs[name], float).T
    begin = np.arange(n_steps) * dt
    return (begin[None] >= start[:, None] - 1e-3) & (begin[None] < stop[:, None] - 1e-3)


def logits_for(classes, n_classes=3):
    return 4 * jnp.asarray(np.eye(n_classes, dtype=np.float32)[np.asarray(classes)])


def check_targets(task, trials, right):
    n = task.n_steps
    decision = epoch(trials, "decision", task.dt, n)
    inside = np.zeros_like(decision)
    for name in trials.epochs:
        inside |= epoch(trials, name, task.dt, n)
    grace = np.cumsum(decision, axis=1) <= task.grace
    targets = np.where(decision, right[:, None] + 1, 0)
    mask = np.where(decision, np.where(grace, 0.0, 5.0), 1.0) * inside
    np.testing.assert_array_equal(trials.targets[..., 0], targets)
    np.testing.assert_allclose(trials.mask[..., 0], mask)


@pytest.mark.parametrize("options", [{}, {"dt": 10.0, "delay": (0.0, 300.0), "stimulus": 400.0}])
def test_perceptual_decision_is_what_the_conditions_say(options):
    task = PerceptualDecision(noise_std=0.0, **options)
    trials = task.batch(0, 40)
    c = np.asarray(trials.conditions["coherence"], float)
    fixation = 1.0 - epoch(trials, "decision", task.dt, task.n_steps)
    shown = epoch(trials, "stimulus", task.dt, task.n_steps)
    expected = np.stack(
        [fixation, shown * (1 - c[:, None]) / 2, shown * (1 + c[:, None]) / 2], axis=-1
    )
    np.testing.assert_allclose(trials.inputs, expected, atol=1e-6)
    np.testing.assert_array_equal(trials.conditions["choice_correct"], c > 0)
    check_targets(task, trials, (c > 0).astype(int))
    assert set(np.round(c, 4)) <= set(np.round(np.asarray(task.coherence, float), 4))


def test_published_epochs():
    task = PerceptualDecision()
    assert (task.n_steps, task.t0, task.grace) == (60, -100.0, 5)
    assert task.timeline.names == ("fixation", "stimulus", "delay", "decision")
    assert [n * task.dt for n in task.timeline.longest] == [100, 800, 0, 300]
    context = ContextDecision(dt=10.0)
    assert [n * context.dt for n in context.timeline.longest] == [300, 750, 300, 300]


@pytest.mark.parametrize("kind", [PerceptualDecision, ContextDecision, DelayMatchToSample])
def test_grace_is_shown_in_the_steps_that_it_is_kept_in(kind):
    task = kind(grace=60.0)
    assert task.grace == 3
    assert "grace 3 steps" in repr(task)
    assert "noise_tau 100 ms" in repr(task)


def ideal_choice(trials, task, first=1, second=2):
    """Integrate the difference of two channels over the stimulus."""
    shown = epoch(trials, "stimulus", task.dt, task.n_steps)
    x = np.asarray(trials.inputs, float)
    return ((x[..., second] - x[..., first]) * shown).sum(1) > 0


def test_an_ideal_observer_of_perceptual_decision_follows_theory():
    task = PerceptualDecision()
    correct = {}
    for c in np.asarray(task.coherence):
        trials = task.batch(int(c * 1e4) % 1000, 2000, coherence=float(c))
        right = np.asarray(trials.conditions["choice_correct"])
        correct[round(float(c), 4)] = (ideal_choice(trials, task) == right).mean()
    for c, value in correct.items():
        # Mean c T, white noise of amplitude noise_std sqrt(2 tau) in each of two channels.
        d = abs(c) * 800 / np.sqrt(2 * 2 * 0.1**2 * 100 * 800)
        assert abs(value - norm.cdf(d)) < 0.04, c
    positive = [correct[c] for c in sorted(correct) if c > 0]
    assert (np.diff(positive) > -0.01).all()
    assert correct[0.512] > 0.99
    assert 0.78 < correct[0.064] < 0.86
    # Choices of 1 rise with signed coherence.
    p1 = [v if c > 0 else 1 - v for c, v in sorted(correct.items())]
    assert (np.diff(p1) > -0.01).all()


def test_evidence_does_not_depend_on_the_step():
    """The integral of the evidence has the same mean and variance at any dt."""
    spread = {}
    for dt in (5.0, 20.0):
        task = PerceptualDecision(dt)
        trials = task.batch(0, 2000, coherence=0.1)
        shown = epoch(trials, "stimulus", dt, task.n_steps)
        x = np.asarray(trials.inputs, float)
        total = ((x[..., 2] - x[..., 1]) * shown).sum(1) * dt
        np.testing.assert_allclose(total.mean(), 0.1 * 800, atol=5.0)
        spread[dt] = total.std()
    np.testing.assert_allclose(spread[5.0], spread[20.0], rtol=0.06)
    np.testing.assert_allclose(spread[5.0], np.sqrt(2 * 2 * 0.01 * 100 * 800), rtol=0.05)


def test_at_coherence_zero_a_coin_decides():
    task = PerceptualDecision(coherence=[-0.1, 0.0, 0.1])
    right = np.asarray(task.batch(0, 2000, coherence=0.0).conditions["choice_correct"])
    assert 0.46 < right.mean() < 0.54
    context = ContextDecision()
    trials = context.batch(0, 2000, motion=0.0, context=0)
    assert 0.46 < np.asarray(trials.conditions["choice_correct"]).mean() < 0.54


def test_context_decision_is_what_the_conditions_say():
    task = ContextDecision(noise_std=0.0, delay=(100.0, 500.0))
    trials = task.batch(0, 60)
    given = {k: np.asarray(v, float) for k, v in trials.conditions.items()}
    cue = 1.0 - epoch(trials, "decision", task.dt, task.n_steps)
    shown = epoch(trials, "stimulus", task.dt, task.n_steps)
    columns = [
        cue,
        shown * given["motion"][:, None],
        shown * given["colour"][:, None],
        cue * (given["context"] == 0)[:, None],
        cue * (given["context"] == 1)[:, None],
    ]
    np.testing.assert_allclose(trials.inputs, np.stack(columns, -1), atol=1e-6)
    relevant = np.where(given["context"] == 0, given["motion"], given["colour"])
    np.testing.assert_array_equal(given["choice_correct"], relevant > 0)
    check_targets(task, trials, (relevant > 0).astype(int))
    lengths = np.diff(np.asarray(trials.epochs["delay"]), axis=1)[:, 0]
    np.testing.assert_allclose(lengths, given["delay_duration"], atol=1e-3)
    assert len(np.unique(np.round(lengths))) > 5


def test_the_context_design_is_the_recorded_one():
    task = ContextDecision()
    table = {k: np.asarray(v) for k, v in task.condition_table().items()}
    rows = set(zip(*(np.round(c.astype(float), 3) for c in table.values()), strict=True))
    assert list(table) == ["motion", "colour", "context"]
    assert len(rows) == 72 == 6 * 6 * 2
    levels = {-0.5, -0.15, -0.05, 0.05, 0.15, 0.5}
    assert rows == {(m, c, k) for m in levels for c in levels for k in (0.0, 1.0)}


def test_an_ideal_observer_of_context_needs_the_context():
    task = ContextDecision()
    trials = task.batch(0, 4000)
    shown = epoch(trials, "stimulus", task.dt, task.n_steps)[..., None]
    seen = (np.asarray(trials.inputs, float)[..., 1:3] * shown).sum(1)
    context = np.asarray(trials.conditions["context"])
    right = np.asarray(trials.conditions["choice_correct"])
    informed = (seen[np.arange(len(seen)), context] > 0) == right
    ignorant = (seen.sum(1) > 0) == right
    weakest = np.abs(np.asarray(trials.conditions["motion"])[context == 0]) < 0.1
    assert informed.mean() > 0.95
    assert ignorant.mean() < 0.8
    expected = norm.cdf(0.05 * np.sqrt(760) / (0.07 * np.sqrt(2 * 100)))
    assert abs(informed[context == 0][weakest].mean() - expected) < 0.04


@pytest.mark.parametrize("n_stimuli", [2, 5])
def test_delay_match_is_what_the_conditions_say(n_stimuli):
    task = DelayMatchToSample(n_stimuli=n_stimuli, noise_std=0.0, delay=(200.0, 1000.0))
    trials = task.batch(0, 200)
    given = {k: np.asarray(v) for k, v in trials.conditions.items()}
    sample, test = given["sample_stimulus"], given["test_stimulus"]
    np.testing.assert_array_equal(given["match"], sample == test)
    np.testing.assert_array_equal(given["choice_correct"], given["match"])
    expected = np.zeros(trials.inputs.shape)
    expected[..., 0] = 1.0 - epoch(trials, "decision", task.dt, task.n_steps)
    for name, code in (("sample", sample), ("test", test)):
        shown = epoch(trials, name, task.dt, task.n_steps)
        expected[..., 1:] += shown[..., None] * np.eye(n_stimuli)[code][:, None, :]
    np.testing.assert_allclose(trials.inputs, expected, atol=1e-6)
    check_targets(task, trials, given["match"])
    assert 0.35 < given["match"].mean() < 0.65
    assert len(set(zip(sample[sample != test], test[sample != test], strict=True))) == (
        n_stimuli * (n_stimuli - 1)
    )


def test_an_ideal_observer_of_delay_match():
    task = DelayMatchToSample(n_stimuli=4)
    trials = task.batch(0, 500)
    x = np.asarray(trials.inputs, float)[..., 1:]
    seen = [
        (x * epoch(trials, e, task.dt, task.n_steps)[..., None]).sum(1).argmax(1)
        for e in ("sample", "test")
    ]
    right = np.asarray(trials.conditions["match"])
    assert ((seen[0] == seen[1]) == right).mean() > 0.99


TASKS = [PerceptualDecision, ContextDecision, DelayMatchToSample]


@pytest.mark.parametrize("task", [t() for t in TASKS], ids=lambda t: type(t).__name__)
def test_scores_of_known_behaviour(task):
    trials = task.batch(0, 12)
    decision = epoch(trials, "decision", task.dt, task.n_steps)
    right = np.asarray(trials.conditions["choice_correct"])
    perfect = np.where(decision, right[:, None] + 1, 0)
    score = task.score(logits_for(perfect), trials)
    np.testing.assert_array_equal(score["choice"], right)
    assert score["correct"].tolist() == [1.0] * 12
    np.testing.assert_allclose(score["rt"], task.dt)
    np.testing.assert_allclose(score["fixation"], 1.0)

    wrong = np.where(decision, 2 - right[:, None], 0)
    score = task.score(logits_for(wrong), trials)
    np.testing.assert_array_equal(score["choice"], 1 - right)
    assert score["correct"].tolist() == [0.0] * 12

    silent = task.score(logits_for(np.zeros_like(perfect)), trials)
    assert silent["choice"].tolist() == [-1] * 12
    assert silent["correct"].tolist() == [0.0] * 12
    assert np.isnan(silent["rt"]).all()

    late = np.where(np.cumsum(decision, axis=1) > 4, right[:, None] + 1, 0)
    score = task.score(logits_for(late), trials)
    np.testing.assert_allclose(score["rt"], 5 * task.dt)
    np.testing.assert_array_equal(score["choice"], right)

    hasty = np.broadcast_to(right[:, None] + 1, perfect.shape)
    score = task.score(logits_for(hasty), trials)
    np.testing.assert_allclose(score["fixation"], 0.0)
    assert score["correct"].tolist() == [1.0] * 12


def test_the_loss_is_the_weighted_mean_of_log_probabilities():
    task = PerceptualDecision(response_weight=3.0)
    trials = task.batch(0, 4)
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(4, task.n_steps, 3)).astype(np.float32)
    p = np.exp(outputs) / np.exp(outputs).sum(-1, keepdims=True)
    expected = []
    for i in range(4):
        total = weight = 0.0
        for k in range(task.n_steps):
            w = float(trials.mask[i, k, 0])
            total -= w * np.log(p[i, k, int(trials.targets[i, k, 0])])
            weight += w
        expected.append(total / weight)
    np.testing.assert_allclose(task.loss(jnp.asarray(outputs), trials), expected, rtol=1e-5)


def test_no_fixation_epoch():
    task = PerceptualDecision(fixation=0.0, stimulus=800.0)
    assert task.t0 == 0.0
    assert "fixation" not in task.batch(0, 2).epochs


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PerceptualDecision(coherence=[0.5, 1.5]), "`coherence` must be at most 1"),
        (lambda: PerceptualDecision(coherence=[]), "`coherence`"),
        (lambda: PerceptualDecision(coherence=[float("nan")]), "finite"),
        (lambda: PerceptualDecision(noise_std=-0.1), "`noise_std` must be at least 0"),
        (lambda: PerceptualDecision(noise_tau=0.0), "`noise_tau` must be above 0"),
        (lambda: PerceptualDecision(response_weight=0.0), "`response_weight`"),
        (lambda: PerceptualDecision(stimulus=810.0), "take 800 or 820 ms"),
        (lambda: PerceptualDecision(decision=0.0), "`decision` must last"),
        (lambda: PerceptualDecision(grace=300.0), "`grace`"),
        (lambda: PerceptualDecision(grace=-20.0), "`grace`"),
        (lambda: ContextDecision(motion=[2.0]), "`motion`"),
        (lambda: ContextDecision(stimulus=750.0), "not a whole number of steps"),
        (lambda: DelayMatchToSample(n_stimuli=1), "`n_stimuli`"),
        (lambda: PerceptualDecision().batch(0, 3, coherence=2.0), r"\[-1, 1\]"),
        (lambda: PerceptualDecision().batch(0, 3, coherence=float("nan")), "NaN"),
        (lambda: PerceptualDecision().batch(0, 3, coherence="high"), "must be numbers"),
        (lambda: ContextDecision().batch(0, 3, context=2), "takes the codes"),
        (lambda: PerceptualDecision().batch(0, 3, delay_duration=100.0), "delay_duration"),
        (
            lambda: PerceptualDecision(delay=(0.0, 100.0)).batch(0, 3, delay_duration=200.0),
            r"\[0, 100\]",
        ),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
