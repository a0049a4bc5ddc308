"""Progress: bars on terminals and in notebooks, lines in logs."""

import io
import sys
import types

import pytest

from neurodyn.common import progress


class Screen(io.StringIO):
    """An error stream that is a terminal, or none."""

    def __init__(self, terminal):
        super().__init__()
        self.isatty = lambda: terminal


def work(monkeypatch, *, terminal, **options):
    """Text that three parts of work write to the error stream."""
    screen = Screen(terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.bar("training", 3, **options) as advance:
        for i in range(3):
            advance(note=f"loss {i}")
    return screen.getvalue()


@pytest.fixture
def notebook(monkeypatch):
    """A notebook: what is displayed in its cell, in the order of changes."""
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data["text/plain"])

    def display(data, raw, display_id):
        shown.append(data["text/plain"])
        return Handle()

    shell = types.ModuleType("IPython")
    shell.get_ipython = type("ZMQInteractiveShell", (), {})
    shell.display = types.ModuleType("IPython.display")
    shell.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", shell.display)
    return shown


def test_a_log_gets_a_line(monkeypatch):
    assert work(monkeypatch, terminal=False, show=True) == "training: 3 of 3, 0:00  loss 2\n"
    assert work(monkeypatch, terminal=False) == ""  # over soon
    assert work(monkeypatch, terminal=False, show=False) == ""
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    assert work(monkeypatch, terminal=False) == "training: 3 of 3, 0:00  loss 2\n"


def test_a_log_gets_a_line_now_and_then(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", -1.0)
    lines = work(monkeypatch, terminal=False, show=True).splitlines()
    assert [line.split(",")[0] for line in lines] == [f"training: {i} of 3" for i in (1, 2, 3)]


def test_a_terminal_gets_a_bar(monkeypatch):
    shown = work(monkeypatch, terminal=True, show=True)
    assert "training" in shown
    assert "3/3" in shown
    assert work(monkeypatch, terminal=True, show=False) == ""


def test_a_notebook_gets_a_bar_in_its_cell(monkeypatch, notebook):
    assert work(monkeypatch, terminal=False) == ""
    assert notebook == []  # over soon
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr(progress, "REFRESH", -1.0)
    assert work(monkeypatch, terminal=False) == ""
    counts = [text.split(" ")[2] for text in notebook]
    assert counts == ["1/3", "2/3", "3/3", "3/3"]
    assert "━" * 10 + "─" * 20 in notebook[0]
    assert "━" * 30 in notebook[-1]
    notebook.clear()
    work(monkeypatch, terminal=False, show=False)
    progress.line("a stage")
    assert notebook == []


def test_an_error_in_the_work_is_not_hidden(monkeypatch, notebook):
    for terminal in (True, False):
        monkeypatch.setattr(sys, "stderr", Screen(terminal))
        with pytest.raises(ZeroDivisionError), progress.bar("work", 1, show=True) as advance:
            advance(1 // 0)
