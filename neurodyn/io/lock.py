"""A lock that one process holds on a file or a folder, and that ends with the process."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(lock: Path, target: Path, *, what: str, other: str) -> Iterator[None]:
    """Hold a lock, as long as the block runs, by an open file that is removed at the end.

    The operating system releases the lock when the process ends, also after a crash.

    Parameters
    ----------
    lock
        File of the lock. Its folder is created.
    target
        What is locked, for messages.
    what
        Who locks it, for messages: "run".
    other
        What to choose instead, for messages: "another folder (--out)".

    Raises
    ------
    OSError
        If the file cannot be written, or another process holds the lock.
    """
    file = _open(lock, target, what, other)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(file)


def _open(lock: Path, target: Path, what: str, other: str) -> int:
    """The open file of a lock that this process holds, with its process id inside."""
    import fcntl

    while True:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise PermissionError(
                f"Cannot write into {target}: {error.strerror}. Choose {other}."
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(file, 20).decode() or "unknown"
            os.close(file)
            raise FileExistsError(
                f"Another {what} (process {owner}) is writing into {target}. Wait for it, or "
                f"choose {other}."
            ) from None
        except OSError as error:  # some network drives have no locks
            warnings.warn(
                f"{target} cannot be locked ({error.strerror}). Make sure that no other {what} "
                "writes into it.",
                stacklevel=5,
            )
            return file
        # A process that ended may have removed the file between opening and locking.
        if lock.exists() and os.stat(lock).st_ino == os.fstat(file).st_ino:
            os.ftruncate(file, 0)
            os.write(file, str(os.getpid()).encode())
            return file
        os.close(file)
