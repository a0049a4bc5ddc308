"""Optional packages: what an extra installs is used, and what is used an extra installs."""

import ast
import functools
import os
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Extras of people who work on the library.
OWN = {"test", "lint", "docs", "bench"}
#: Looked at where it is running already, never needed.
GUEST = {"IPython", "torch"}


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(requirements):
    return {plain(Requirement(text).name) for text in requirements}


BASE = packages(PROJECT["dependencies"])
EXTRAS = {name: packages(texts) for name, texts in PROJECT["optional-dependencies"].items()}


@functools.cache
def modules(folder):
    """Top-level modules that the files of a folder import or look for, and where."""
    found = {}
    for where, _, files in os.walk(folder, followlinks=True):
        for file in (Path(where) / name for name in files if name.endswith(".py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                for name in named(node):
                    found.setdefault(name.split(".")[0], set()).add(str(file))
    return {
        name: files
        for name, files in found.items()
        if name not in sys.stdlib_module_names and name not in ("neurodyn", "tests")
    }


def named(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        function = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if function in ("find_spec", "import_module", "importorskip", "package"):
            return [str(node.args[0].value)]
    return []


installed_distributions = functools.cache(metadata.packages_distributions)


def distributions(names):
    installed = installed_distributions()
    return {plain(dist) for name in names for dist in installed.get(name, [name])}


def test_every_module_that_is_used_is_installed_by_a_dependency_or_an_extra():
    needed = {
        plain(requirement.name)
        for package in BASE
        for requirement in map(Requirement, metadata.requires(package) or [])
        if requirement.marker is None or "extra" not in str(requirement.marker)
    }
    optional = set().union(*(found for name, found in EXTRAS.items() if name not in OWN))
    for name, files in modules(ROOT / "neurodyn").items():
        known = distributions([name]) & (BASE | needed | optional)
        assert known or name in GUEST, f"{name}, imported in {sorted(files)[0]}, is in no extra"


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - OWN))
def test_every_extra_is_used(extra):
    unused = EXTRAS[extra] - distributions(modules(ROOT / "neurodyn"))
    assert not unused, f"no code uses {unused}"


def test_extras_are_those_that_messages_and_pages_name():
    files = [
        *(Path(where) / name for where, _, names in os.walk(ROOT / "neurodyn", followlinks=True)
          for name in names if name.endswith(".py")),
        *(ROOT / "docs").glob("**/*.md"),
        ROOT / "README.md",
    ]  # fmt: skip
    for file in files:
        text = file.read_text(encoding="utf-8")
        for extra in re.findall(r"(?:neurodyn|'\.)\[(\w+)\]", text):
            assert extra in EXTRAS, f"{file} names the extra '{extra}'"
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)`", page, re.M)) == set(EXTRAS)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"--extra (\w+)", makefile)) <= set(EXTRAS)
