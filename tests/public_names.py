"""The public names of neurodyn: `__all__` of the package and of every module that it shows.

`python public_names.py` imports each of them where neurodyn is installed, and needs nothing else.
"""

import importlib
import pkgutil
from types import ModuleType

import neurodyn

#: Not shown by `neurodyn` itself, but needed by those who write models and tasks.
FOR_AUTHORS = (
    "common.checks",
    "common.registry",
    "engine.abilities",
    "models.plrnn",
    "models.pvrnn",
    "models.reference",
    "models.spiking",
    "models.spiking.plasticity",
    "task",
    "tasks.base",
    "tasks.choice.shown",
    "tasks.durations",
    "tasks.laws",
    "tasks.memory.bits",
    "tasks.memory.symbols",
    "tasks.parts",
    "tasks.sequences.generator",
    "tasks.losses",
    "tasks.mixtures.transitions",
    "tasks.timing.pattern",
    "tasks.timing.production",
    "tasks.timeline",
)


def public_modules() -> list[str]:
    """`neurodyn`, its packages, the modules that its `__all__` names, and those for authors.

    Packages without `__all__` hold what other packages show.
    """
    packages = {
        m.name
        for m in pkgutil.iter_modules(neurodyn.__path__)
        if m.ispkg and hasattr(importlib.import_module(f"neurodyn.{m.name}"), "__all__")
    }
    shown = {n for n in neurodyn.__all__ if isinstance(getattr(neurodyn, n), ModuleType)}
    return ["neurodyn", *(f"neurodyn.{name}" for name in sorted({*packages, *shown, *FOR_AUTHORS}))]


def public_names(module: str) -> list[str]:
    """The `__all__` of a module, by the name that users know it by, each name imported."""
    imported = pkgutil.resolve_name(module)
    for name in imported.__all__:
        getattr(imported, name)
    return list(imported.__all__)


def main() -> None:
    """Import everything, and say how much that was and where from."""
    total = 0
    for module in public_modules():
        total += len(public_names(module))
    print(f"neurodyn {neurodyn.__version__} from {neurodyn.__path__[0]}: {total} public names")


if __name__ == "__main__":
    main()
