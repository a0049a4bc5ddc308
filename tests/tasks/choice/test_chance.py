"""What answers score that ignore some or all of what the first choice tasks show."""

import numpy as np
import pytest

from neurodyn.tasks import (
    ContextDecision,
    ContrastDecision,
    DelayMatchToSample,
    PerceptualDecision,
)


@pytest.mark.parametrize(
    "task", [ContextDecision, ContrastDecision, DelayMatchToSample, PerceptualDecision]
)
def test_chance_is_the_score_of_the_best_constant_answer(task):
    right = np.asarray(task().validation().conditions["choice_correct"])
    assert np.bincount(right).max() / right.size == task.chance


def test_shortcuts_of_the_context_decision():
    """Without noise, over the design; where the sum is 0 a coin decides."""
    task = ContextDecision()
    motion, colour, context = (np.asarray(c, float) for c in task.condition_table().values())
    right = np.where(context == 0, motion, colour) > 0
    for name, evidence in (("sum of both", motion + colour), ("one of both", motion)):
        named = np.where(np.abs(evidence) < 1e-6, 0.5, evidence > 0)
        assert np.isclose(np.mean(np.where(right, named, 1 - named)), task.shortcuts[name])
    assert len(task.shortcuts) == 2
