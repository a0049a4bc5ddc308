"""The public names of neurodyn: every package whose `__init__` has an `__all__`.

`python public_names.py` imports each of them where neurodyn is installed, and needs nothing else.
"""

import importlib
import pkgutil

import neurodyn


def public_packages() -> list[str]:
    """Names of all packages below neurodyn without a leading underscore, itself first."""
    found = pkgutil.walk_packages(neurodyn.__path__, "neurodyn.")
    names = [m.name for m in found if m.ispkg and "._" not in m.name]
    return ["neurodyn", *sorted(names)]


def public_names(package: str) -> list[str]:
    """The package's `__all__`, each name imported."""
    module = importlib.import_module(package)
    for name in module.__all__:
        getattr(module, name)
    return list(module.__all__)


def main() -> None:
    """Import everything and say how much that was."""
    total = 0
    for package in public_packages():
        names = public_names(package)
        total += len(names)
        print(f"{package}: {len(names)} names")
    print(f"neurodyn {neurodyn.__version__} from {neurodyn.__path__[0]}: {total} public names")


if __name__ == "__main__":
    main()
