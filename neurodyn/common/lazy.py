"""Names of a package that are imported when they are first asked for.

A program would otherwise import every module that a package shows, and the libraries behind it,
whether or not it uses them.
"""

import ast
import difflib
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any


def on_first_use(
    package: str, shown: Sequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package (PEP 562).

    The package imports the names below ``if TYPE_CHECKING:``, where type checkers and editors find
    them; the same imports, read from its source, are done here when a name is first used.

    Parameters
    ----------
    package
        ``__name__`` of the package.
    shown
        ``__all__`` of the package.
    """
    places = _places(package)
    modules = {m.rpartition(".")[2]: m for m in places.values() if m.rpartition(".")[0] == package}

    def __getattr__(name: str) -> Any:
        known, is_module = name in places or name in modules, places.get(name, package) == package
        if not known:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}{_hint(package, name, shown)}"
            )
        try:
            module = importlib.import_module(f"{package}.{name}" if is_module else places[name])
        except ModuleNotFoundError as error:
            raise ImportError(
                f"{package}.{name} needs {error.name}, which is not installed: install neurodyn "
                "again, which brings it."
            ) from error
        value = module if is_module else getattr(module, name)
        setattr(sys.modules[package], name, value)  # asked for once
        return value

    def __dir__() -> list[str]:
        return sorted({*places, *modules, *shown})

    return __getattr__, __dir__


def _places(package: str) -> dict[str, str]:
    """The module of each name that a package imports for type checkers."""
    loader: Any = sys.modules[package].__loader__
    source = loader.get_source(package)
    return {
        alias.name: node.module
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _hint(package: str, name: str, shown: Sequence[str]) -> str:
    """The imported module that has this name; or names like it."""
    if name.startswith("_"):
        return ""  # asked for by tools
    for module, content in sorted(sys.modules.items()):
        public = module.startswith("neurodyn.") and (
            getattr(content, "__path__", None) or module.removeprefix(f"{package}.") in shown
        )
        if public and module.count(".") < 3 and name in getattr(content, "__all__", ()):
            return f"; it is in {module}"
    close = difflib.get_close_matches(name.lower(), [one.lower() for one in shown], n=3)
    like = [one for one in shown if one.lower() in close]
    return f"; did you mean {' or '.join(like)}?" if like else ""
