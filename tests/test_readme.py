"""The first code that a newcomer copies runs as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="needs the repository")


def example(page: Path) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    return code


def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(example(README), str(README), "exec"), names)
    assert names["run"].rate.dims == ("trial", "time", "unit")
    assert set(names["score"].data_vars) >= {"score", "ceiling", "null"}
    assert (tmp_path / "model.nd").exists()


def test_the_landing_page_shows_the_same():
    assert example(README).startswith(example(ROOT / "docs" / "index.md"))
