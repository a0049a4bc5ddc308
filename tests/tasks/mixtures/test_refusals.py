"""What cannot be mixed is refused with what to do instead."""

import pytest

from neurodyn import tasks
from tests.systems import Filter


def mixture():
    return tasks.Mixture({"decide": Filter(), "match": Filter(n_steps=30)})


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ({"a": tasks.PerceptualDecision(10.0)}, {}, r"`b` \(PerceptualDecision\) has dt = 20 ms"),
        ({"a": tasks.CenterOut()}, {}, r"`a` \(CenterOut\) has numbers as targets and `b`"),
        ({"a": tasks.NParity(2, n_heads=2)}, {}, "scored at its last step only"),
        ({"a b": tasks.PerceptualDecision()}, {}, "words without spaces"),
        ({"a": tasks.PerceptualDecision}, {}, "`a` must be a task .*, got the class itself"),
        ({"a": tasks.PerceptualDecision()}, {"weights": [1.0]}, "2 numbers, one for each task"),
        ({"a": tasks.PerceptualDecision()}, {"weights": [0, 0]}, "one of them above 0"),
        ({"a": tasks.PerceptualDecision()}, {"per": "session"}, "`per` must be one of batch, tri"),
        ({"a": tasks.PerceptualDecision()}, {"inputs": "own"}, "`inputs` must be one of shared"),
    ],
)
def test_what_cannot_be_mixed_is_refused(given, options, message):
    with pytest.raises(ValueError, match=message):
        tasks.Mixture(given | {"b": tasks.PerceptualDecision()}, **options)


def test_wrong_names_are_refused():
    with pytest.raises(ValueError, match="two tasks or more by name"):
        tasks.Mixture({"a": tasks.PerceptualDecision()})
    with pytest.raises(ValueError, match="'go' is none of the tasks decide, match"):
        mixture().code("go")
    with pytest.raises(ValueError, match="takes the codes"):
        mixture().batch(0, 2, task=2)
    with pytest.raises(ValueError, match=r"must be numbers, of the codes.*1: 'match'"):
        mixture().batch(0, 2, task="match")
