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
#: Functions that pair two objects by their labels.
PAIRS = {"like", "match", "pair", "pair_channels", "pair_sequences"}
#: Functions that take two labelled objects and need not pair them, each with the reason.
_EACH = "draws or counts each of them by its own labels; no value of one meets one of the other"
_MATCHED = "hands both to matched, which pairs them"
_ONE = "both come from one recording, sweep by sweep"
_SYSTEM = "brings each of them into the order of the system, by its own labels"
EXEMPT = {
    "analysis/equilibria/basins.py:basins": _SYSTEM,
    "analysis/equilibria/continuation.py:_input": "takes the input of one where the other is None",
    "analysis/equilibria/continuation.py:continuation": _SYSTEM,
    "analysis/equilibria/flow.py:flow_field": _SYSTEM,
    "analysis/equilibria/limit_cycles.py:limit_cycle": _SYSTEM,
    "analysis/equilibria/planes.py:plane_of": _SYSTEM,
    "neurodyn/plot/equilibria.py:_states": "names of variables of one, values of the other",
    "analysis/shared/conditions.py:condition_codes": "looks conditions up by their labels itself",
    "analysis/shared/pairing.py:_conditions_by": "asks which labels both have",
    "analysis/similarity/measured.py:_advice": "asks which labels both have",
    "analysis/comparison/many.py:cast_of": "names them; pair_up pairs each two",
    "analysis/equilibria/fixed_points.py:fixed_points": "starts and inputs are samples and sets",
    "analysis/equilibria/linear.py:linearise": "each_input selects inputs by the labels of states",
    "analysis/reconstructions/spectra.py:_same_step": "compares steps of the two, and no values",
    "analysis/shared/timebins.py:rebin": "takes the bins of the second, and no values",
    "analysis/operators/choice.py:choose_delays": "hands inputs on to inputs_of, which pairs them",
    "analysis/operators/dmd.py:linear_operator": "hands inputs on to inputs_of, which pairs them",
    "analysis/operators/dsa.py:dsa": "fits an operator to each; no value of one meets the other",
    "analysis/spike_trains/histograms.py:psth": "hands both to align, which pairs their trials",
    "analysis/prediction/ridge_chunks.py:ridge_of_chunks": "chunked_pair has paired both",
    "analysis/similarity/chunks.py:off_diagonal_cka": "measured has matched both",
    "analysis/similarity/distances.py:shape_distances": _MATCHED,
    "analysis/similarity/matching.py:match_units": _MATCHED,
    "analysis/similarity/neighbours.py:neighbour_overlap": _MATCHED,
    "analysis/similarity/stochastic.py:stochastic_distances": _MATCHED,
    "analysis/representations/inference.py:evaluate_rdms": "reads each as pairs, which it matches",
    "analysis/dynamics/words.py:word_divergence": "joins by the words themselves",
    "neurodyn/experiments/shared/decision.py:_dimensionality": _EACH,
    "neurodyn/experiments/flip_flop/__init__.py:_row": _EACH,
    "neurodyn/experiments/reaching/figures.py:_scores": _EACH,
    "neurodyn/experiments/yang2019/__init__.py:_row": _EACH,
    "neurodyn/experiments/reaching/scores.py:described": _ONE,
    "neurodyn/experiments/reaching/scores.py:geometry": "hands both to compare",
    "neurodyn/experiments/reaching/scores.py:halves": "hands both to compare and to dsa",
    "neurodyn/experiments/reaching/scores.py:softening": _EACH,
    "neurodyn/experiments/shared/decision.py:study": "hands both to compare",
    "neurodyn/experiments/fit_izhikevich/scores.py:target_of": _ONE,
    "neurodyn/experiments/fit_izhikevich/__init__.py:_thinned": _ONE,
    "neurodyn/experiments/meta_prior/scores.py:_score": "hands both on, as words",
    "neurodyn/experiments/shared/decision_figures.py:_conditions": _EACH,
    "neurodyn/experiments/timescales/figures.py:perturbation": _EACH,
    "neurodyn/experiments/what_when/figures.py:_until": "xarray compares them, by label",
    "neurodyn/plot/activity.py:_band": "a variable of the other, and that Dataset",
    "neurodyn/plot/behaviour_fits.py:sides_of": _EACH,
    "neurodyn/plot/behaviour.py:psychometric": _EACH,
    "neurodyn/plot/behaviour_fits.py:_measured_sides": _EACH,
    "neurodyn/plot/behaviour_fits.py:chronometric": _EACH,
    "neurodyn/plot/behaviour_fits.py:direction_errors": _EACH,
    "neurodyn/plot/behaviour_fits.py:draw_curves": _EACH,
    "neurodyn/plot/learning.py:tracking": _EACH,
    "neurodyn/plot/raster.py:raster": "draws the trial with one label of both",
    "neurodyn/plot/spikes.py:intervals": _EACH,
    "neurodyn/signals/events.py:trial_column": "reads one, or a column of the other",
    "neurodyn/signals/align.py:_coords": "trials of one, other dims of the other",
    "neurodyn/signals/resample.py:resample": "takes the times of the second, and no values",
    "neurodyn/plot/tasks.py:_classes": "both are of the trial of _outputs; draws each",
    "neurodyn/plot/tasks.py:_outputs": "takes the trial with one label, and outputs by their names",
    "neurodyn/plot/tasks.py:_rows": "both have the outputs of _outputs, by name",
    "neurodyn/plot/tasks.py:trial": "draws the trial with one label of both",
    "neurodyn/plot/tuning.py:_curve": "a variable of the other, and that Dataset",
    "neurodyn/spikes/session_tables.py:columns_of": "reads columns; align pairs them",
    "neurodyn/spikes/session.py:align": "pairs trials where each part is cut",
    "neurodyn/io/parts.py:cut_trials": "hands all on to align",
    "neurodyn/io/parts.py:with_trials": "spikes of one, and the table of trials of the other",
    "neurodyn/io/lazy.py:_mapped": _ONE,
    "neurodyn/io/nwb/write_signals.py:_series": "writes a variable of the other",
    "neurodyn/io/pieces.py:length": "reads a part of the other",
    "neurodyn/io/selection.py:of": "names what to read",
}
_LABELLED = ("DataArray", "Dataset")


class Function:
    """A function of the library, and which of its parameters are labelled objects."""

    def __init__(self, path, node):
        self.name, self.path = f"{path.relative_to(ROOT)}:{node.name}", path
        self.node = node
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        self.parameters = [a.arg for a in arguments if a.arg not in ("self", "cls")]
        said = {a.arg: ast.unparse(a.annotation) for a in arguments if a.annotation is not None}
        self.labelled = {
            name
            for name, annotation in said.items()
            if any(word in annotation for word in _LABELLED)
            and not annotation.startswith(("dict", "Mapping", "list", "Sequence"))
        }
        self.calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
        for n in self.calls:
            if called(n) == "isinstance":
                of_xarray = any(word in ast.unparse(n.args[1]) for word in _LABELLED)
                self.labelled |= names(n.args[0]) & set(self.parameters) if of_xarray else set()

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


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not any(part.is_symlink() for part in path.parents):
                yield path, ast.parse(path.read_text())


def module(name):
    """File of a module of the library, by its dotted name."""
    inner = name.split(".")[1:]
    base = ROOT.joinpath(*inner) if inner and inner[0] in FOLDERS else ROOT / "neurodyn"
    base = base if inner and inner[0] in FOLDERS else base.joinpath(*inner)
    return base.with_suffix(".py")


class Library:
    """All functions, with what each calls found by the imports of its file."""

    def __init__(self, files):
        self.functions, self.own, self.imported = [], defaultdict(dict), defaultdict(dict)
        for path, tree in files:
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    f = Function(path, node)
                    self.functions.append(f)
                    self.own[path][node.name] = f
                elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                    "neurodyn"
                ):
                    for alias in node.names:
                        origin = module(node.module), alias.name
                        self.imported[path][alias.asname or alias.name] = origin
        self.named = defaultdict(list)
        for f in self.functions:
            self.named[f.node.name].append(f)
        #: Calls of each function, with the function of the library that is called, if it is one.
        self.calls = {f: [(call, self.meant(f, call)) for call in f.calls] for f in self.functions}
        new = True
        while new:
            new = sum(self._follow(f) for f in self.functions)

    def meant(self, f, call):
        """The function that a call calls, where it is one of the library."""
        name = called(call)
        if isinstance(call.func, ast.Name):
            if name in self.own[f.path]:
                return self.own[f.path][name]
            path, original = self.imported[f.path].get(name, (None, name))
            if path is not None and original in self.own.get(path, {}):
                return self.own[path][original]
        found = self.named.get(name, [])
        return found[0] if len(found) == 1 else None

    def _follow(self, f):
        """A parameter that is handed on as a labelled object is one."""
        before = len(f.labelled)
        for call, other in self.calls[f]:
            if other is not None:
                given = {a for a, b in f.given(call, other) if b in other.labelled}
                f.labelled |= given & set(f.parameters)
        return len(f.labelled) > before

    def paired(self):
        """Functions that pair, directly or by one that they call with two things at least."""
        good = set()

        def pairs(call, other):
            if len(call.args) + len(call.keywords) < 2:
                return False
            return called(call) in PAIRS or other in good

        changed = True
        while changed:
            new = {
                f
                for f in self.functions
                if f not in good and len(f.labelled) > 1 and any(pairs(*c) for c in self.calls[f])
            }
            changed, good = bool(new), good | new
        return good


def unpaired(files):
    library = Library(files)
    good = library.paired()
    return {f.name for f in library.functions if len(f.labelled) > 1 and f not in good}


def test_two_labelled_objects_are_paired_by_label():
    found = unpaired(sources())
    assert found == set(EXEMPT), (
        "pair the objects of these functions by neurodyn.labels.pair, or say here why not, and "
        f"take out what is no longer there: {sorted(found ^ set(EXEMPT))}"
    )


@pytest.mark.parametrize(
    ("body", "passes"),
    [
        ("return a.values - b.values", False),
        ("return _inside(a, b)", False),
        ("a, b = pair(a, b)\n    return a.values - b.values", True),
        ("return _pairs(a, b)", True),
    ],
)
def test_the_reading_tells_pairing_by_position_from_pairing_by_label(body, passes):
    code = f"""
def error(a, b):
    {body}
def _inside(a: xr.DataArray, b: xr.DataArray):
    return np.asarray(a) - np.asarray(b)
def _pairs(a, b: xr.DataArray):
    if isinstance(a, xr.DataArray):
        return labels.pair(a, b, "unit")
"""
    if "_inside" not in body and "_pairs" not in body:
        code = code.replace("error(a, b)", "error(a: xr.DataArray, b: xr.DataArray)")
    names = unpaired([(ROOT / "module.py", ast.parse(code))])
    assert ("module.py:error" not in names) == passes
