"""Packages of the extra ``sweep``, imported only when they are used."""

import importlib
from types import ModuleType


def needed(name: str) -> ModuleType:
    """Import a package of the extra, or say how to install it.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"Sweeps need {name}, which is not installed: pip install 'neurodyn[sweep]'."
        ) from error
