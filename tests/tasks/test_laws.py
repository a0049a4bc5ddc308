"""Durations by other laws and by conditions: what is drawn, how often, and where epochs lie."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodyn import tasks
from neurodyn.tasks.laws import ByCode, Exponential, FromCondition, HalfOpen, as_law
from neurodyn.tasks.parts import during, within
from neurodyn.tasks.timeline import Timeline

DT = 20.0
U = (np.arange(20_000) + 0.5) / 20_000


def steps(law, **conditions):
    """What each of many evenly spaced uniform numbers stands for."""
    whole = law.in_steps(lambda ms: round(ms / DT), DT)
    return np.asarray(jax.vmap(lambda u: whole.draw(u, conditions))(jnp.asarray(U, jnp.float32)))


def test_a_half_open_range_never_reaches_its_end():
    drawn = steps(HalfOpen(300, 700))
    values, counts = np.unique(drawn, return_counts=True)
    np.testing.assert_array_equal(values, np.arange(15, 35))
    np.testing.assert_allclose(counts, len(U) / 20, atol=2)
    line = Timeline.build(DT, "a", {"a": HalfOpen(300, 700)}, {})
    assert (line.shortest, line.longest) == ((15,), (34,))


def test_a_truncated_exponential_has_the_mean_of_one():
    law = Exponential(600, 300, 3000)
    drawn = steps(law) * DT
    assert (drawn.min(), drawn.max()) == (300, 3000)
    span = 2700.0
    # What lies above the lower end is exponential again; the upper end cuts its tail off.
    mean = 300 + 600 - span / np.expm1(span / 600)
    assert drawn.mean() == pytest.approx(mean, abs=1.0)
    median = 300 - 600 * np.log1p(-0.5 * -np.expm1(-span / 600))
    assert np.median(drawn) == pytest.approx(median, abs=DT / 2)


def test_a_duration_for_each_code():
    law = ByCode("rule", (200, (400, 600), [100, 300]))
    found = [set(steps(law, rule=jnp.int32(code))) for code in range(3)]
    assert found == [{10}, set(range(20, 31)), {5, 15}]
    assert (law.shortest, law.longest) == (100, 600)


def interval_task(**options):
    return tasks.EpochTask(
        DT,
        epochs={
            "fixation": 100,
            "measure": "interval",
            "delay": ByCode("rule", (0, [100, 300])),
            "wait": Exponential(100, 60, 200),
            "response": HalfOpen(100, 160),
        },
        conditions={"interval": (200, 340, 500), "rule": ("now", "later")},
        inputs={"cue": during("measure")},
        outputs={"z": during("response", value="rule")},
        score=within("response", tolerance=0.1),
        **options,
    )


def checked(trials, task):
    """The properties of epochs: in a row, as long as they may be, and time 0 stays in place."""
    edges = np.stack([np.asarray(trials.epochs[name]) for name in task.timeline.names], axis=1) / DT
    np.testing.assert_array_equal(edges[:, 1:, 0], edges[:, :-1, 1])
    assert (edges[:, 0, 0] == 0).all()
    at = task.timeline.names.index(task.timeline.align)
    np.testing.assert_array_equal(edges[:, at, 0] * DT, -task.t0)
    lengths = np.diff(edges, axis=2)[..., 0]
    spans = zip(lengths.T[1:], task.timeline.shortest[1:], task.timeline.longest[1:], strict=True)
    for found, low, high in spans:
        assert ((found >= low) & (found <= high)).all()
    np.testing.assert_array_equal(trials.n_valid, edges[:, -1, 1])
    inside = np.arange(task.n_steps) < np.asarray(trials.n_valid)[:, None]
    np.testing.assert_array_equal(np.asarray(trials.mask[..., 0]) > 0, inside)
    return lengths


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_epochs_follow_their_laws_in_every_trial(seed):
    task = BY_CONDITION
    trials = jax.tree.map(np.asarray, task.batch(seed, 32))
    lengths = checked(trials, task) * DT
    np.testing.assert_array_equal(lengths[:, 1], trials.conditions["interval"])
    later = trials.conditions["rule"] == 1
    assert set(lengths[~later, 2]) <= {0}
    assert set(lengths[later, 2]) <= {100, 300}
    assert set(lengths[:, 4]) <= {100, 120, 140}
    for i, name in enumerate(task.timeline.names[1:], start=1):
        np.testing.assert_array_equal(trials.conditions[f"{name}_duration"], lengths[:, i])


BY_CONDITION = interval_task()
ALIGNED = interval_task(align="delay")


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_the_event_stays_in_place_when_epochs_before_it_vary(seed):
    checked(jax.tree.map(np.asarray, ALIGNED.batch(seed, 32)), ALIGNED)


def test_durations_that_a_condition_decides_are_not_given():
    assert set(BY_CONDITION.timeline.drawn) == {"wait_duration", "response_duration"}
    trials = BY_CONDITION.batch(0, 4, interval=340, wait_duration=80, rule=0)
    np.testing.assert_array_equal(trials.conditions["wait_duration"], 80)
    np.testing.assert_array_equal(np.diff(trials.epochs["measure"]), 340)
    for name, value in (("measure_duration", 200), ("delay_duration", 100)):
        with pytest.raises(ValueError, match=f"Unknown condition '{name}'"):
            BY_CONDITION.batch(0, 4, **{name: value})
    with pytest.raises(ValueError, match=r"'wait_duration' must lie in \[60, 200\]"):
        BY_CONDITION.batch(0, 4, wait_duration=400)


def test_levels_that_are_durations_go_to_the_nearest_step_where_asked():
    task = tasks.EpochTask(
        30.0,
        epochs={"measure": "interval"},
        conditions={"interval": (494, 510, 529, 847)},
        inputs={"cue": during("measure")},
        outputs={"z": during("measure")},
        score=within(tolerance=0.1),
        nearest=True,
    )
    assert task.condition_table()["interval"].tolist() == [480, 510, 540, 840]
    assert (task.n_steps, task.timeline.shortest) == (28, (16,))


def test_the_first_epoch_is_drawn_where_time_begins_with_it():
    line = Timeline.build(DT, "a", {"a": (100, 200), "b": [40, 80]}, {})
    ends = {tuple(np.asarray(line.place(jnp.asarray(u), {}).edges)) for u in _pairs()}
    assert ends == {(0, a, a + b) for a in range(5, 11) for b in (2, 4)}
    assert line.t0 == 0


def _pairs():
    return [np.float32([u, v]) for u in np.linspace(0, 0.999, 12) for v in (0.1, 0.9)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HalfOpen(300, 300), "low < high"),
        (lambda: Exponential(0, 300, 400), "mean > 0"),
        (lambda: Exponential(100, 500, 400), "low < high"),
        (lambda: ByCode("rule", ()), "one duration for each code"),
        (lambda: ByCode("rule", (FromCondition("x", 1, 2),)), "condition of its own"),
        (lambda: as_law("a", (1, 2, 3)), "`a` must be a duration"),
        (lambda: as_law("a", []), "`a` must be a duration"),
        (lambda: Timeline.build(DT, "a", {"a": HalfOpen(30, 100)}, {}), "take 20 or 40 ms"),
        (lambda: Timeline.build(DT, "a", {"a": ByCode("r", (30, 40))}, {}), "take 20 or 40 ms"),
        (
            lambda: tasks.PerceptualDecision(delay=FromCondition("wait", 20, 60)).batch(0, 2),
            "depends on the condition 'wait'",
        ),
    ],
)
def test_laws_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_tasks_of_the_library_take_laws():
    task = tasks.PerceptualDecision(delay=Exponential(200, 100, 600), stimulus=HalfOpen(100, 200))
    trials = task.batch(0, 64)
    delays = np.asarray(trials.conditions["delay_duration"])
    assert 100 <= delays.min() <= delays.max() <= 600
    assert len(np.unique(delays)) > 8
    assert float(trials.conditions["stimulus_duration"].max()) == 180
