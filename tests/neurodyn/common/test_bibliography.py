"""Citations of models, tasks and measures."""

import pytest

from neurodyn import analysis, models, tasks
from neurodyn.common import registry
from neurodyn.common.bibliography import bibliography, citation, split_bibtex
from neurodyn.training import Ensemble


def keys(text):
    return [entry.partition("{")[2].partition(",")[0] for entry in split_bibtex(text)]


def test_models_tasks_and_measures():
    task, model = tasks.PerceptualDecision(), models.CTRNN(3, 4, 3, key=0)
    text = citation(model, task, analysis.MEASURES["cka"])
    expected = [*models.CTRNN.reference, *tasks.PerceptualDecision.reference]
    assert keys(text) == [*dict.fromkeys(expected), "kornblith2019"]
    assert citation(task, task) == citation(task) == citation(tasks.PerceptualDecision)
    assert citation(Ensemble([model, model])) == citation(model)


def test_names():
    assert citation("CTRNN") == citation(models.CTRNN)
    assert keys(citation("cka")) == ["kornblith2019"]
    with pytest.raises(ValueError, match="no thing 'CTRN'; did you mean CTRNN"):
        citation("CTRN")
    with pytest.raises(TypeError, match="Nothing is known about the sources of a int"):
        citation(3)


#: Holders of the user's own data or design: there is no paper behind them.
PLAIN = {"EpochTask", "Sequences", "StoredTrials"}
#: Kinds of which some are no one's invention.
COMMON = ("spiking", "synapse", "rule", "function")


@pytest.mark.parametrize(
    "entry",
    [
        e
        for e in registry.entries()
        if e.name not in PLAIN and (e.reference or e.kind not in COMMON)
    ],
    ids=lambda e: f"{e.kind}-{e.name}",
)
def test_everything_can_be_cited(entry):
    text = citation(entry.object)
    assert keys(text)
    assert "title" in text
    assert "author" in text


def test_the_bibliography_is_sound():
    text = "@article{a,\n title = {A {B} \\{ c}\n}\n\n@book{b, title={x}}"
    assert keys(text) == ["a", "b"]
    with pytest.raises(ValueError, match="not closed"):
        split_bibtex("@article{a, title = {b}")
    entries = bibliography()
    assert len(entries) > 10
    for key, entry in entries.items():
        assert key
        assert entry.count("{") == entry.count("}")
