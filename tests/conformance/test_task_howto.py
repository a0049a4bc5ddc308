"""A task that users write from parts, as on the page, does all that the tasks of the library do."""

import contextlib
import inspect
import io
import re
from pathlib import Path

import jax
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import tasks
from tests.conformance import test_tasks

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "add-a-task.md"
CELLS = re.findall(r"```\{code-cell\} python\n(.*?)```", PAGE.read_text(), re.DOTALL)
#: The cells that define tasks; the others train and draw.
WRITTEN, DERIVED = (next(c for c in CELLS if word in c) for word in ("EpochTask(", "(Abstract"))
NAME = "EpochTask of the page"
TESTS = [
    test
    for test in vars(test_tasks).values()
    if test_tasks.EVERY.mark in getattr(test, "pytestmark", ())
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Names that the page defines."""
    names = {"__name__": "page", "nd": nd}
    folder = tmp_path_factory.mktemp("page")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for cell in (WRITTEN, DERIVED):
            exec(compile(cell, str(PAGE), "exec"), names)
    return names


def test_a_task_is_at_most_25_lines():
    function = WRITTEN[WRITTEN.index("def memory_anti") :].strip()
    assert len(function.splitlines()) <= 25
    assert len(TESTS) >= 18


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_the_task_of_the_page_is_one_of_the_library(test, page, tmp_path, monkeypatch, request):
    monkeypatch.setitem(test_tasks.STORED, NAME, page["memory_anti"])
    monkeypatch.setattr(tasks, NAME, tasks.EpochTask, raising=False)
    wanted = inspect.signature(test).parameters
    if "x64" in wanted:
        request.getfixturevalue("x64")
    options = {"name": NAME, "tmp_path": tmp_path, "x64": None}
    test(**{key: given for key, given in options.items() if key in wanted})


def test_the_class_of_the_page_can_be_saved(page, tmp_path):
    task = page["Recall"](delay=(300.0, 900.0))
    nd.save(tmp_path / "recall.nd", task)
    again = nd.load(tmp_path / "recall.nd")
    trials = again.batch(0, 4, value=0.5)
    assert jax.tree.all(jax.tree.map(np.array_equal, trials, task.batch(0, 4, value=0.5)))
    np.testing.assert_array_equal(again.score(trials.targets, trials)["correct"], 1)
