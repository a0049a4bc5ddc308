"""Reference pages from the `__all__` of every public module, so that none can be forgotten.

Writes below `reference/generated/` a page for each public name and, for each module, the list of
its names, which the hand-written page of that module includes.
"""

import importlib
import inspect
from pathlib import Path
from types import ModuleType

from public_names import public_modules, public_names

STUB = """{name}
{rule}

.. currentmodule:: {module}

.. {directive}:: {name}
{options}"""

CLASS_OPTIONS = """   :members:
   :show-inheritance:
"""

LIST = """
## {heading}

```{{eval-rst}}
.. currentmodule:: {module}

.. autosummary::
   :nosignatures:

{names}
```
"""

TOCTREE = """
```{{toctree}}
:hidden:

{pages}
```
"""

KINDS = {
    "Functions": ("autofunction", ""),
    "Classes": ("autoclass", CLASS_OPTIONS),
    "Exceptions": ("autoexception", ""),
    "Modules": (None, ""),
    "Values": ("autodata", ""),
}


def kind_of(member: object) -> str:
    """The heading under which a public object is listed."""
    if isinstance(member, ModuleType):
        return "Modules"
    if inspect.isclass(member):
        return "Exceptions" if issubclass(member, BaseException) else "Classes"
    return "Functions" if callable(member) else "Values"


def write(path: Path, text: str) -> None:
    """Write where the content changed, so that a second build is quick."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def write_module(module: str, folder: Path) -> set[Path]:
    """Write the list and the pages of one module; return what was written."""
    imported = importlib.import_module(module)
    listed: dict[str, list[str]] = {heading: [] for heading in KINDS}
    written = set()
    for name in sorted(public_names(module), key=str.lower):
        heading = kind_of(getattr(imported, name))
        listed[heading].append(name)
        directive, options = KINDS[heading]
        if directive:
            path = folder / f"{module}.{name}.rst"
            rule = "=" * len(name)
            write(
                path,
                STUB.format(
                    rule=rule, module=module, directive=directive, name=name, options=options
                ),
            )
            written.add(path)
    text = ""
    for heading, names in listed.items():
        if names:
            lines = "\n".join(f"   {name}" for name in names)
            text += LIST.format(heading=heading, module=module, names=lines)
    pages = "\n".join(sorted(f"generated/{path.stem}" for path in written))
    listing = folder / f"{module}.names"
    write(listing, text + TOCTREE.format(pages=pages))
    return written | {listing}


def generate(app) -> None:
    """Write all pages and remove those of names that are gone."""
    folder = Path(app.srcdir) / "reference" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    written = set().union(*(write_module(module, folder) for module in public_modules()))
    for path in set(folder.iterdir()) - written:
        path.unlink()


def setup(app):
    """Register with Sphinx; the pages must exist before it looks for documents."""
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True}
