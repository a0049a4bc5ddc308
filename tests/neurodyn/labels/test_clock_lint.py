"""Times are read by `labels.clock`, and widths of bins by `labels.bin_width`, nowhere else."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
AXES = {"time", "lag", "ahead", "frequency"}
STALE = {"dt", "bin_width", "sigma"}
#: Attributes of an axis by which its values are taken, and those that hand the axis on.
TAKEN = {"values", "to_numpy", "data", "item", "diff", "astype", "tolist", "round", "to_index"} | {
    "max", "min", "mean", "median", "std", "sum", "ptp", "argmax", "argmin", "shift", "dt",
}  # fmt: skip
HANDED_ON = {"isel", "sel", "variable", "copy", "squeeze", "dropna", "transpose", "where"}
FUNCTIONS = {"diff", "asarray", "array", "float", "gradient", "ptp", "median", "plot", "step"} | {
    "searchsorted", "interp", "max", "min", "mean", "list", "round", "flatnonzero",
}  # fmt: skip
#: What returns a `Clock`, whose `time` is what code shall read, or spikes, whose `time` is no axis.
CLOCKS = {"clock", "_clock", "Clock", "positions", "within", "Spikes", "Trains", "trains_of"}

#: Places that may, each with the reason.
ALLOWED = {
    ("neurodyn/spikes/build.py", "attrs['dt']"): (
        "the step at whose end a run noted spikes, which holds however others are coarsened"
    ),
    ("neurodyn/datasets/mante.py", "np.asarray(raw.time, np.float64)"): "times of the raw file",
    ("neurodyn/experiments/force_sine/figures.py", "scores['frequency'] / settings['frequency']"): (
        "a score and a setting, no axis"
    ),
    (
        "neurodyn/experiments/symbolic_attractors/figures.py",
        "coded['frequency'].values",
    ): "shares of visits",
    (
        "neurodyn/experiments/symbolic_attractors/scores.py",
        "coded['frequency'].values",
    ): "shares of visits",
    ("neurodyn/plot/operators.py", "right.plot(ahead, steps[np.nanargmin(line)], color=colour)"): (
        "the axis says its unit"
    ),
    (
        "neurodyn/plot/operators.py",
        "right.plot(ahead, choice['persistence_error'], '--', color=GREY, label='no change')",
    ): "the axis says its unit",
    ("neurodyn/experiments/reaching/figures.py", "float(ds['frequency'][0])"): (
        "the frequency of a plane, no axis"
    ),
    ("models/plrnn/base.py", "float(time)"): "the time of one sample, whose unit is checked there",
    ("analysis/reconstructions/forecast.py", "prediction['ahead'].values"): (
        "times along the horizons, compared with the step of the clock"
    ),
    ("neurodyn/experiments/brain_timescales/figures.py", "attrs['bin_width']"): (
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


class Scope:
    """A function (or module), with the names in it that are axes of labelled objects, or clocks."""

    def __init__(self, node, outer=None):
        self.node = node
        self.axes = set() if outer is None else set(outer.axes)
        self.clocks = set() if outer is None else set(outer.clocks)
        given = getattr(node, "args", None)
        for a in [*given.posonlyargs, *given.args, *given.kwonlyargs] if given else []:
            self.axes.discard(a.arg)
            if a.annotation is not None and ast.unparse(a.annotation).split(".")[-1] in CLOCKS:
                self.clocks.add(a.arg)
        assigned = [pair for inner in own(node) for pair in bound(inner)]
        self.clocks |= {name for name, value in assigned if self.is_clock(value)}
        self.axes |= {name for name, value in assigned if self.is_axis(value)}

    def is_clock(self, node):
        if isinstance(node, ast.Call):
            return called(node) in CLOCKS
        known = isinstance(node, ast.Name) and node.id in self.clocks
        return known or (isinstance(node, ast.Attribute) and node.attr == "clock")

    def is_axis(self, node):
        """Whether an expression is a time axis of a labelled object, or a part of it."""
        if isinstance(node, ast.Name):
            return node.id in self.axes
        if isinstance(node, ast.Subscript):
            if isinstance(node.slice, ast.Constant) and node.slice.value in AXES:
                sizes = isinstance(node.value, ast.Attribute) and node.value.attr == "sizes"
                return isinstance(node.ctx, ast.Load) and not sizes
            return self.is_axis(node.value)
        if isinstance(node, ast.Call):
            handed_on = isinstance(node.func, ast.Attribute) and node.func.attr in HANDED_ON
            return handed_on and self.is_axis(node.func.value)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            # Settings have a frequency, too.
            if node.attr in AXES - {"frequency"}:
                return not self.is_clock(node.value)
            return node.attr in HANDED_ON and self.is_axis(node.value)
        return False

    def reads(self, node):
        """Whether an expression computes with an axis."""
        if isinstance(node, ast.Attribute):
            return node.attr in TAKEN and self.is_axis(node.value)
        if isinstance(node, ast.Call):
            by_index = called(node) == "get_index" and any(
                isinstance(arg, ast.Constant) and arg.value in AXES for arg in node.args
            )
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            return by_index or (called(node) in FUNCTIONS and any(map(self.is_axis, arguments)))
        if isinstance(node, (ast.BinOp, ast.Compare)):
            sides = [node.left, getattr(node, "right", None), *getattr(node, "comparators", [])]
            return any(side is not None and self.is_axis(side) for side in sides)
        index = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute)
        return index and node.value.attr == "indexes" and self.is_axis(node)


def called(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def own(node):
    """What a function holds, but not what functions inside it hold."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef):
            yield from own(child)


def bound(node):
    """Names that a statement binds, with the expressions that they stand for."""
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, (ast.NamedExpr, ast.AnnAssign)) and node.value is not None:
        targets, value = [node.target], node.value
    else:
        return
    for target in targets:
        together = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        pairs = zip(target.elts, value.elts, strict=False) if together else [(target, value)]
        yield from ((one.id, of) for one, of in pairs if isinstance(one, ast.Name))


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


def scopes(node, outer=None):
    scope = Scope(node, outer)
    yield scope
    for inner in own(node):
        if isinstance(inner, ast.FunctionDef):
            yield from scopes(inner, scope)


def findings(text):
    """Expressions in which code reads a clock by itself."""
    found = set()
    for scope in scopes(ast.parse(text)):
        for node in own(scope.node):
            if scope.reads(node):
                found.add((node.lineno, ast.unparse(node)))
            elif (name := stale(node)) is not None:
                found.add((node.lineno, name))
    return sorted(found)


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
        "np.asarray(x.time)",
        "np.diff(x.time)",
        "x.time / 1000",
        "x.time > 5",
        "float(x.time[0])",
        "t = x['time']; t.values",
        "t, y = x.time, x.rate; t - t[0]",
        "def f(x):\n t = x['time']\n def g(): return t + 1",
        "x['time'].astype(float).values",
        "x['time'].max()",
        "x['time'].isel(time=0) + 1",
        "x.indexes['time']",
        "x.get_index('time')",
        "x['ahead'].values",
        "x['frequency'].values",
        "ds.attrs['bin_width'] * 2",
        "ds.attrs.get('dt', 1.0)",
    ],
)
def test_the_lint_finds(code):
    assert list(findings(code))


@pytest.mark.parametrize(
    "code",
    [
        "x['time'] = t",
        "coords = {'time': x['time']}",
        "ds.attrs['dt'] = 1",
        "x.sizes['time'] - 1",
        "np.diff(labels.clock(x).time)",
        "c = clock(x); c.time > 5",
        "def f(c: Clock): return c.time / 2",
        "def f(x): c = clock(x); return c.time / 2",
        "def f(x):\n t = x['time']\n def g(t): return t + 1",
        "settings.frequency * 2",
    ],
)
def test_the_lint_lets_pass(code):
    assert not list(findings(code))
