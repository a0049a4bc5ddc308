"""Names that are imported when they are first asked for."""

import sys

import pytest

from neurodyn import io


def test_a_name_whose_library_is_missing_says_which(monkeypatch):
    monkeypatch.delitem(sys.modules, "neurodyn.io.neo.read", raising=False)
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(ImportError, match=r"neurodyn\.io\.from_neo needs neo, which is not"):
        io.__getattr__("from_neo")
