"""Progress bars for long work."""

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["bar"]

#: Work that is over sooner shows no bar [s].
PATIENCE = 2.0


def in_notebook() -> bool:
    """Whether output goes to a notebook (Jupyter, VS Code, Colab), which is no terminal."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ in ("ZMQInteractiveShell", "Shell", "DatabricksShell")


@contextlib.contextmanager
def bar(title: str, total: int, *, show: bool | None = None) -> Iterator[Callable[..., None]]:
    """Show how far some work is.

    Parameters
    ----------
    title
        What is being done.
    total
        Number of parts.
    show
        True or False; None: on a terminal or in a notebook, when the work takes longer than 2 s.

    Yields
    ------
    advance
        ``advance(n=1, note="")``, to call after every part.
    """
    notebook = in_notebook()
    if show is False or (show is None and not notebook and not sys.stderr.isatty()):
        yield lambda n=1, note="": None
        return
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
        # Widgets where they are installed; a line that is written over again works without.
        console=Console(stderr=True, force_jupyter=False, force_terminal=True, width=100)
        if notebook and importlib.util.find_spec("ipywidgets") is None
        else Console(stderr=True),
    )
    began = time.monotonic()
    task = progress.add_task(title, total=total, note="")
    started = False

    def advance(n: int = 1, note: str = "") -> None:
        nonlocal started
        if not started and (show or time.monotonic() - began > PATIENCE):
            progress.start()
            started = True
        progress.update(task, advance=n, note=note)

    try:
        yield advance
    finally:
        if started:
            progress.stop()
