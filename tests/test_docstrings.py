"""The examples in docstrings run, and print what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

import neurodyn

PACKAGE = Path(neurodyn.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for folder in (
        PACKAGE,
        *(PACKAGE / name for name in ("analysis", "kernels", "models", "tasks")),
    )
    for path in folder.rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.thorough
@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(name), optionflags=options)
    assert result.failed == 0
    assert (
        result.attempted > 0 or "+SKIP" in Path(importlib.import_module(name).__file__).read_text()
    )
