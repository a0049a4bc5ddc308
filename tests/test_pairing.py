"""Nothing pairs two labelled objects but the functions of `neurodyn.labels` that do it by label.

The source is read, not run: a function that takes two labelled objects must hand both on, to one of
`PAIRS` or to a function of the library that does so.
"""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("neurodyn", "analysis", "models", "tasks")
#: What pairs two objects by their labels.
PAIRS = {"like", "match", "pair", "pair_channels", "pair_sequences"}
#: Functions that take two labelled objects and need not pair them, each with the reason.
EXEMPT: dict[str, str] = {}
_LABELLED = ("DataArray", "Dataset")
_METHODS = {"assign_coords", "coords", "dims", "indexes", "isel", "sel", "sizes", "transpose"}


class Function:
    """A function of the library, and which of its parameters are labelled objects."""

    def __init__(self, path, node, inside):
        self.name = f"{path.relative_to(ROOT)}:{node.name}"
        self.node, self.public = node, not node.name.startswith("_") and not inside
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        self.parameters = [a.arg for a in arguments if a.arg not in ("self", "cls")]
        self.labelled = {
            a.arg
            for a in arguments
            if a.annotation is not None
            and any(word in ast.unparse(a.annotation) for word in _LABELLED)
            and not ast.unparse(a.annotation).startswith(("dict", "Mapping", "list", "Sequence"))
        }
        self.calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
        for n in ast.walk(node):
            if isinstance(n, ast.Call) and called(n) == "isinstance" and len(n.args) == 2:
                if any(word in ast.unparse(n.args[1]) for word in _LABELLED):
                    self.labelled |= names(n.args[0]) & set(self.parameters)

    def given(self, call, other):
        """Pairs of our own parameter and that of another function that it is passed as."""
        for argument, parameter in zip(call.args, other.parameters, strict=False):
            yield from ((name, parameter) for name in names(argument))
        for keyword in call.keywords:
            if keyword.arg in other.parameters:
                yield from ((name, keyword.arg) for name in names(keyword.value))


def called(call):
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))


def names(node):
    return {node.id} if isinstance(node, ast.Name) else set()


def functions():
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if any(part.is_symlink() for part in path.parents):
                continue
            tree = ast.parse(path.read_text())
            methods = {
                id(child)
                for node in ast.walk(tree)
                if isinstance(node, ast.ClassDef)
                for child in node.body
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    found.append(Function(path, node, id(node) in methods))
    return found


def library():
    """All functions, the labelled parameters followed through calls until nothing is added."""
    found = functions()
    by_name = defaultdict(list)
    for f in found:
        by_name[f.node.name].append(f)
    changed = True
    while changed:
        changed = False
        for f in found:
            for call in f.calls:
                for other in by_name.get(called(call), ()):
                    if len(by_name[called(call)]) > 1:
                        continue
                    new = {a for a, b in f.given(call, other) if b in other.labelled}
                    new &= set(f.parameters)
                    if new - f.labelled:
                        f.labelled |= new
                        changed = True
    return found, by_name


def paired(found, by_name):
    """Names of the functions that pair, directly or by one that they call."""
    good = set(PAIRS)
    changed = True
    while changed:
        changed = False
        for f in found:
            if f.node.name in good or len(f.labelled) < 2:
                continue
            if any(called(c) in good and len(c.args) + len(c.keywords) > 1 for c in f.calls):
                good.add(f.node.name)
                changed = True
    return good

if __name__ == "__main__":
    found, by_name = library()
    good = paired(found, by_name)
    for f in found:
        if len(f.labelled) > 1:
            print("OK " if f.node.name in good else "-- ", f.name, sorted(f.labelled))
