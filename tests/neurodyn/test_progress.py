"""Progress bars: on a terminal, in notebooks, and nowhere else unless asked for."""

import io
import sys
import types

import pytest

from neurodyn import progress


class ZMQInteractiveShell:
    """Named as the shell of a notebook's kernel is."""


@pytest.mark.parametrize(("shell", "shown"), [(ZMQInteractiveShell(), True), (None, False)])
def test_a_notebook_shows_a_bar(shell, shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr(sys, "stderr", out := io.StringIO())  # no terminal, as in a notebook
    with progress.bar("training", 3) as advance:
        for _ in range(3):
            advance(note="loss 0.5")
    assert ("training" in out.getvalue()) == shown
    assert ("3/3" in out.getvalue()) == shown


def test_short_work_shows_none(monkeypatch):
    shell = ZMQInteractiveShell()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(sys, "stderr", out := io.StringIO())
    with progress.bar("training", 3) as advance:
        advance(3)
    assert out.getvalue() == ""
