"""Write files and folders such that a half-written one never has its final name."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_path(path: str | os.PathLike, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` once the block has succeeded.

    The block creates a file or a folder (a Zarr store) at the path that it is given. If the block
    succeeds, the file is flushed to the disk and renamed in one step, so that other programs see
    either nothing or the whole file. If it raises an error, the file is removed and `path` is
    unchanged.

    Parameters
    ----------
    path
        The final name. Its folder must exist.
    overwrite
        Whether an existing file or folder of the final name may be replaced.

    Yields
    ------
    A path with the same suffix on the same disk, at which nothing exists yet.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist, or if the block wrote nothing.
    NotADirectoryError
        If the folder is a file.
    FileExistsError
        If `path` exists and `overwrite` is False.
    PermissionError
        If the folder cannot be written to.

    Examples
    --------
    >>> with atomic_path("results.txt") as temporary:  # doctest: +SKIP
    ...     temporary.write_text("all of it")
    """
    path = Path(path)
    workspace = _workspace(path, overwrite)
    temporary = workspace / path.name
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"Nothing was written for '{path}'.")
        _flush(temporary)
        _publish(temporary, path, overwrite, workspace)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    _flush_folder(path.parent)


def _workspace(path: Path, overwrite: bool) -> Path:
    """Make a folder beside `path`: on the same file system, so that renaming is atomic."""
    folder = path.parent
    if not folder.exists():
        raise FileNotFoundError(
            f"The folder '{folder}' does not exist, so '{path.name}' cannot be written there. "
            "Create it first."
        )
    if not folder.is_dir():
        raise NotADirectoryError(f"'{folder}' is a file, so '{path.name}' cannot be written in it.")
    _refuse_existing(path, overwrite)
    try:
        return Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=folder))
    except PermissionError as error:
        raise PermissionError(
            errno.EACCES,
            f"The folder '{folder}' cannot be written to. Choose another one, or change its rights",
            str(path),
        ) from error


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"'{path}' exists already. Choose another name, or pass overwrite=True to replace it."
        )


def _publish(temporary: Path, path: Path, overwrite: bool, workspace: Path) -> None:
    _refuse_existing(path, overwrite)  # it may have appeared while we were writing
    if path.is_dir() or (path.exists() and temporary.is_dir()):
        # A folder cannot be replaced in one step: move the old one aside first, back on failure.
        aside = workspace / f"{path.name}.old"
        os.replace(path, aside)
        try:
            os.replace(temporary, path)
        except OSError:
            os.replace(aside, path)
            raise
    else:
        os.replace(temporary, path)


def _flush(path: Path) -> None:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    for file in files:
        with open(file, "rb+") as handle:
            os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    # Not every file system lets a folder be opened or flushed; the rename itself has happened.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
