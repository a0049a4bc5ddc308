"""Times are read by `labels.clock`, and widths of bins by `labels.bin_width`, nowhere else."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AXES = {"time", "lag"}
STALE = {"dt", "bin_width", "sigma"}
TAKEN = {"values", "to_numpy", "data", "item", "diff"}
FUNCTIONS = {"diff", "asarray", "array", "float", "gradient", "ptp", "median", "plot", "step"}

#: Places that may, each with the reason.
ALLOWED = {
    ("neurodyn/spikes/build.py", "attrs['dt']"): (
        "the step at whose end a run noted spikes, which holds however others are coarsened"
    ),
    ("analysis/pairing.py", "attrs['bin_width']"): "what rebin has just written",
    ("neurodyn/experiments/brain_timescales_report.py", "attrs['bin_width']"): (
        "the setting with which the study counted, of results without time"
    ),
}


def sources():
    for folder in ("neurodyn", "analysis", "models", "tasks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            linked = folder == "neurodyn" and name.split("/")[1] in ("analysis", "models", "tasks")
            if not linked and not name.startswith(("neurodyn/labels/", "neurodyn/kernels/")):
                yield name, path.read_text()


def is_axis(node):
    """Whether an expression is a time axis of a labelled object, or a part of it."""
    if isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Constant) and node.slice.value in AXES:
            sizes = isinstance(node.value, ast.Attribute) and node.value.attr == "sizes"
            return isinstance(node.ctx, ast.Load) and not sizes
        return is_axis(node.value)
    return False


def is_labelled_axis(node):
    return is_axis(node) or (isinstance(node, ast.Attribute) and node.attr in AXES)


def stale(node):
    """The attribute that an expression takes from attrs, if it is one that goes stale."""
    key = None
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        key, of = node.slice, node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        key, of = (node.args[0], node.func.value) if node.func.attr == "get" else (None, None)
    if not (isinstance(key, ast.Constant) and key.value in STALE):
        return None
    return f"attrs[{key.value!r}]" if getattr(of, "attr", None) == "attrs" else None


def findings(text):
    """Expressions in which code reads a clock by itself."""
    for node in ast.walk(ast.parse(text)):
        found = None
        if isinstance(node, ast.Attribute) and node.attr in TAKEN:
            found = is_labelled_axis(node.value)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            found = name in FUNCTIONS and any(is_axis(arg) for arg in node.args)
        elif isinstance(node, (ast.BinOp, ast.Compare)):
            sides = [node.left, getattr(node, "right", None), *getattr(node, "comparators", [])]
            found = any(side is not None and is_axis(side) for side in sides)
        if found:
            yield node.lineno, ast.unparse(node)
        elif (name := stale(node)) is not None:
            yield node.lineno, name


def test_nothing_reads_a_clock_by_itself():
    found = [(name, line, what) for name, text in sources() for line, what in findings(text)]
    wrong = [f for f in found if (f[0], f[2]) not in ALLOWED]
    assert not wrong, "read these by labels.clock or labels.bin_width:\n" + "\n".join(
        f"{name}:{line}: {what}" for name, line, what in wrong
    )
    assert {(name, what) for name, _, what in found} >= set(ALLOWED), "an exemption of nothing"


@pytest.mark.parametrize(
    "code",
    [
        "x['time'].values",
        "np.diff(run.rate['time'])",
        "float(x['time'][0])",
        "x.time.values",
        "x['lag'].to_numpy()",
        "ax.plot(x['time'], y)",
        "x['time'] / 1000",
        "ds.attrs['bin_width'] * 2",
        "ds.attrs.get('dt', 1.0)",
    ],
)
def test_the_lint_finds(code):
    assert list(findings(code))


@pytest.mark.parametrize(
    "code",
    ["x['time'] = t", "coords = {'time': x['time']}", "ds.attrs['dt'] = 1", "x.sizes['time'] - 1"],
)
def test_the_lint_lets_pass(code):
    assert not list(findings(code))
