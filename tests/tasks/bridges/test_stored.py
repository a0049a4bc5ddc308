"""Trials that were made elsewhere: what is refused, and which are drawn."""

import numpy as np
import pytest

from neurodyn import tasks

INPUTS = np.zeros((6, 4, 2))
CLASSES = np.tile([0, 0, 1, 2], (6, 1))


def stored(inputs=INPUTS, targets=CLASSES, **options):
    return tasks.StoredTrials(inputs, targets, **{"dt": 20.0, "n_validation": 2} | options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"inputs": INPUTS[0]}, r"`inputs` must be numbers \(item, time, input\)"),
        ({"targets": CLASSES[:, :3]}, "`targets` must be classes"),
        ({"targets": CLASSES * 1.0}, "`targets` must be classes"),
        ({"targets": CLASSES - 1}, "classes of `targets` count from 0, got -1"),
        ({"inputs": np.where(INPUTS == 0, np.nan, 0)}, "`inputs` hold NaN"),
        ({"n_validation": 6}, "`n_validation` must be a whole number from 1 to 5"),
        ({"lengths": [5] * 6}, "StoredTrials: `lengths` must lie between 1 and the 4 steps"),
        ({"mask": np.zeros((6, 4))}, "no step of trial 0 is scored"),
        ({"mask": -np.ones((6, 4))}, "at least 0, got -1"),
        ({"mask": np.ones(4)}, "`mask` must be a weight for each"),
        ({"input_names": ["a"]}, "`input_names` must name each of the 2 inputs"),
        ({"output_names": ["a", "b"]}, "each of the 3 classes from 0 to 2"),
        ({"conditions": {"c": [1, 2]}}, "condition 'c' must be a finite number"),
        ({"labels": {"c": {0: "x"}}}, "`labels` name 'c', which is none of the conditions"),
        ({"conditions": {"c": [0] * 5 + [3]}, "labels": {"c": {0: "x"}}}, r"the codes \[3\]"),
        ({"epochs": {"e": np.zeros((6, 3))}}, "epoch 'e' must be"),
        ({"epochs": {"e": [(0, 100)] * 6}}, "epoch 'e' of trial 0 goes from 0 to 100 ms"),
        ({"lengths": [4, 4, 4, 4, 4, 2], "epochs": {"e": [(0, 60)] * 6}}, "of trial 5"),
    ],
)
def test_bad_trials_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        stored(**options)


def test_what_is_held_out_is_never_drawn():
    inputs = INPUTS + np.arange(6)[:, None, None]
    task = stored(inputs, lengths=[4, 3, 2, 4, 3, 4], conditions={"c": np.arange(6) / 2})
    assert set(np.asarray(task.batch(0, 60).conditions["c"]).tolist()) == {0, 0.5, 1, 1.5}
    assert np.asarray(task.validation().conditions["c"]).tolist() == [2, 2.5]
    assert np.asarray(task.validation().n_valid).tolist() == [3, 4]
    drawn = task.trials(0, 4, item=[3, 2, 1, 0])
    assert drawn.item.values.tolist() == [3, 2, 1, 0]
    assert drawn.n_valid.values.tolist() == [4, 2, 3, 4]
    with pytest.raises(
        ValueError, match=r"`item` must be one number or \(4,\) numbers from 0 to 3"
    ):
        task.batch(0, 4, item=4)
