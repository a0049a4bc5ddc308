"""The measure of the page on adding one does all that the measures of the library do."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from neurodyn import analysis
from neurodyn.common import registry
from tests.conformance import test_measures

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "add-a-measure.md"
CELLS = re.findall(r"```\{code-cell\} python\n(.*?)```", PAGE.read_text(), re.DOTALL)
TESTS = [test for name, test in vars(test_measures).items() if name.startswith("test_")]


@pytest.fixture(scope="module")
def page():
    """The names that the page defines; its measure is registered as long as this module runs."""
    before = dict(analysis.MEASURES)
    names = {"__name__": "page"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in CELLS:
            exec(compile(cell, str(PAGE), "exec"), names)
    yield names
    for name in set(analysis.MEASURES) - set(before):
        del analysis.MEASURES[name]


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_the_measure_of_the_page_is_one_of_the_library(test, page):
    assert len(TESTS) >= 5
    test("pattern_similarity")


def test_the_page_compares_with_ceiling_and_null(page):
    score = page["score"]
    assert score["metric"].values.tolist() == ["cka", "pattern_similarity"]
    assert (score["p_value"] < 0.01).all()
    assert (score["ceiling"] > 0.5).all()
    by_name = analysis.compare(
        page["model"], page["recording"], ["pattern_similarity"], by="direction", n_null=9
    )
    assert float(by_name["score"][0]) == float(score["score"].sel(metric="pattern_similarity"))
    assert registry.find("pattern_similarity", "measure").title == "similarity of patterns"
