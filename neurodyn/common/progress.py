"""Progress of long work: bars on terminals and in notebooks, lines in text logs.

Of several processes that work together, only the first shows any.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from neurodyn.common import hosts

#: Work that takes less time than this shows nothing [s].
PATIENCE = 2.0
#: Time between two lines about the same work in a log [s].
EVERY = 60.0
#: Time between two changes of a bar in a notebook [s].
REFRESH = 0.2
#: Characters of a bar in a notebook.
WIDTH = 30

Advance = Callable[..., None]


@contextlib.contextmanager
def bar(title: str, total: int, *, show: bool | None = None) -> Iterator[Advance]:
    """Show the progress of some work: a bar on a terminal or in a notebook, lines in a log.

    Parameters
    ----------
    title
        A few words about the work.
    total
        Number of parts.
    show
        True or False; None: if the work takes longer than 2 s.

    Yields
    ------
    advance
        ``advance(n=1, note="")``, to call after every part.
    """
    if show is False or not hosts.is_first():
        yield lambda n=1, note="": None
        return
    elsewhere = _in_notebook if in_notebook() else _in_log
    shown = _on_terminal if sys.stderr.isatty() else elsewhere
    with shown(title, total, bool(show)) as advance:
        yield advance


def line(text: str, *, show: bool | None = None) -> None:
    """Write a line about the work to standard error.

    Parameters
    ----------
    text
        The line.
    show
        True or False; None: except in notebooks.
    """
    if hosts.is_first() and (show or (show is None and not in_notebook())):
        print(text, file=sys.stderr, flush=True)


def in_notebook() -> bool:
    """Whether output goes to a notebook (Jupyter, VS Code, Colab)."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ in ("ZMQInteractiveShell", "Shell", "DatabricksShell")


@contextlib.contextmanager
def _on_terminal(title: str, total: int, at_once: bool) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )
    began = time.monotonic()
    task = progress.add_task(title, total=total, note="")
    started = False

    def advance(n: int = 1, note: str = "") -> None:
        nonlocal started
        if not started and (at_once or time.monotonic() - began > PATIENCE):
            progress.start()
            started = True
        progress.update(task, advance=n, note=note)

    try:
        yield advance
    finally:
        if started:
            progress.stop()


@contextlib.contextmanager
def _in_notebook(title: str, total: int, at_once: bool) -> Iterator[Advance]:
    """A line of text in the output of the cell, changed in place; needs no widgets."""
    from IPython.display import display

    began = time.monotonic()
    handle: Any = None
    shown_at, done, said = -REFRESH, 0, ""

    def show() -> None:
        nonlocal handle, shown_at
        data = {"text/plain": _bar(title, done, total, time.monotonic() - began, said)}
        if handle is None:
            handle = display(data, raw=True, display_id=True)
        else:
            handle.update(data, raw=True)
        shown_at = time.monotonic()

    def advance(n: int = 1, note: str = "") -> None:
        nonlocal done, said
        done, said = done + n, note
        now = time.monotonic()
        if (at_once or now - began > PATIENCE) and now - shown_at > REFRESH:
            show()

    try:
        yield advance
    finally:
        if handle is not None:
            show()


def _bar(title: str, done: int, total: int, seconds: float, note: str) -> str:
    full = min(WIDTH, round(WIDTH * done / max(total, 1)))
    text = f"{title} {'━' * full}{'─' * (WIDTH - full)} {done}/{total} {_clock(seconds)}"
    if 0 < done < total:
        text += f", {_clock(seconds * (total - done) / done)} left"
    return f"{text} {note}".rstrip()


@contextlib.contextmanager
def _in_log(title: str, total: int, at_once: bool) -> Iterator[Advance]:
    """A line at the end, and one a minute until then."""
    began = time.monotonic()
    told, done, said = began, 0, ""

    def tell() -> None:
        text = f"{title}: {done} of {total}, {_clock(time.monotonic() - began)}"
        print(f"{text}  {said}".rstrip(), file=sys.stderr, flush=True)

    def advance(n: int = 1, note: str = "") -> None:
        nonlocal told, done, said
        done, said = done + n, note
        if done < total and time.monotonic() - told > EVERY:
            told = time.monotonic()
            tell()

    yield advance
    if at_once or time.monotonic() - began > PATIENCE:
        tell()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
