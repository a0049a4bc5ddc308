"""Reference pages from the `__all__` of every public module, so that none can be forgotten.

Writes below `reference/generated/` a page for each public name and, for each module, the list of
its names, which the hand-written page of that module includes.
"""

import inspect
import pkgutil
import typing
from pathlib import Path
from types import ModuleType

from public_names import public_modules, public_names

STUB = """{name}
{rule}

.. currentmodule:: {module}

.. {directive}:: {name}
{options}"""

CLASS_OPTIONS = """   :members:
   :special-members: __call__
   :show-inheritance:
"""

TARGET = """```{{eval-rst}}
.. module:: {module}
.. currentmodule:: None
```
"""

LIST = """
## {heading}

```{{eval-rst}}
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
    is_type = typing.get_origin(member) is not None  # such as Annotated[int, ...]
    return "Functions" if callable(member) and not is_type else "Values"


def write(path: Path, text: str) -> None:
    """Write where the content changed, so that a second build is quick."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def write_module(module: str, folder: Path, pages: dict[int, str]) -> set[Path]:
    """Write the list and the pages of one module; return what was written.

    `pages` holds the objects that have a page, by their identity: what two modules show is
    described once, and both lists lead there.
    """
    imported = pkgutil.resolve_name(module)
    listed: dict[str, list[str]] = {heading: [] for heading in KINDS}
    written = set()
    for name in sorted(public_names(module), key=str.lower):
        member = getattr(imported, name)
        heading = kind_of(member)
        directive, options = KINDS[heading]
        if heading == "Values" and type(member).__module__ != "builtins":
            directive = None  # an instance: what it has to say is said by its class
        full = f"{module}.{name}"
        if heading in ("Classes", "Exceptions", "Functions"):
            full = pages.setdefault(id(member), full)
        listed[heading].append(full)
        if directive and full == f"{module}.{name}":
            path = folder / f"{full}.rst"
            rule = "=" * len(name)
            text = STUB.format(
                name=name, rule=rule, module=module, directive=directive, options=options
            )
            write(path, text)
            written.add(path)
    text = TARGET.format(module=module)
    for heading, names in listed.items():
        if names:
            lines = "\n".join(f"   ~{name}" for name in names)
            text += LIST.format(heading=heading, names=lines)
    if written:
        toc = "\n".join(sorted(f"generated/{path.stem}" for path in written))
        text += TOCTREE.format(pages=toc)
    listing = folder / f"{module}.names"
    write(listing, text)
    return written | {listing}


def generate(app) -> None:
    """Write all pages and remove those of names that are gone."""
    folder = Path(app.srcdir) / "reference" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    pages: dict[int, str] = {}
    written = set().union(*(write_module(module, folder, pages) for module in public_modules()))
    for path in set(folder.iterdir()) - written:
        path.unlink()


def setup(app):
    """Register with Sphinx; the pages must exist before it looks for documents."""
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True}
