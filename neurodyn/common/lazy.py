"""Import names of a package when they are first used.

Otherwise every program would spend time on importing modules that it does not use, with the
libraries that they need.
"""

import difflib
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["on_first_use"]


def on_first_use(
    package: str, names: Mapping[str, Sequence[str]], shown: Sequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package (PEP 562).

    Parameters
    ----------
    package
        ``__name__`` of the package.
    names
        For each module, the names that are taken from it. Modules of the package itself are there
        under their own names, too.
    shown
        ``__all__`` of the package.

    Notes
    -----
    The package imports the same names below ``if TYPE_CHECKING:``, where type checkers look.
    """
    owner = {name: module for module, taken in names.items() for name in taken}
    modules = {m.rpartition(".")[2]: m for m in names if m.rpartition(".")[0] == package}

    def __getattr__(name: str) -> Any:
        if name in owner:
            value = getattr(importlib.import_module(owner[name]), name)
        elif name in modules:
            value = importlib.import_module(modules[name])
        else:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}{_hint(package, name, shown)}"
            )
        setattr(sys.modules[package], name, value)  # asked for once
        return value

    def __dir__() -> list[str]:
        return sorted({*modules, *shown})

    return __getattr__, __dir__


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
