"""The package as shipped: every public name, documented, in a wheel that works anywhere."""

import ast
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Container, Iterator
from itertools import chain
from pathlib import Path

import pytest

from tests.public_names import public_modules, public_names

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
ROOT_FOLDERS = ("kernels", "models", "tasks", "analysis")

in_checkout = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the repository")


def python_files(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not {"_build", "generated", "jupyter_execute"} & set(path.parts)
    ]


@pytest.mark.parametrize("module", public_modules())
def test_all_is_a_literal_list_of_importable_documented_names(module):
    imported = pkgutil.resolve_name(module)
    names = public_names(module)
    assert imported.__doc__, f"{module} has no docstring"
    assert len(names) == len(set(names)), f"{module}.__all__ lists a name twice"
    source = Path(imported.__file__).read_text()
    assert re.search(r"^__all__ = [\[(]", source, re.MULTILINE), (
        f"{module}.__all__ is not a literal"
    )
    undocumented = [
        name
        for name in names
        if (inspect.isclass(member := getattr(imported, name)) or inspect.isroutine(member))
        and not (inspect.getdoc(member) or "").strip()
    ]
    assert not undocumented, f"without docstring in {module}: {undocumented}"


def test_a_module_never_hides_a_function_of_the_same_name():
    """`neurodyn.analysis.lyapunov` stays the function after its module is imported by path."""
    code = (
        "import importlib, pkgutil, neurodyn\n"
        "from tests.public_names import public_modules, public_names\n"
        "shown = {(m, n): getattr(pkgutil.resolve_name(m), n)\n"
        "         for m in public_modules() for n in public_names(m)}\n"
        "for module in pkgutil.walk_packages(neurodyn.__path__, 'neurodyn.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "now = {(m, n): getattr(pkgutil.resolve_name(m), n) for m, n in shown}\n"
        "hidden = [name for name in shown if now[name] is not shown[name]]\n"
        "assert not hidden, hidden\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@in_checkout
@pytest.mark.parametrize("module", public_modules())
def test_every_public_module_has_a_reference_page(module):
    """The page lists the names itself, from `__all__`."""
    page = ROOT / "docs" / "reference" / f"{module}.md"
    assert page.exists(), f"{module} has no page {page.relative_to(ROOT)}"
    assert f"generated/{module}.names" in page.read_text()
    assert f"\n{module}\n" in (ROOT / "docs" / "reference" / "index.md").read_text()


@in_checkout
def test_the_version_stands_in_one_place():
    import neurodyn

    version = PROJECT["version"]
    assert neurodyn.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


@in_checkout
def test_constraints_pin_every_dependency_and_name_no_address():
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    pinned = {re.sub(r"[._]", "-", line.split("==")[0].lower()) for line in text.splitlines()}
    names = {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in REQUIREMENTS}
    assert names <= pinned, f"not pinned: {sorted(names - pinned)}"


@in_checkout
def test_every_dependency_has_a_lower_bound_and_none_is_pinned():
    assert all(">=" in requirement and "==" not in requirement for requirement in REQUIREMENTS)


@in_checkout
@pytest.mark.parametrize("folder", ROOT_FOLDERS)
def test_root_folders_join_the_namespace(folder):
    link = ROOT / "neurodyn" / folder
    assert link.is_symlink()
    assert link.readlink() == Path("..") / folder


@in_checkout
def test_no_machine_paths_in_tracked_text():
    homes = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w|[A-Z]:\\\\Users")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    offending = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".cff", ".yml", ""} and path.is_file():
            lines = path.read_text().splitlines()
            offending += [f"{name}: {line}" for line in lines if homes.search(line)]
    assert not offending


def test_no_module_imports_itself_through_others():
    """Imports inside functions count, too; those for type checkers alone do not."""
    names = {module_name(path): path for path in python_files("neurodyn", *ROOT_FOLDERS)}
    graph = {name: imports(path, names) - {name} for name, path in names.items()}
    left = set(graph)
    while ends := {n for n in left if not graph[n] & left} | (
        left - set().union(*(graph[n] for n in left))
    ):
        left -= ends
    # Neither first nor last in any order: a circle, or between two.
    assert not left, {name: sorted(graph[name] & left) for name in sorted(left)}


def module_name(path: Path) -> str:
    parts = [*path.relative_to(ROOT).with_suffix("").parts]
    parts = parts if parts[0] == "neurodyn" else ["neurodyn", *parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, modules: Container[str]) -> set[str]:
    """The modules that a file imports: of `from a import b` it is `a.b`, if that is a module."""

    def below(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relative to itself"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in modules else node.module for name in whole)
        elif isinstance(node, ast.stmt | ast.Module | ast.excepthandler | ast.match_case):
            for child in ast.iter_child_nodes(node):
                yield from below(child)

    return {name for name in below(ast.parse(path.read_text())) if name in modules}


def test_no_multi_index_in_the_code():
    """A MultiIndex cannot be saved to netCDF, so trial labels are plain coordinates."""
    building = re.compile(r"MultiIndex\.from_|\.set_index\(")
    files = python_files("neurodyn", *ROOT_FOLDERS)
    assert not [path for path in files if building.search(path.read_text())]


def distributions(folder: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from it, as a release would be."""
    build = (
        "import os, sys, setuptools.build_meta as backend; "
        "print(getattr(backend, sys.argv[1])(sys.argv[2]))"
    )

    def run(hook, source):
        output = subprocess.run(
            [sys.executable, "-c", build, hook, str(folder)],
            cwd=source,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return folder / output.splitlines()[-1]

    # Built from a copy: setuptools leaves folders behind in its source.
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path, copy = ROOT / name, source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            copy.symlink_to(path.readlink())
        elif path.exists():
            copy.write_bytes(path.read_bytes())
    sdist = run("build_sdist", source)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return sdist, run("build_wheel", unpacked)


@pytest.mark.slow
@in_checkout
def test_wheel_and_sdist_hold_real_files_and_the_wheel_imports_elsewhere(tmp_path):
    sdist, wheel = distributions(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
        assert not [m.name for m in members if m.issym() or m.islnk()]
        packed = {m.name.partition("/")[2] for m in members}
    modules = {str(p.relative_to(ROOT)) for p in python_files("neurodyn")}
    modules |= {f"neurodyn/{p.relative_to(ROOT)}" for p in python_files(*ROOT_FOLDERS)}
    data = ROOT / "neurodyn" / "datasets" / "data"
    expected = modules | {"neurodyn/py.typed", "neurodyn/references.bib"}
    expected |= {"neurodyn/datasets/catalogue.toml"}
    expected |= {str(p.relative_to(ROOT)) for p in data.glob("*") if p.is_file()}
    assert expected <= shipped
    assert expected <= packed
    assert not [name for name in shipped if name.startswith(("tests/", "docs/"))]
    # Unpacked in a folder of its own, every public name comes from there.
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = tmp_path / "public_names.py"
    script.write_bytes((ROOT / "tests" / "public_names.py").read_bytes())
    output = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"from {tmp_path / 'site' / 'neurodyn'}" in output.splitlines()[-1]
