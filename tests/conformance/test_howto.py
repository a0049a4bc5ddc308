"""The model of the page on adding one does all that the models of the library do."""

import contextlib
import inspect
import io
import re
from pathlib import Path

import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, params
from neurodyn.engine.intervene import Lesion, Silence
from tests.conformance import test_interventions, test_models

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "add-a-model.md"
CELLS = re.findall(r"```\{code-cell\} python\n(.*?)```", PAGE.read_text(), re.DOTALL)
MODEL, SYSTEM = "WilsonCowan", "WilsonCowan of the page"
#: Parameters of tests beside the name of a model.
OTHERS = {"kind": (Silence, Lesion)}


def every_test_of(module):
    """The tests that every model has to pass."""
    every = module.EVERY.mark
    return [test for test in vars(module).values() if every in getattr(test, "pytestmark", ())]


TESTS = [
    *((MODEL, test) for test in every_test_of(test_models)),
    (MODEL, test_models.test_units_can_be_cut_without_touching_the_original),
    *((SYSTEM, test) for test in every_test_of(test_interventions)),
]


@pytest.fixture(scope="module")
def page():
    """Names that the page defines, and the text that it prints."""
    names, printed = {"__name__": "page"}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in CELLS:
            exec(compile(cell, str(PAGE), "exec"), names)
    return names, printed.getvalue()


@pytest.fixture
def known(page, monkeypatch):
    """The model of the page among those of the library."""
    cls = page[0][MODEL]
    monkeypatch.setattr(models, MODEL, cls, raising=False)

    def make(key=0):
        # Time constants that suit the step of these tests.
        return cls(3, 8, 2, tau_E=40.0, tau_I=40.0, key=key)

    monkeypatch.setitem(test_models.EXAMPLES, MODEL, make)
    monkeypatch.setitem(test_interventions.SYSTEMS, SYSTEM, make)


def test_all_checks_of_models_are_made():
    assert len(TESTS) >= 15


@pytest.mark.slow
@pytest.mark.parametrize(("name", "test"), TESTS, ids=[test.__name__ for _, test in TESTS])
def test_the_model_of_the_page_is_one_of_the_library(name, test, known, tmp_path):
    wanted = set(inspect.signature(test).parameters)
    (other,) = set(OTHERS) & wanted or {None}
    for value in OTHERS.get(other, (None,)):
        options = {"name": name, "tmp_path": tmp_path, other: value}
        test(**{key: given for key, given in options.items() if key in wanted})


def test_the_page_says_what_it_prints(page):
    changes = dict(re.findall(r"(\w+) (\d\.\d+)", page[1]))
    assert set(changes) == {"Current", "Clamp", "Lesion"}
    assert all(float(change) > 0.01 for change in changes.values())
    assert page[1].split()[-1] == MODEL


def test_parameters_of_the_page_are_drawn_apart(page):
    law = params.Uniform(1.0, 2.0)
    names = ("tau_E", "tau_I", "w_EE", "w_EI", "w_IE", "w_II")
    model = nd.params.with_values(page[0][MODEL](1, 6, 1, **dict.fromkeys(names, law), key=0))
    drawn = np.stack([getattr(model, name) for name in names])
    assert np.unique(drawn).size == drawn.size
