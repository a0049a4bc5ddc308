"""The page on speed runs from its first block on, with fewer steps of training."""

import contextlib
import inspect
import io
import re
from pathlib import Path

import pytest

import neurodyn as nd

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "make-it-fast.md"
TEXT = PAGE.read_text().replace("steps=2000", "steps=2")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.slow
def test_the_page_runs(monkeypatch, tmp_path):
    cached = []

    def cache(*args, **kwargs):
        # It would hold for all tests that come after this one.
        cached.append(inspect.signature(compilation_cache).bind(*args, **kwargs))

    compilation_cache = nd.compilation_cache
    monkeypatch.setattr(nd, "compilation_cache", cache)
    monkeypatch.chdir(tmp_path)
    names, printed = {"__name__": "page"}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in BLOCKS:
            exec(compile(block, str(PAGE), "exec"), names)
    assert len(cached) == 1
    assert float(printed.getvalue().split()[-1]) > 0
    assert names["fit"].history.sizes["seed"] == 8
