"""Labels, never positions: whatever xarray does to the data, results are right or refused.

Every public function, plot and writer that takes labelled data is found through `__all__`, and
called with what it accepts of a zoo of labelled objects. A new one is covered without being named;
where nothing in the zoo fits, `test_every_function_has_an_example` says what to add.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conformance.labelled.calls import cases, leaf
from tests.conformance.labelled.clocks import CLOCKS, clock
from tests.conformance.labelled.examples import MISSING, examples, of
from tests.conformance.labelled.given import EXEMPT
from tests.conformance.labelled.orders import permuted, transposed
from tests.conformance.labelled.pairs import paired
from tests.conformance.labelled.public import entries, kind_of
from tests.conformance.labelled.selections import concatenated, selected
from tests.conformance.labelled.variables import in_a_dataset, in_words

EVERY = pytest.mark.parametrize("name", entries())
#: What measures, averages and draws.
MEASURED = pytest.mark.parametrize(
    "name", [n for n in entries() if n.split(".")[1] in ("analysis", "plot", "trials")]
)
#: No shrinking: a finding names the call, the dim and the numbers.
FEW = settings(
    derandomize=True,
    max_examples=1,
    deadline=None,
    phases=(Phase.generate,),
    database=None,
    suppress_health_check=list(HealthCheck),
)


def orders(n: int):
    """Permutations other than the identity; of many entries they are drawn by a seed."""
    seeds = st.integers(0, 2**16).map(lambda seed: np.random.default_rng(seed).permutation(n))
    return seeds.filter(lambda p: (np.diff(p) != 1).any())


def selections(dim: str, order: np.ndarray, x):
    """Ways to take some of the entries, in some order."""
    some = order[:-1]
    inside = np.isin(np.arange(len(order)), some)
    yield "isel", lambda x: x.isel({dim: some})
    yield "slice", lambda x: x.isel({dim: slice(None, None, -1)}).isel({dim: slice(0, None, 2)})
    yield "mask", lambda x: x.isel({dim: inside})
    if dim in x.indexes and x.indexes[dim].is_unique:
        wanted = x[dim].values[some]
        yield "sel", lambda x: x.sel({dim: wanted})
        yield "where", lambda x: x.where(x[dim].isin(wanted), drop=True)


def report(found: list[str], relation: str, name: str, *, only: str = "") -> None:
    """Fail with everything that was found, apart from what a relation need not keep."""
    if name in EXEMPT[relation] and only in EXEMPT_OF.get(relation, only):
        return
    assert not found, "\n".join(found)


#: Under which changes exemptions hold, where not under all.
EXEMPT_OF = {"clock": ("gap", "seconds")}


def test_every_function_has_an_example():
    examples()
    missing = {name: said for name, said in MISSING.items() if name not in EXEMPT["example"]}
    assert not missing, "\n".join(f"{name}: {said}" for name, said in missing.items())


def test_exemptions_are_of_public_functions():
    assert not {name for names in EXEMPT.values() for name in names} - set(entries())


def test_how_much_is_covered():
    kinds = [kind_of(entry) for name, entry in entries().items() if of(name)]
    for kind, least in (("function", 60), ("plot", 35), ("writer", 3)):
        assert kinds.count(kind) >= least


@EVERY
@FEW
@given(data=st.data())
def test_order_does_not_matter(name, data):
    found = []
    for case in cases(of(name)):
        order = data.draw(orders(leaf(case.given).sizes[case.dim]))
        if said := permuted(case, order):
            found.append(f"{case} in the order {order}: {said}")
    report(found, "order", name)


@EVERY
@FEW
@given(data=st.data())
def test_a_selection_is_as_if_there_were_no_more(name, data):
    found = []
    for case in cases(of(name)):
        x = leaf(case.given)
        order = data.draw(orders(x.sizes[case.dim]))
        ways = list(selections(case.dim, order, x))
        way, select = data.draw(st.sampled_from(ways))
        if said := selected(case, select):
            found.append(f"{case}, {way} {order[:-1]}: {said}")
    report(found, "selection", name)


@EVERY
@FEW
@given(at=st.integers(1, 20))
@pytest.mark.parametrize("options", [{}, {"data_vars": "minimal"}], ids=["default", "minimal"])
def test_parts_joined_again_are_the_whole(name, options, at):
    found = []
    for case in cases(of(name)):
        if said := concatenated(case, at, **options):
            found.append(f"{case}, joined: {said}")
    report(found, "selection", name)


@EVERY
@FEW
@given(data=st.data())
def test_two_objects_are_paired_by_label(name, data):
    found = []
    for ordered in (False, True):
        for case in cases(of(name), ordered=ordered):
            order = data.draw(orders(leaf(case.given).sizes[case.dim]))
            if said := paired(case, order):
                found.append(f"{case}: {said}")
    report(found, "pairs", name)


@EVERY
@pytest.mark.parametrize("change", CLOCKS)
def test_another_clock_is_right_or_refused(name, change):
    found = []
    for case in cases(of(name), ordered=True):
        if case.dim in ("time", "spike") and (said := clock(case, change)):
            found.append(f"{case}: {said}")
    report(found, "clock", name, only=change)


@MEASURED
def test_a_dataset_with_one_variable_is_as_its_array(name):
    found = []
    for example in of(name):
        for argument in example.arguments:
            if said := in_a_dataset(example, argument):
                found.append(f"{example}, {argument}: {said}")
    report(found, "variable", name)


@MEASURED
def test_words_are_labels(name):
    found = [f"{example}: {said}" for example in of(name) if (said := in_words(example))]
    report(found, "words", name)


@EVERY
def test_dims_may_come_in_another_order(name):
    found = []
    for case in cases(of(name)[:1] + of(name)[-1:]):
        if case.first and (said := transposed(case)):
            found.append(f"{case}: {said}")
            break
    report(found, "order", name)
