"""Packages of other tools, which the bridges need only when they are used."""

import importlib
from types import ModuleType


def package(name: str, function: str) -> ModuleType:
    """Import a package, or say how to install it.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"neurodyn.io.{function} needs {name}, which is not installed: pip install "
            "'neurodyn[interop]'."
        ) from error
