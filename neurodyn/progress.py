"""Progress bars for long work."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["bar"]

#: Work that is over sooner shows no bar [s].
PATIENCE = 2.0


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
        True or False; None: only on a terminal and when the work takes longer than 2 s.

    Yields
    ------
    advance
        ``advance(n=1, note="")``, to call after every part.
    """
    if show is False or (show is None and not sys.stderr.isatty()):
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
        console=Console(stderr=True),
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
