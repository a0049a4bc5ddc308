"""Keep compiled programs on disk, so that a script need not compile again when it is run again."""

import hashlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import jax

#: The environment variable that names the folder, read when neurodyn is imported.
VARIABLE = "NEURODYN_CACHE"


def compilation_cache(folder: str | Path | None = None) -> Path:
    """Keep compiled programs on disk, and reuse them, from now on in this process.

    Call it before anything is compiled, or set the environment variable ``NEURODYN_CACHE`` to a
    folder, which does the same when neurodyn is imported.

    Parameters
    ----------
    folder
        Folder of the programs. Default: the folder that ``NEURODYN_CACHE`` names, or ``neurodyn``
        in the user's folder for caches. It can be deleted at any time.

    Returns
    -------
    Path
        The folder inside of it that this machine uses: there is one for every combination of
        versions (neurodyn, JAX, jaxlib, Python), kind of processor and ``XLA_FLAGS``, as a program
        compiled for one may be wrong, or crash, on another. Programs hold compiled kernels by their
        names only, and those with calls back to Python are not kept.

    Raises
    ------
    NotADirectoryError
        If a file is in the way.

    Notes
    -----
    Several processes may use one folder. A program that another process is still writing is
    compiled once more, with a warning by JAX.

    JAX by itself (``JAX_COMPILATION_CACHE_DIR``) keeps only programs that took more than a second
    to compile, which are few of the many programs of a script.

    Examples
    --------
    >>> import neurodyn as nd
    >>> folder = nd.compilation_cache("build/programs")  # doctest: +SKIP
    """
    if folder is None:
        folder = os.environ.get(VARIABLE) or _users_caches() / "neurodyn"
    path = Path(folder).expanduser().absolute() / _here()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(
            f"{folder} is no folder: name one that is there or can be made, by "
            f"compilation_cache(folder) or the environment variable {VARIABLE}."
        ) from error
    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    from jax.experimental.compilation_cache import compilation_cache as jax_cache

    jax_cache.reset_cache()  # JAX looks for its folder once only, at the first program
    return path


def _users_caches() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _here() -> str:
    """A name for everything on which compiled programs depend."""
    packages = ("neurodyn", "jax", "jaxlib")
    versions = [f"{name}-{importlib.metadata.version(name)}" for name in packages]
    processor = [platform.machine(), platform.processor(), *_processor()]
    flags = os.environ.get("XLA_FLAGS", "")
    all_of_it = [*versions, platform.python_version(), sys.platform, *processor, flags]
    short = hashlib.sha256("\n".join(all_of_it).encode()).hexdigest()[:12]
    return "_".join([*versions, platform.machine() or "unknown", short])


def _processor() -> list[str]:
    """Model and instructions of the first processor, from Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return []
    about = ("vendor_id", "cpu family", "model", "flags", "features", "cpu implementer", "cpu part")
    return [line for line in lines if line.split(":")[0].strip().lower() in about]
