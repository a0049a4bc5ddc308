"""What does not fit together is refused where it is written, with what there is instead."""

import jax.numpy as jnp
import pytest

from neurodyn import tasks
from neurodyn.tasks.laws import ByCode
from neurodyn.tasks.parts import (
    classes,
    code,
    during,
    hits,
    repeat,
    ring,
    signal,
    uniform,
    within,
)

DT = 20.0
OPTIONS = {
    "epochs": {"a": 100, "b": (100, 200)},
    "conditions": {"x": (1.0, 2.0), "d": (100, 200)},
    "inputs": {"i": during("a", value="x")},
    "outputs": {"o": during("b")},
    "score": within(tolerance=0.1),
}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 30.0}, r"`a` = 100 ms is not a whole number of steps of 30 ms: take 90 or 120"),
        ({"dt": 0.0}, "`dt` must be a positive"),
        ({"epochs": {}}, "one epoch at least"),
        ({"epochs": {"a": "y"}}, r"`epochs\['a'\]`: 'y' is none of x, d"),
        ({"epochs": {"a": (200, 100)}}, r"`a` must be a duration"),
        ({"epochs": {"a": "d"}, "conditions": {"d": (100, 130)}}, "take 120 or 140 ms"),
        ({"epochs": {"a": "x"}, "conditions": {"x": lambda c, key: 1.0}}, "FromCondition"),
        ({"align": "z"}, "`align`: 'z' is none of a, b"),
        ({"epochs": {"a": (100, 200), "b": 100}, "align": "b"}, "align trials to the start of `a`"),
        ({"inputs": {"i": during("z")}}, "`during`: 'z' is none of a, b"),
        ({"inputs": {"i": during("a", value="z")}}, "no condition 'z'; this task has x, d, b_dur"),
        ({"inputs": {"i": during("a", value=jnp.ones(2))}}, "hold no arrays"),
        ({"inputs": {"i": during("a", first=30)}}, "take 20 or 40 ms"),
        ({"inputs": {"i": during("a", value=lambda c: jnp.ones(3))}}, "`width=3`"),
        ({"inputs": {"i": signal(lambda c, key: jnp.ones(3))}}, r"shape \(15, 1\), got \(3,\)"),
        ({"inputs": {"i": during("a", value=(1, 2)), "i_0": during("a")}}, "two channels with the"),
        ({"conditions": {"x": "left"}}, "levels in a list"),
        ({"conditions": {"x": [1.0], ("x", "y"): [(1, 2)]}}, "'x' is given twice"),
        ({"conditions": {("x", "y"): [(1, 2, 3)]}}, "rows of 2 values"),
        ({"derived": lambda c, key: {"x": 1.0}}, "'x', which is a condition already"),
        ({"derived": lambda c, key: {"y": jnp.ones(3)}}, "call it '_y'"),
        ({"noise": {"z": 1.0}}, "`noise`: 'z' is none of i"),
        ({"noise": -1.0}, "`noise` must be at least 0"),
        ({"weights": {"z": 1.0}}, "`weights`: 'z' is none of a, b"),
        ({"weights": {"a": 0, "b": 0}}, "all 0"),
        ({"output_weights": {"z": 1.0}}, "`output_weights`: 'z' is none of o"),
        ({"grace": {"b": 100}}, "must be shorter than the shortest 'b'"),
        ({"epochs": [("a", 100)]}, r"`epochs` must be a dictionary of names, got \[\('a', 100\)\]"),
        (
            {"epochs": {"a": ByCode("x", (100,))}, "conditions": {"x": (0, 1)}},
            "which go from 0 to 1",
        ),
        ({"epochs": {"a": ByCode("x", (100,))}, "conditions": {"x": code(3)}}, "go from 0 to 2"),
        ({"inputs": during("a")}, "`inputs` must be a dictionary of names"),
        ({"inputs": {"i": 1.0}}, r"`inputs\['i'\]` must be a term, such as during"),
        ({"outputs": {"o": "x"}}, r"`outputs\['o'\]` must be a term"),
        ({"inputs": {"i": during("a", value=lambda c: c["z"])}}, "no condition 'z'; this task has"),
        ({"inputs": {"i": signal(lambda c, key: c.schedule.during("z"))}}, "no epoch 'z', only a"),
        ({"derived": lambda c, key: None}, "`derived` must return conditions by name, got None"),
        ({"link": "tanh"}, "`link`: 'tanh' is none of linear, sigmoid"),
        ({"score": within("z", tolerance=0.1)}, "no epoch 'z', only a, b"),
        ({"score": lambda task, outputs, trials: {}}, "dictionary with 'correct'"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tasks.EpochTask(**{"dt": DT} | OPTIONS | options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: during(), "name of an epoch"),
        (lambda: during("a", value=(1, 2)) + during("a"), r"equally many channels, got \[1, 2\]"),
        (lambda: during("a", value=ring("x"), width=3).names, "`width` is 3, but the value has 32"),
        (lambda: ring("x", 2), "`n` must be a whole number >= 3"),
        (lambda: uniform(3, 3), "low < high"),
        (lambda: ByCode("x", 100), "one duration for each code"),
        (lambda: repeat({"a": 1}, 0), "`n` must be"),
        (lambda: hits(last=True), "names of the epochs"),
        (lambda: classes("one", target=during("a")), "two names"),
    ],
)
def test_parts_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
